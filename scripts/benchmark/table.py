"""Ratios, their medians and quartiles, and what the budgets say of them."""

from __future__ import annotations

import statistics
from typing import Any

from interleave import Times

LIGHT_MEAN, LIGHT_WORST = 1.03, 1.10
DEBUG_SHARE, DEBUG_WORST = 0.25, 1.0

Row = dict[str, Any]


def rows(times: Times) -> list[Row]:
    """One for each loop and workload; `ways` has CPU time and ratio to bare, of each round and their quartiles."""
    found = []
    for (loop, workload), ways in times.items():
        row: Row = {"loop": loop, "workload": workload, "ways": {}}
        for name, measured in ways.items():
            ratios = [one / bare for one, bare in zip(measured, ways["bare"], strict=True) if one is not None and bare]
            row["ways"][name] = {"cpu": measured, "ratios": ratios, **quartiles(ratios)}
        row["bare"] = statistics.median([one for one in ways["bare"] if one is not None] or [0.0])
        found.append(row)
    return found


def quartiles(ratios: list[float]) -> dict[str, float]:
    """Median and quartiles; empty when nothing could be measured."""
    if not ratios:
        return {}
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    return {"median": middle, "low": low, "high": high}


def print_table(rows: list[Row], ways: list[str]) -> None:
    print("CPU time of one operation: bare in microseconds, else median of the ratios to bare (quartiles)")
    wide = max(len(row["workload"]) for row in rows) + 2
    print(f"{'loop':<9}{'workload':<{wide}}{'bare':>8}" + "".join(f"{way:>19}" for way in ways if way != "bare"))
    for row in rows:
        cells = "".join(f"{cell(row['ways'][way]):>19}" for way in ways if way != "bare")
        print(f"{row['loop']:<9}{row['workload']:<{wide}}{1e6 * row['bare']:>8.2f}{cells}")


def cell(found: dict[str, Any]) -> str:
    if "median" not in found:
        return "broke"
    text = number(found["median"])
    return text if len(found["ratios"]) == 1 else f"{text} ({number(found['low'])}-{number(found['high'])})"


def number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def medians(rows: list[Row], way: str) -> dict[tuple[str, str], float]:
    found = {(row["loop"], row["workload"]): row["ways"].get(way, {}).get("median") for row in rows}
    return {case: median for case, median in found.items() if median is not None}


def print_means(rows: list[Row], ways: list[str]) -> None:
    print()
    for way in ways[1:]:
        found = medians(rows, way)
        if found:
            worst = max(found, key=found.__getitem__)
            mean = statistics.geometric_mean(found.values())
            broke = f"; broke {len(rows) - len(found)} of {len(rows)}" if len(found) < len(rows) else ""
            most = f"{number(found[worst]):>6} ({', '.join(worst)})"
            print(f"{way:<15}geometric mean {number(mean):>6}, worst {most}{broke}")


def print_budgets(rows: list[Row]) -> None:
    print()
    light, debug, dev = (medians(rows, way) for way in ("light", "debug", "dev mode"))
    if light:
        judge("light, geometric mean", statistics.geometric_mean(light.values()), LIGHT_MEAN)
        judge("light, worst workload", max(light.values()), LIGHT_WORST)
    shares = {case: debug[case] / dev[case] for case in debug.keys() & dev.keys()}
    if shares:
        judge("debug / dev mode, geometric mean", statistics.geometric_mean(shares.values()), DEBUG_SHARE)
        judge("debug / dev mode, worst workload", max(shares.values()), DEBUG_WORST)


def judge(what: str, found: float, budget: float) -> None:
    print(f"{'within' if found <= budget else 'OVER  '} {what}: {found:.3f} of {budget:.2f}")
