"""Run a program, unchanged, under one of the peers: `python shim.py PEER REPORTS PROGRAM [ARGS…]`.

None of the three is started from outside, so this does what their READMEs say around the program's main coroutine.
Each report goes to the file REPORTS as a line of JSON.

pyleak: `no_task_leaks` around main, with the creation stack. loopsentry: started at the beginning of main with the
README's thresholds and its detector of slow tasks. aiomonitor: started at the beginning of main with its task factory
and asked at the end for the tasks that run and for those that ended by an exception or a cancellation; it has no
verdicts, its reports are what a person would be shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import runpy
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

Tell = Callable[[str], None]


@contextlib.asynccontextmanager
async def pyleak(tell: Tell) -> AsyncIterator[None]:
    from pyleak import no_task_leaks

    log = logging.Logger("pyleak", logging.WARNING)
    handler = logging.Handler()
    handler.emit = lambda record: tell(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    async with no_task_leaks(action="log", logger=log, enable_creation_tracking=True):
        yield


@contextlib.asynccontextmanager
async def loopsentry(tell: Tell) -> AsyncIterator[None]:
    from loopsentry import LoopSentry

    folder = tempfile.mkdtemp(dir=FOLDERS.name)
    sentry = LoopSentry(base_dir=folder, threshold=0.1, async_threshold=1.0, detect_async_bottlenecks=True)
    sentry.start()
    try:
        yield
    finally:
        sentry.stop()


def read_loopsentry(tell: Tell) -> None:
    """It tells of a task when the task has ended, which may be after main; blocks of the loop are not asked for."""
    for path in Path(FOLDERS.name).rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            if json.loads(line)["type"] == "async_bottleneck":
                tell(line)


@contextlib.asynccontextmanager
async def aiomonitor(tell: Tell) -> AsyncIterator[None]:
    from aiomonitor import start_monitor

    ports = {"port": free_port(), "webui_port": free_port(), "console_port": free_port()}
    with start_monitor(asyncio.get_running_loop(), hook_task_factory=True, **ports) as monitor:
        try:
            yield
        finally:
            await asyncio.sleep(0.2)  # what ended is told to its thread by way of a queue
            me = str(id(asyncio.current_task()))
            show_running(monitor, me, tell)
            show_terminated(monitor, tell)


def show_running(monitor: Any, me: str, tell: Tell) -> None:
    for task in monitor.format_running_task_list("", False):
        if task.task_id != me:
            tell(f"{task}\n{stack_text(monitor.format_running_task_stack(task.task_id))}")


def show_terminated(monitor: Any, tell: Tell) -> None:
    for task in monitor.format_terminated_task_list("", False):
        text = stack_text(monitor.format_terminated_task_stack(task.task_id))
        if "exc=" in text or "cancelled" in text:
            tell(f"{task}\n{text}")


def stack_text(items: Any) -> str:
    return "\n".join(item.content for item in items)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


WATCH = {"pyleak": pyleak, "loopsentry": loopsentry, "aiomonitor": aiomonitor}
FOLDERS = tempfile.TemporaryDirectory()


def watch_mains(peer: str, folder: Path, tell: Tell) -> None:
    """Put the peer around every coroutine of the program that a loop is told to run to its end, and around no other:
    asyncio runs some of its own when a loop ends, and a peer may have a loop of its own."""

    async def watched(coro: Coroutine[Any, Any, Any]) -> Any:
        async with WATCH[peer](tell):
            return await coro

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, coro: Any, **kwargs: Any) -> Any:
            code = getattr(coro, "cr_code", None)
            theirs = code is not None and Path(code.co_filename).parent == folder
            return original(self, watched(coro) if theirs else coro, **kwargs)

        return run

    asyncio.Runner.run = wrap(asyncio.Runner.run)  # type: ignore[method-assign]
    loop = asyncio.BaseEventLoop
    loop.run_until_complete = wrap(loop.run_until_complete)  # type: ignore[method-assign]


def main() -> None:
    peer, reports, program, *args = sys.argv[1:]

    def tell(text: str) -> None:
        with open(reports, "a") as file:
            file.write(json.dumps(text) + "\n")

    folder = Path(program).parent
    watch_mains(peer, folder, tell)
    sys.argv = [program, *args]
    sys.path[0] = str(folder)
    try:
        runpy.run_path(program, run_name="__main__")
    finally:
        read_loopsentry(tell)


if __name__ == "__main__":
    main()
