"""The results as SVG, written by hand: no library, readable on a light and on a dark page."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP, STEP = 820, 130, 70, 64, 34
COLOURS = {"asyncio": "#2f7ed8", "uvloop": "#e07b1a"}
INK, GRID = "#777", "#8884"
FONT = "font-family='sans-serif' font-size='13'"


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 13, weight: str = "normal") -> str:
    style = f"text-anchor='{anchor}' font-size='{size}' font-weight='{weight}' fill='{INK}'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {style}>{escape(words)}</text>"


def line(x: float, y: float, x2: float, y2: float, colour: str = GRID, width: float = 1) -> str:
    return f"<line x1='{x:.1f}' y1='{y:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' stroke-width='{width}'/>"


def write(path: Path, width: int, height: int, parts: list[str]) -> None:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' {FONT}>"
    path.write_text("\n".join([head, *parts, "</svg>"]) + "\n", encoding="utf-8")


class Logarithmic:
    """Values to places on a line."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self.low, self.factor, self.begin = math.log(low), (end - begin) / (math.log(high) - math.log(low)), begin

    def __call__(self, value: float) -> float:
        return self.begin + (math.log(value) - self.low) * self.factor


def bars(found: dict[str, Any], sentence: str, path: Path) -> None:
    """A line for each way: a dot for each workload, a bar at their geometric mean."""
    rows = found["rows"]
    ways = [name for name in rows[0]["ways"] if name != "bare"]
    values = {way: [(row, row["ways"][way]["median"]) for row in rows if "median" in row["ways"][way]] for way in ways}
    ways = [way for way in ways if values[way]]
    most = max(max(value for _, value in values[way]) for way in ways)
    scale = Logarithmic(0.7, most * 1.1, LEFT, WIDTH - RIGHT)
    bottom = TOP + STEP * len(ways)
    parts = [
        text(LEFT, 20, "CPU time as a multiple of the bare program's; each dot is a workload", weight="bold"),
        *legend(LEFT, 40),
        *(
            part
            for tick in (1, 2, 5, 10, 20, 50, 100)
            if tick <= most * 1.1
            for part in (
                line(scale(tick), TOP - 8, scale(tick), bottom),
                text(scale(tick), bottom + 18, f"{tick} x", anchor="middle"),
            )
        ),
    ]
    for number, way in enumerate(ways):
        y = TOP + STEP * (number + 0.5)
        mean = statistics.geometric_mean(value for _, value in values[way])
        parts.append(
            text(LEFT - 12, y + 5, way, anchor="end", weight="bold" if way in ("light", "debug") else "normal")
        )
        for row, value in values[way]:
            shift = -5 if row["loop"] == "asyncio" else 5
            title = f"<title>{escape(row['workload'])}, {row['loop']}: {value:.2f}</title>"
            parts.append(
                f"<circle cx='{scale(max(value, 0.7)):.1f}' cy='{y + shift:.1f}' r='4' "
                f"fill='{COLOURS[row['loop']]}' fill-opacity='0.6'>{title}</circle>"
            )
        parts.append(line(scale(mean), y - 13, scale(mean), y + 13, INK, 3))
        parts.append(text(WIDTH - RIGHT + 12, y + 5, f"{mean:.2f}" if mean < 10 else f"{mean:.1f}"))
    parts.append(text(LEFT, bottom + 42, f"Bars and figures: geometric means. {sentence}.", size=11))
    write(path, WIDTH, bottom + 54, parts)


def legend(x: float, y: float, names: dict[str, str] = COLOURS) -> list[str]:
    parts = []
    for name, colour in names.items():
        parts += [f"<circle cx='{x + 5:.1f}' cy='{y - 4:.1f}' r='4' fill='{colour}'/>", text(x + 14, y, name)]
        x += 26 + 8 * len(name)
    return parts


def curves(panels: list[dict[str, Any]], sentence: str, path: Path) -> None:
    """Panels side by side: `title`, `unit` of the horizontal axis, `series` as lists of pairs by name."""
    wide, high, gap = 250, 190, 52
    colours = dict(
        zip(("light", "debug", "dev mode", "asyncio debug"), ("#2f7ed8", "#3a9d4a", "#c0392b", "#e07b1a"), strict=True)
    )
    width = len(panels) * (wide + gap) + 20
    most = max(value for panel in panels for series in panel["series"].values() for _, value in series)
    names = {name: colours[name] for name in panels[0]["series"]}
    parts = [text(gap, 20, "CPU time as a multiple of the bare program's", weight="bold"), *legend(gap, 40, names)]
    for number, panel in enumerate(panels):
        left = gap + number * (wide + gap)
        points = [x for series in panel["series"].values() for x, _ in series]
        across = Logarithmic(min(points), max(points), left, left + wide)
        up = Logarithmic(0.8, most * 1.1, TOP + high, TOP)
        parts.append(text(left, TOP - 6, panel["title"]))
        for tick in (tick for tick in (1, 2, 5, 10, 20, 50) if tick <= most * 1.1):
            parts += [
                line(left, up(tick), left + wide, up(tick)),
                text(left - 6, up(tick) + 4, f"{tick}", anchor="end", size=11),
            ]
        for x in sorted({10 ** round(math.log10(x)) for x in points if x >= 1}):
            if min(points) <= x <= max(points):
                parts.append(text(across(x), TOP + high + 16, f"{x:,}", anchor="middle", size=11))
        parts.append(text(left + wide, TOP + high + 32, panel["unit"], anchor="end", size=11))
        for name, series in panel["series"].items():
            places = " ".join(f"{across(x):.1f},{up(max(value, 0.8)):.1f}" for x, value in series)
            parts.append(f"<polyline points='{places}' fill='none' stroke='{colours[name]}' stroke-width='2'/>")
    parts.append(text(gap, TOP + high + 54, f"{sentence}.", size=11))
    write(path, width, TOP + high + 64, parts)
