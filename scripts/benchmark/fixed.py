"""A fixed run, for a tool that counts what it executes: `python fixed.py PROFILE WORKLOAD TIMES asyncio|uvloop`.

The watcher's thread is stopped first, for how often that looks depends on the clock; what it does at each look for the
loop's thread, which is to make room for more records, is done here. What is counted is what the program's own thread
executes for us.
"""

from __future__ import annotations

import asyncio
import os
import sys

from workloads import WORKLOADS


def main() -> None:
    profile, name, times, kind = sys.argv[1:]
    factory = asyncio.new_event_loop
    if kind == "uvloop":
        import uvloop

        factory = uvloop.new_event_loop
    watch = None
    if profile != "bare":
        import asyncwatch

        watch = asyncwatch.install(profile=profile, output=())
    operations = 0
    with asyncio.Runner(loop_factory=factory) as runner:
        loop = runner.get_loop()
        loop.set_debug(profile == "debug")
        if watch is not None:
            loop.run_until_complete(asyncio.sleep(0))
            watch._watcher.stop(5.0)
            watch._judge.stop(5.0)
        for _ in range(int(times)):
            if watch is not None:
                watch._bus.room = 10**9
                watch._hooks.ledger.records.clear()
            operations += runner.run(WORKLOADS[name]())  # type: ignore[arg-type]
    print(operations, flush=True)
    os._exit(0)  # how we end is none of the count


if __name__ == "__main__":
    main()
