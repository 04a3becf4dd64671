"""The table of causes: a healthy service and a guilty one in every condition that this machine can make.

A healthy one has to be silent above level info, whatever the machine does to it. The guilty one's two lines have to be
warnings all the same; on a machine with next to no CPU one may be too uncertain to say, which is counted and no alarm.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import ways

SERVICE = Path(__file__).resolve().parent.parent.parent / "tests" / "victims" / "causes" / "service.py"
PATIENCE = 90
GUILTY = [number for number, line in enumerate(SERVICE.read_text().splitlines(), 1) if line.endswith("# guilty")]


class Condition(NamedTuple):
    """What is done to the program, and what it does itself."""

    name: str
    way: Callable[[], AbstractContextManager[ways.Start]]
    what: str = "healthy"
    options: tuple[str, ...] = ()
    quick: bool = False


def conditions() -> list[Condition]:
    found = [Condition("nothing", ways.plain, what, quick=True) for what in ("healthy", "guilty")]
    for share in (0.05, 0.1, 0.2, 0.5):
        for what in ("healthy", "guilty"):
            in_group = functools.partial(ways.quota, share)
            found.append(Condition(f"quota {share} by control group", in_group, what, quick=share == 0.1))
            inside = functools.partial(ways.container, "--cpus", str(share))
            found.append(Condition(f"docker --cpus {share}", inside, what))
    for count, nice in ((2, 0), (4, 0), (8, 0), (4, -10), (8, -10)):
        beside = functools.partial(ways.neighbours, count, nice)
        found.append(Condition(f"{count} busy neighbours, nice {nice}", beside, quick=(count, nice) == (4, 0)))
    for what in ("idle", "healthy"):
        found.append(Condition("SIGSTOP", ways.stopped, what, ("--hang-after", "1"), quick=what == "healthy"))
        frozen = functools.partial(ways.container, pauses=True)
        found.append(Condition("docker pause", frozen, what, ("--hang-after", "1")))
    return [*found, Condition("millions of objects", ways.plain, "gc", quick=True)]


def run(condition: Condition, loop: str, profile: str, seconds: float) -> list[dict[str, Any]]:
    """The lines that were said; raises Cannot, or RuntimeError with what went wrong."""
    with tempfile.TemporaryDirectory() as name, condition.way() as start:
        folder = Path(name)
        output = folder / "said"
        own = [
            "-m",
            "asyncwatch",
            "--profile",
            profile,
            "--format",
            "json",
            "--output",
            str(output),
            *condition.options,
        ]
        running = start([sys.executable, *own, str(SERVICE), loop, str(seconds), condition.what], folder)
        try:
            out, _ = running.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            raise RuntimeError(f"not over after {PATIENCE} s") from None
        if running.returncode != 0:
            raise RuntimeError((out.splitlines() or ["no word"])[-1])
        text = output.read_text() if output.exists() else ""
    said: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    if not said or said[-1]["code"] != "AW099":
        raise RuntimeError(f"was not watched to its end: {(out.splitlines() or ['no word'])[-1]}")
    return said


def in_parts(line: dict[str, Any]) -> tuple[str | None, ...]:
    return line["level"], line["code"], line["evidence"].get("cause"), line["evidence"].get("why")


def verdict(condition: Condition, said: list[dict[str, Any]]) -> tuple[str, str]:
    """What was said, and what is to be said of it."""
    findings = [line for line in said if line["code"] not in ("AW000", "AW099")]
    causes = Counter(" ".join(filter(None, parts)) for parts in map(in_parts, findings))
    told = {(line.get("where") or {}).get("line"): line["code"] for line in findings if line["level"] != "info"}
    guilty = GUILTY if condition.what == "guilty" else []
    alarms = [f"{code} at line {line}" for line, code in told.items() if line not in guilty]
    missed = [f"line {line}" for line in guilty if line not in told]
    pauses = said[-1]["evidence"].get("unexplained_pauses", 0)
    words = "; ".join(f"{count} {cause}" for cause, count in sorted(causes.items())) or "-"
    verdict = f"FALSE ALARM: {', '.join(alarms)}" if alarms else f"missed {', '.join(missed)}" if missed else "right"
    return f"{words} ({pauses} pauses counted)", verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/causes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few conditions, asyncio's own loop, the light profile")
    parser.add_argument("--seconds", type=float, help="how long each program runs (6, or 4 with --quick)")
    parser.add_argument("--only", default="", metavar="WORD", help="conditions with this word in their name")
    options = parser.parse_args()
    seconds = options.seconds or (4 if options.quick else 6)
    loops = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") and not options.quick else [])]
    alarms, cannot, began = 0, {}, time.monotonic()
    print(f"{'condition':32} {'program':8} {'loop':8} {'profile':8} verdict; what was said", flush=True)
    for condition in conditions():
        if (options.quick and not condition.quick) or options.only not in condition.name:
            continue
        for loop in loops:
            for profile in ["light"] if options.quick else ["light", "debug"]:
                try:
                    words, judged = verdict(condition, run(condition, loop, profile, seconds))
                except ways.Cannot as error:
                    cannot[condition.name] = str(error)
                    continue
                except RuntimeError as error:
                    words, judged = str(error), "BROKE"
                alarms += judged.startswith(("FALSE", "BROKE"))
                row = f"{condition.name:32} {condition.what:8} {loop:8} {profile:8} {judged}; {words}"
                print(row, flush=True)
    for name, why in cannot.items():
        print(f"not tried: {name}: {why}")
    print(f"{alarms} false alarms, in {time.monotonic() - began:.0f} s on Python {sys.version.split()[0]}")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
