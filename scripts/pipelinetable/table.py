"""The table of collectors: what the program, its end and its forks take, and what was sent, lost and has arrived.

A row is ok when the program ended as it does without us, every finding is sent or counted as lost, at least as much has
arrived as is said to be sent, and its end came within the bound. The exit status is 1 when a row is not ok.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]
import endpoints  # noqa: E402

# Seconds that a collector may hold the end of a program (see sinks/otlp.py), and what a busy machine may add.
BOUND = 1.5 + 2.0
HEADS = ["collector", "µs of CPU a turn", "longest turn", "fork", "end", "found", "sent", "lost", "arrived", "verdict"]
Row = tuple[str, Callable[[], Any] | None, str]


def rows(collector: str | None, folder: Path, *, quick: bool) -> list[Row]:
    if collector:
        good: Row = ("the real one", lambda: endpoints.real(collector, folder), "")
        killed: Row = ("the real one, kill -9", lambda: endpoints.real(collector, folder), "killed")
    else:
        good = ("one that answers", lambda: endpoints.answering(200), "")
        killed = ("one that answers, kill -9", lambda: endpoints.answering(200), "killed")
    found: list[Row] = [
        ("no --otlp", None, ""),
        good,
        ("dead", endpoints.dead, ""),
        ("silent", endpoints.silent, ""),
        ("slow, 2 s", lambda: endpoints.answering(200, after=2.0), ""),
        ("silent, forks", endpoints.silent, "fork"),
    ]
    more: list[Row] = [
        ("trickles", lambda: endpoints.silent(b"x"), ""),
        ("refuses, 400", lambda: endpoints.answering(400), ""),
        ("overloaded, 503", lambda: endpoints.answering(503), ""),
        ("no --otlp, forks", None, "fork"),
        (good[0] + ", forks", good[1], "fork"),
        killed,
    ]
    return found if quick else found + more


def run(address: str | None, mode: str, places: int, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    output = folder / "findings.jsonl"
    output.unlink(missing_ok=True)
    options = ["--profile", "light", "--format", "json", "--output", str(output)]
    options += ["--otlp", address] if address else []
    command = [sys.executable, "-m", "asyncwatch", *options, str(HERE / "program.py"), str(places), mode]
    # 3.13.0 counts the threads that are there after a fork, and warns of ours.
    env = {
        **os.environ,
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
        "PYTHONPATH": str(HERE.parent.parent / "src"),
        "OTEL_SERVICE_NAME": "shop",
    }
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    ended = time.time()
    out = json.loads(done.stdout.splitlines()[-1])
    said = {**out, "end": ended - out["ended"], "status": done.returncode}
    return said, [json.loads(line) for line in output.read_text().splitlines()], done.stderr


def cell(row: Row, places: int, folder: Path) -> tuple[list[str], bool, str]:
    name, make, mode = row
    with make() if make is not None else contextlib.nullcontext() as endpoint:
        said, lines, errors = run(endpoint.address if endpoint else None, mode, places, folder)
    totals = [line["evidence"]["otlp"] for line in lines if line["code"] == "AW099" and "otlp" in line["evidence"]]
    sent, lost = (sum(total[key] for total in totals) for key in ("sent", "lost"))
    found = sum(line["code"] != "AW099" for line in lines)
    arrived = endpoint.arrived() if endpoint else []
    there = sum(code != "AW099" for code in arrived)
    wrong = []
    if said["status"] != (-9 if mode == "killed" else 0) or errors:
        wrong.append(f"status {said['status']} {errors[-200:]}")
    if endpoint and mode != "killed" and sent + lost != found:
        wrong.append("not all are accounted for")
    if there < sent:
        wrong.append("less has arrived than was sent")
    if said["end"] > BOUND and mode != "killed":
        wrong.append("the end came late")
    fork = f"{said['forked'] * 1000:.0f} ms" if mode == "fork" else "-"
    counts = [str(sent), str(lost), str(there)] if endpoint and mode != "killed" else ["-", "-", str(there)]
    end = f"{said['end']:.2f} s" if mode != "killed" else "-"
    numbers = [f"{said['cpu'] * 1e6:.2f}", f"{said['longest'] * 1000:.0f} ms", fork, end, str(found), *counts]
    return [name, *numbers, "; ".join(wrong) or "ok"], not wrong, endpoint.text if endpoint else ""


def dump(text: str) -> str:
    """One finding and the metrics as the real collector writes them."""
    start = text.find("EventName: asyncwatch.task_exception_unretrieved")
    record = text[text.rfind("LogRecord #", 0, start) : text.find("LogRecord #", start)]
    metrics = text[text.rfind("ResourceMetrics #0") :].partition("\t{")[0]
    return f"{record}\n{metrics}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/pipelines", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six rows instead of twelve")
    parser.add_argument("--collector", metavar="PATH", help="the OpenTelemetry Collector's program")
    parser.add_argument("--dump", action="store_true", help="also what the real collector says has arrived")
    parser.add_argument("--places", type=int, default=200, metavar="N", help="places with a finding (default: 200)")
    options = parser.parse_args()
    collector = endpoints.find(options.collector)
    text, right = [HEADS], True
    dumped = ""
    with tempfile.TemporaryDirectory() as name:
        for row in rows(collector, Path(name), quick=options.quick):
            line, ok, seen = cell(row, options.places, Path(name))
            text.append(line)
            right = right and ok
            dumped = dumped or (seen if row[0] == "the real one" else "")
            print("  ".join(line), file=sys.stderr)
    widths = [max(map(len, column)) for column in zip(*text, strict=True)]
    text.insert(1, ["-" * width for width in widths])
    for line in text:
        print("| " + " | ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) + " |")
    if not collector:
        print("\nThe real collector was not there (--collector PATH): a server of ours has taken its place.")
    if options.dump and dumped:
        print("\n" + dump(dumped))
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
