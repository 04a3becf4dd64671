"""The table of containers: each cell is one that was started by a real engine and ended.

A cell is "ok" when the container did what it does without asyncwatch: the same status, the same bytes on standard
output, no process left; and when the planted line was named as a warning and nothing else was; with the toggle off,
when nothing of ours was said at all. Under the table stand what a second container can read of the first, and the
README's own commands, run as they stand there. The exit status is 1 when a cell is not ok.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]
import judge  # noqa: E402
import matrix  # noqa: E402
import readme  # noqa: E402
import sidecar  # noqa: E402
from engine import Container, Engine, Failed, docker  # noqa: E402
from rows import ROWS, Row  # noqa: E402

ROOT = HERE.parent.parent
PARTS = ("table", "beside", "readme")
TOGGLES = ["", "off", "light", "debug"]
AT_ONCE = 2
TRIES = 3
APPLICATION = "FROM {base}\nCOPY work.py web.py ./\nCMD {command}\n"
WITH_UVICORN = "FROM {base}\nUSER root\nRUN pip install --no-cache-dir --root-user-action=ignore uvicorn\nUSER 10001\n"


class Cell:
    """What became of one container; `why` is "ok" or what was wrong."""

    def __init__(self, why: str, seen: judge.Outcome | None = None) -> None:
        self.why, self.seen, self.attempts = why, seen, 1


class Table:
    """What the cells share."""

    def __init__(self, engine: Engine, images: dict[str, str]) -> None:
        self.engine, self.images = engine, images
        self.bare: dict[str, judge.Outcome] = {}

    def cell(self, row: Row, toggle: str) -> Cell:
        """A cell that came out wrong is tried again: the machine may have been busy."""
        found: Cell = matrix.repeated(
            lambda: self._once(row, toggle), lambda one: one.why == "ok", TRIES - 1, float("inf")
        )
        return found

    def _once(self, row: Row, toggle: str) -> Cell:
        try:
            seen = self._run(row, toggle)
        except Failed as error:
            return Cell(str(error))
        if not toggle:
            self.bare[row.name] = seen
        found = judge.faults(row, toggle, seen, self.bare.get(row.name))
        return Cell("; ".join(found) or "ok", seen)

    def _run(self, row: Row, toggle: str) -> judge.Outcome:
        options = list(row.options)
        for setting in row.environ + ((f"ASYNCWATCH={toggle}",) if toggle else ()):
            options += ["-e", setting]
        volume = self.engine.volume() if row.says == "file" else ""
        options += ["-v", f"{volume}:/run/asyncwatch"] if volume else []
        options += [] if toggle else ["--entrypoint", "python"]
        image = self.images[row.image]
        container = self.engine.attach(image, *row.words, options=options)
        try:
            self._signals(row, toggle, container)
            status = container.wait()
            out, err = container.logs()
            oom = bool(container.state()["OOMKilled"])
        finally:
            container.remove()
        show = f"cat {sidecar.FOLDER}/found 2>/dev/null || true"
        there = [
            "--rm",
            "--network",
            "none",
            "-v",
            f"{volume}:{sidecar.FOLDER}",
            "--entrypoint",
            "sh",
            image,
            "-c",
            show,
        ]
        return judge.Outcome(status, out, err, docker("run", *there).stdout.encode() if volume else b"", oom)

    def _signals(self, row: Row, toggle: str, container: Container) -> None:
        if not row.signals:
            return
        container.until("ready", lambda: b"ready" in container.logs()[0])
        if toggle in ("light", "debug"):
            container.until("heard", lambda: b"AW101" in container.logs()[1])
        for number, name in enumerate(row.signals):
            if number:
                time.sleep(1.0)
                if not container.running():
                    raise Failed(f"ended by {row.signals[0]}")
            container.signal(name)


def build(engine: Engine) -> dict[str, str]:
    """The images by name: the base as the Dockerfile has it, an application's on it, one with uvicorn besides."""
    base = engine.build("base", ROOT)
    apps = HERE / "apps"
    app = engine.build("app", apps, APPLICATION.format(base=base, command='["work.py", "exit-0"]'))
    under = engine.build("uvicorn", apps, WITH_UVICORN.format(base=base))
    web = engine.build("web", apps, APPLICATION.format(base=under, command='["uvicorn", "web:application"]'))
    return {"base": base, "app": app, "web": web}


def run_all(table: Table, rows: list[Row]) -> dict[tuple[str, str], Cell]:
    results: dict[tuple[str, str], Cell] = {}
    for toggles in (TOGGLES[:1], TOGGLES[1:]):  # the bare ones first, for the others are held against them
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            cells = {pool.submit(table.cell, row, one): (row.name, one) for row in rows for one in toggles}
            for future in concurrent.futures.as_completed(cells):
                results[cells[future]] = future.result()
                matrix.progress("containers", len(results), f"{len(results)}: {' '.join(cells[future])}")
    matrix.progress("containers", 0, "")
    return results


def show(rows: list[Row], results: dict[tuple[str, str], Cell]) -> None:
    lines = [["container", *(toggle or "bare" for toggle in TOGGLES)]]
    for row in rows:
        whys = [results[row.name, toggle].why for toggle in TOGGLES]
        lines.append([row.name, *(why if why == "ok" else "NOT OK" for why in whys)])
    print_table(lines)
    for (name, toggle), cell in results.items():
        if cell.why != "ok":
            print(f"{name}, {toggle or 'bare'}: {cell.why}")
    print()


def print_table(lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines = [lines[0], ["-" * width for width in widths], *lines[1:]]
    for line in lines:
        print("| " + " | ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) + " |")
    print()


def show_checks(title: str, checks: list[tuple[str, Callable[[], str]]]) -> bool:
    """Run each, tried again when it is not ok, and print what each has seen; whether all were ok."""
    lines, well = [[title, "", "seen"]], True
    for name, check in checks:
        for attempt in range(TRIES):
            try:
                result = ["ok", check()]
                break
            except (Failed, AssertionError) as error:
                result = ["NOT OK", str(error)[:300]]
                matrix.progress("containers", 0, f"{name}: attempt {attempt + 1}: {error}")
        well = well and result[0] == "ok"
        lines.append([name, *result])
    print_table(lines)
    return well


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/containers", description="Make the table of containers.")
    parser.add_argument("--quick", action="store_true", help="a part of the rows; under 3 minutes")
    parser.add_argument("--rows", default="", metavar="TEXT[,TEXT...]", help="only rows whose name has one of these")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="PART[,PART...]", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--outputs", action="store_true", help="print what each container wrote")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    parts = options.parts.split(",")
    rows = [row for row in ROWS if "table" in parts and (row.quick or not options.quick)]
    rows = [row for row in rows if not options.rows or any(text in row.name for text in options.rows.split(","))]
    began, before = time.monotonic(), os.getloadavg()[0]
    try:
        engine = Engine()
    except Failed as error:
        raise SystemExit(f"containers: {error}") from None
    try:
        images = build(engine)
        built = time.monotonic() - began
        table = Table(engine, images)
        results = run_all(table, rows)
        if rows:
            show(rows, results)
        for name, cell in results.items() if options.outputs else ():
            print(name, cell.seen)
        well = all(cell.why == "ok" for cell in results.values())
        if "beside" in parts:
            well = show_checks("a second container", sidecar.checks(engine, images, quick=options.quick)) and well
        if "readme" in parts:
            well = show_checks("the README's commands", readme.checks(engine, images)) and well
        again = sum(cell.attempts > 1 for cell in results.values())
    except Failed as error:
        raise SystemExit(f"containers: {error}") from None
    finally:
        engine.remove()
    seconds = time.monotonic() - began
    print(f"{len(results)} containers, {again} of them tried again; engine {engine.version}, {os.cpu_count()} cores,")
    print(
        f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after; {built:.0f} s to build, {seconds:.0f} s in all."
    )
    sys.exit(not well)


if __name__ == "__main__":
    main()
