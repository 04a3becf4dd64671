"""Run a program, unchanged, under one of the peers: `python shim.py PEER REPORTS PROGRAM [ARGS…]`.

None of the three is started from outside, so this does what their own quick starts say at the beginning of the
program's main coroutine. Each report goes to the file REPORTS as a JSON line with its text and, where the peer has
one, its duration. All have asyncwatch's threshold, 0.1 s.

The three were chosen by running sixteen packages of the index on thirteen bugs, on both kinds of loop: asynclens and
loopsentry named the line of every block that ended, loops' transport callbacks included; aiocop named all but the
latter and is the only one that says by itself which kind of call it was. The next, pyleak, names no line in native
code that holds the GIL. None of the four says a cause in asyncwatch's sense.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import runpy
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

THRESHOLD = 0.1

Tell = Callable[[str, float | None], None]
Stop = Callable[[], Any]


async def start_aiocop(tell: Tell) -> Stop:
    import aiocop

    def on_slow_task(event: Any) -> None:
        if event.exceeded_threshold:
            tell(f"{event.reason} {event.blocking_events} {event.cpu_stack_samples}", event.elapsed_ms / 1000)

    aiocop.patch_audit_functions()
    aiocop.start_blocking_io_detection(trace_depth=20)
    aiocop.detect_slow_tasks(threshold_ms=THRESHOLD * 1000, on_slow_task=on_slow_task)
    aiocop.activate()
    return aiocop.deactivate


async def start_asynclens(tell: Tell) -> Stop:
    import asynclens

    lines: list[str] = []
    log = logging.Logger("asynclens")
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    watchdog = asynclens.AsyncWatchdog(threshold_ms=int(THRESHOLD * 1000), logger=log)
    watchdog.start()

    async def stop() -> None:
        await watchdog.stop()
        tell_blocks(lines, "Loop released", r"Blocked for (\d+)ms", 1000, tell)

    return stop


async def start_loopsentry(tell: Tell) -> Stop:
    from loopsentry import LoopSentry

    folder = tempfile.TemporaryDirectory()
    sentry = LoopSentry(base_dir=folder.name, threshold=THRESHOLD)
    sentry.start()

    def stop() -> None:
        sentry.stop()
        lines = [line for path in Path(folder.name).rglob("*.jsonl") for line in path.read_text().splitlines()]
        tell_blocks(lines, '"block_resolved"', r'"duration_current":([\d.]+)', 1, tell)
        folder.cleanup()

    return stop


def tell_blocks(lines: list[str], last: str, duration: str, unit: float, tell: Tell) -> None:
    """What was said while a block lasted and at its end is one report, of the longest duration in it."""
    block: list[str] = []
    for line in lines:
        block.append(line)
        if last in line or line is lines[-1]:
            found = [float(number) / unit for number in re.findall(duration, "\n".join(block))]
            tell("\n".join(block), max(found, default=None))
            block = []


START = {"aiocop": start_aiocop, "asynclens": start_asynclens, "loopsentry": start_loopsentry}


def main() -> None:
    peer, reports, program, *args = sys.argv[1:]

    def tell(text: str, duration: float | None) -> None:
        with open(reports, "a") as file:
            file.write(json.dumps({"text": text, "duration": duration}) + "\n")

    run = asyncio.Runner.run

    def run_watched(self: asyncio.Runner, coro: Coroutine[Any, Any, Any], **kwargs: Any) -> Any:
        return run(self, watched(coro), **kwargs)

    async def watched(coro: Coroutine[Any, Any, Any]) -> Any:
        stop = await START[peer](tell)
        try:
            return await coro
        finally:
            await asyncio.sleep(0.2)  # their threads look now and then
            end = stop()
            if asyncio.iscoroutine(end):
                await end

    asyncio.Runner.run = run_watched  # type: ignore[method-assign]
    sys.argv = [program, *args]
    sys.path[0] = str(Path(program).parent)
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main()
