"""The soak: an hour's requests to a healthy service with a real Redis and PostgreSQL, as fast as the machine can.

It has to be silent above level info, with our memory flat. Then one fault at a time is planted in it, and each has to
be named at its line and nothing else. Twenty requests a second make 72,000 an hour.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import sys
import time
from collections import Counter
from pathlib import Path

import judge
import servers
from runs import Behind, Run, live

HOUR = 72_000
MIB = 2**20
HEAD = (
    f"{'service':10} {'loop':7} {'profile':7} {'requests':>8} {'a second':>8} {'cpu s':>6} "
    f"{'RSS MiB, by phase':26} {'ours, by phase':22} verdict"
)


def verdict(run: Run, bare: int | None) -> str:
    """One word, and the reasons."""
    broken = list(judge.broken(run))
    if broken:
        return "BROKE: " + "; ".join(broken[:3])
    if false := judge.alarms(run):
        codes = Counter(f"{line['code']} at {':'.join(map(str, judge.place(line) or ('-',)))}" for line in false)
        return "FALSE ALARM: " + ", ".join(codes)
    if run.leak:
        return "MISSED" if judge.missed(run) else "found"
    if grown := judge.growth(run):
        return "GREW: " + "; ".join(grown)
    if bare is not None and run.profile is not None and judge.memory(run) > max(0, bare) + judge.NOISE:
        return f"GREW: {judge.memory(run) / MIB:.1f} MiB, bare {bare / MIB:.1f}"
    return "right"


def row(run: Run, judged: str) -> str:
    memory = " ".join(f"{probe['rss'] / MIB:.1f}" for probe in run.probes)
    ours = " ".join(str(sum(judge.sizes(probe).values())) for probe in run.probes) if run.profile else "-"
    rate = run.asked / run.took if run.took else 0
    cpu = run.probes[-1]["cpu"] if run.probes else 0
    start = f"{run.name:10} {run.loop:7} {run.profile or 'bare':7} {run.asked:8} {rate:8.0f} {cpu:6.1f}"
    told = Counter(f"{line['code']} {line['level']}" for line in run.said if line["code"] not in ("AW000", "AW099"))
    words = "; ".join(f"{count} {what}" for what, count in sorted(told.items()))
    return f"{start} {memory:26} {ours:22} {judged}{f' ({words})' if words else ''}"


def healthy(options: argparse.Namespace) -> list[Run]:
    profiles = options.profile or (["bare", "light"] if options.quick else ["bare", "light", "debug"])
    loops = options.loop or (["uvloop"] if options.quick else ["uvloop", "asyncio"])
    requests = options.requests or (HOUR // 12 if options.quick else HOUR)
    return [
        Run(None if profile == "bare" else profile, loop, requests, options.seconds, rate=options.rate)
        for loop in loops
        for profile in profiles
    ]


def leaky(options: argparse.Namespace) -> list[Run]:
    """The planted faults, each in a run of its own; those whose rule is not there yet are left out."""
    from asyncwatch import detectors

    runs = []
    for one in judge.planted():
        if options.leaks and one.leak not in options.leaks:
            continue
        if one.code not in detectors.CODES:
            print(f"not tried: {one.leak}: there is no rule {one.code}")
            continue
        profiles = [profile for profile in options.profile or ["light"] if profile != "bare"]
        runs += [Run(profile, "uvloop", HOUR, 8, leak=one.leak, phases=1, rate=150) for profile in profiles]
    return runs


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6,000 requests, uvloop, bare and light; then the faults")
    parser.add_argument("--requests", type=int, help=f"to each healthy service (default: {HOUR})")
    parser.add_argument("--seconds", type=float, default=600, help="the longest that one is driven (default: 600)")
    parser.add_argument("--rate", type=float, default=0, help="requests a second (default: as many as it can)")
    parser.add_argument("--loop", action="append", choices=["uvloop", "asyncio"], help="instead of both")
    parser.add_argument("--profile", action="append", choices=["bare", "light", "debug"], help="instead of all")
    parser.add_argument("--part", choices=["healthy", "leaks"], help="only this half")
    parser.add_argument("--leaks", action="append", metavar="NAME", help="only these faults")
    parser.add_argument("--redis", metavar="URL", help="of a running Redis (default: one is started)")
    parser.add_argument("--postgres", metavar="URL", help="of a running PostgreSQL (default: one is started)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave every run's numbers and findings there")
    return parser.parse_args()


def main() -> int:
    options = asked()
    try:
        with contextlib.ExitStack() as stack:
            redis = stack.enter_context(servers.redis(options.redis))
            postgres = stack.enter_context(servers.postgres(options.postgres))
            return soak(options, Behind(redis, postgres, stack.enter_context(servers.upstream())))
    except servers.Cannot as error:
        print(f"soak: {error}", file=sys.stderr)
        return 2


def soak(options: argparse.Namespace, behind: Behind) -> int:
    runs = [] if options.part == "leaks" else healthy(options)
    runs += [] if options.part == "healthy" else leaky(options)
    bad, bare, began = 0, {}, time.monotonic()
    print(HEAD, flush=True)
    for run in runs:
        with servers.folder() as folder:
            live(run, folder, behind)
        if run.profile is None:
            bare[run.loop] = judge.memory(run)
        judged = verdict(run, bare.get(run.loop))
        bad += judged not in ("right", "found")
        print(row(run, judged), flush=True)
        for line in judge.alarms(run):
            print(json.dumps(line, indent=2), flush=True)
        if options.keep:
            keep(run, options.keep)
    print(f"{bad} of {len(runs)} wrong, in {time.monotonic() - began:.0f} s on Python {platform.python_version()}")
    return 1 if bad else 0


def keep(run: Run, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    data = {"probes": run.probes, "drives": run.drives, "status": run.status, "said": run.said}
    (folder / f"{run.name}-{run.loop}-{run.profile or 'bare'}.json").write_text(json.dumps(data, indent=1))


if __name__ == "__main__":
    sys.exit(main())
