"""What watching costs: each workload bare and in all other ways, on two loops. See --help."""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import costs
import counted
import growth
import picture
import table
from interleave import measure_all
from ways import OURS, PEERS, other, peers
from workloads import QUICK, SERVERS, WORKLOADS

MINUTES, QUICK_MINUTES = 20.0, 2.0


def main() -> None:
    options = read_options()
    began, before = time.monotonic(), os.getloadavg()
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "uvloop": uvloop_version(),
        "cores": os.cpu_count(),
        "load": [before[0]],
    }
    if options.counted:
        found: dict[str, Any] = counted.main(options.workload)
    elif options.growth:

        def now() -> str:
            return sentence({**facts, "load": [before[0], os.getloadavg()[0]]})

        found = growth.main(quick=options.quick, sentence=now, path=options.picture)
    elif options.costs:
        found = costs.main(quick=options.quick)
    else:
        found = compare(options)
    facts["load"].append(os.getloadavg()[0])
    print(f"\n{sentence(facts)}; {time.monotonic() - began:.0f} s")
    if options.json:
        options.json.write_text(json.dumps({**facts, **found}, indent=1) + "\n")
    if options.picture and "rows" in found:
        picture.bars({**facts, **found}, sentence(facts), options.picture)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure what asyncwatch costs.")
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer workloads, no peers")
    parser.add_argument("--growth", action="store_true", help="how the cost grows with tasks, loops and depth")
    parser.add_argument("--costs", action="store_true", help="idle, start-up, memory, a flood of findings")
    parser.add_argument("--counted", action="store_true", help="count what fixed runs execute, without a clock")
    parser.add_argument("--minutes", type=float, help=f"how long (default {MINUTES:.0f}, quick {QUICK_MINUTES:.0f})")
    parser.add_argument("--seconds", type=float, default=0.25, help="length of one measurement (default: %(default)s)")
    parser.add_argument("--workload", action="append", metavar="TEXT", help="only those with this in their name")
    parser.add_argument("--way", action="append", metavar="NAME", help="only these ways, and bare")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), help="only this loop")
    parser.add_argument("--other", metavar="SRC", help="another checkout's src: what a change brought, in one run")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every measurement to this file")
    parser.add_argument("--picture", type=Path, metavar="PATH", help="draw the result as SVG")
    parser.add_argument("--peers", metavar="PYTHON", help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """The big table."""
    ways = (*OURS, *other(options.other), *(() if options.quick else peers(options.peers)))
    if options.way:
        ways = tuple(way for way in ways if way.name in ("bare", *options.way))
    workloads = [*(QUICK if options.quick else WORKLOADS), *SERVERS]
    if options.workload:
        workloads = [name for name in workloads if any(text in name for text in options.workload)]
    loops = [options.loop] if options.loop else ["asyncio", *(["uvloop"] if uvloop_version() else [])]
    minutes = options.minutes or (QUICK_MINUTES if options.quick else MINUTES)
    times = measure_all(loops, workloads, ways, options.seconds, minutes)
    names = [way.name for way in ways]
    rows = table.rows(times)
    table.print_table(rows, [name for name in names if name not in PEERS])
    if any(name in PEERS for name in names):
        print()
        table.print_table(rows, ["bare", *(name for name in names if name in PEERS)])
    table.print_means(rows, names)
    table.print_budgets(rows)
    return {"rows": rows}


def sentence(facts: dict[str, Any]) -> str:
    uvloop = f"uvloop {facts['uvloop']}" if facts["uvloop"] else "no uvloop"
    before, after = facts["load"]
    return f"Python {facts['python']}, {uvloop}, {facts['cores']} cores, load {before:.1f} before and {after:.1f} after"


def uvloop_version() -> str | None:
    try:
        return version("uvloop")
    except PackageNotFoundError:
        return None


if __name__ == "__main__":
    main()
