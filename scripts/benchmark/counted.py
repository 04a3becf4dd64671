"""Instructions for one operation, counted by valgrind's callgrind: as many on a busy machine as on an idle one.

Each figure is the difference between a run of some batches and one of few, so that neither start-up nor warming up is
in it. Where valgrind is not to be had the count is of Python's own instructions, which tests/test_hot_paths.py bounds
in any case.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from interleave import progress
from ways import HERE, clean_environment

PROFILES = ("bare", "light", "debug")
COUNTED = ("sleep(0) storm", "creation storm", "call_soon chain", "deep await", "tree none", "tree none tg")
FEW, MORE = 1, 3
LOOPS = ("asyncio", "uvloop")


def main(workloads: list[str] | None) -> dict[str, Any]:
    """Count and print."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        sys.exit(
            "bench: no valgrind here (Debian: apt-get install valgrind); tests/test_hot_paths.py counts without it"
        )
    names = [name for name in COUNTED if not workloads or any(text in name for text in workloads)]
    cases = [(loop, name, profile) for loop in LOOPS for name in names for profile in PROFILES]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = dict(zip(cases, pool.map(lambda case: count(valgrind, *case), cases), strict=True))
    progress("")
    print("instructions of one operation on the program's thread; light and debug: what they add, and the ratio\n")
    print(f"{'loop':<9}{'workload':<17}{'bare':>10}{'light':>20}{'debug':>20}")
    for loop in LOOPS:
        for name in names:
            bare = counted[loop, name, "bare"]
            cells = (
                (counted[loop, name, profile] - bare, counted[loop, name, profile] / bare) for profile in PROFILES[1:]
            )
            print(
                f"{loop:<9}{name:<17}{bare:>10.0f}" + "".join(f"{f'{more:+.0f} ({by:.3f})':>20}" for more, by in cells)
            )
    return {"instructions": [{"loop": c[0], "workload": c[1], "profile": c[2], "count": n} for c, n in counted.items()]}


def count(valgrind: str, loop: str, name: str, profile: str) -> float:
    """Instructions of one operation."""
    progress(f"{loop}, {name}, {profile}")
    few, more = (run(valgrind, loop, name, profile, times) for times in (FEW, MORE))
    return (more[0] - few[0]) / (more[1] - few[1])


def run(valgrind: str, loop: str, name: str, profile: str, times: int) -> tuple[int, int]:
    """All instructions of a run, and its operations."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                *(valgrind, "--tool=callgrind", f"--callgrind-out-file={Path(folder, 'out')}"),
                *(sys.executable, str(HERE / "fixed.py"), profile, name, str(times), loop),
            ],
            env=clean_environment({"PYTHONHASHSEED": "0"}),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        found = re.search(r"Collected : (\d+)", done.stderr)
        if found is None or done.returncode:
            sys.exit(f"bench: {name} on {loop}, {profile}:\n{done.stderr[-2000:]}")
        return int(found[1]), int(done.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
