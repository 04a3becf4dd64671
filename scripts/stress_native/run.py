"""Runs the stressed program on each loop, with short margins and real ones, and disturbs it meanwhile.

Beside it processes burn CPU for half of the time, and it is stopped and continued at random moments.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SRC = HERE.parents[1] / "src"
# The part of the time that goes to short margins, which have the most dumps.
TIGHT = 0.75
PATIENCE = 60.0


@dataclasses.dataclass
class Outcome:
    """What became of one program."""

    loop: str
    margins: str
    status: int
    counts: dict[str, Any]
    seconds: float
    load: float
    errors: str = ""

    @property
    def crashed(self) -> bool:
        return self.status != 0 or "ended" not in self.counts

    @property
    def dumps(self) -> int:
        return int(self.counts.get("dumps", 0))

    @property
    def wrong(self) -> dict[str, int]:
        return dict(self.counts.get("wrong", {}))


def disturb(process: subprocess.Popen[str], end: float) -> None:
    """Until it ends: stop and continue it, and now and then leave it too little CPU."""
    burners: list[subprocess.Popen[bytes]] = []
    turn = time.monotonic()
    while process.poll() is None and time.monotonic() < end:
        time.sleep(random.random() * 0.3)
        if random.random() < 0.3:
            process.send_signal(signal.SIGSTOP)
            time.sleep(random.random() * 0.15)
            process.send_signal(signal.SIGCONT)
        if time.monotonic() >= turn:
            turn = time.monotonic() + (1.5 if burners else 0.7)
            if burners:
                stop(burners)
            else:
                many = random.randrange(1, 2 * (os.cpu_count() or 1) + 1)
                burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(many)]
    stop(burners)


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    while processes:
        process = processes.pop()
        process.kill()
        process.wait()


def stress(loop: str, margins: str, seconds: float) -> Outcome:
    """One program for that long."""
    path = os.pathsep.join([str(SRC), str(HERE)])
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ASYNCWATCH", "PYTHON"))}
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", str(HERE / "child.py"), loop, margins, str(seconds)],
            env={**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL, stdout=out, stderr=errors, text=True,
        )  # fmt: skip
        try:
            disturb(process, began + seconds + PATIENCE)
        finally:
            process.kill()
            status = process.wait()
        out.seek(0)
        errors.seek(0)
        lines = [line for line in out.read().splitlines() if line.endswith("}")]
        counts = json.loads(lines[-1]) if lines else {}
        load = os.getloadavg()[0]
        return Outcome(loop, margins, status, counts, time.monotonic() - began, load, errors.read()[-2000:])


def verdict(found: list[Outcome]) -> list[str]:
    """What must not be, each in a sentence."""
    bad = [f"on {one.loop}, {one.margins} margins, it ended with status {one.status}" for one in found if one.crashed]
    bad += [f"on {one.loop} a dump was made at {where}" for one in found for where in one.wrong]
    bad += [f"on {one.loop} a part of ours failed: {text}" for one in found for text in one.counts.get("faults", ())]
    bad += [f"on {one.loop} there are no dumps: {one.counts['why']}" for one in found if one.counts.get("why")]
    if not any(one.dumps for one in found):
        bad.append("not one dump was made: nothing was tried")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="for how long, in all (default: 30)")
    parser.add_argument("--seed", type=int, default=None, help="of the disturbances")
    options = parser.parse_args()
    random.seed(options.seed)
    loops = ["asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])
    found = []
    print(f"{'Python':8} {'loop':8} {'margins':7} {'dumps':>6} {'wrong':>6} {'crashes':>7} {'seconds':>7} {'load':>5}")
    for margins, part in (("tight", TIGHT), ("real", 1 - TIGHT)):
        for loop in loops:
            one = stress(loop, margins, options.seconds * part / len(loops))
            found.append(one)
            numbers = f"{one.dumps:6} {sum(one.wrong.values()):6} {one.crashed:7} {one.seconds:7.1f} {one.load:5.1f}"
            print(f"{platform.python_version():8} {loop:8} {margins:7} {numbers}", flush=True)
    bad = verdict(found)
    for one in found:
        if one.crashed and one.errors:
            print(one.errors, file=sys.stderr)
    for sentence in bad:
        print(f"stress: {sentence}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
