"""The known bugs: which releases, and what is to be found in the one before the fix."""

from __future__ import annotations

import dataclasses

Version = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Row:
    """One bug of a package that its next release mended.

    A finding is at the library's line when `function` of the library's `file` is among the frames that created the
    task or, where no line created it, among those the task waits in.
    """

    package: str
    case: str
    buggy: str
    fixed: str
    codes: frozenset[str]
    file: str
    function: str
    also: tuple[str, ...] = ()  # other packages, at versions that both releases go with
    pythons: tuple[Version, Version] = ((3, 11), (3, 13))  # what both releases have wheels for
    left: int = 0  # how many tasks the fixed release leaves at this line all the same

    @property
    def name(self) -> str:
        return self.case.removeprefix("case_")


def row(package: str, case: str, releases: str, code: str, place: str, **more: object) -> Row:
    """A row as it is easiest to read: `releases` is "before after", `place` is "file function"."""
    buggy, fixed = releases.split()
    file, function = place.split()
    return Row(package, f"case_{case}", buggy, fixed, frozenset(code.split()), file, function, **more)  # type: ignore[arg-type]


# What is quoted stands in the changelog of the fixed release; the rest was read in the two releases' sources.
ROWS = [
    # 3.10.2: "Fixed WebSocket ping tasks being prematurely garbage collected"
    row(
        "aiohttp",
        "aiohttp_ping",
        "3.10.1 3.10.2",
        "AW201",
        "aiohttp/client_ws.py _send_heartbeat",
        pythons=((3, 11), (3, 12)),
    ),
    # 3.10.4: "Fixed unconsumed exceptions raised by the WebSocket heartbeat"
    # On Python 3.12 and later both make the task without asking the loop, which leaves no creation site.
    row(
        "aiohttp",
        "aiohttp_failure",
        "3.10.3 3.10.4",
        "AW204",
        "aiohttp/client_ws.py _send_heartbeat",
        pythons=((3, 11), (3, 11)),
    ),
    # 0.10.0 keeps what it is about to send in a set.
    row("taskiq", "taskiq", "0.9.3 0.10.0", "AW201", "taskiq/cli/scheduler/run.py run_scheduler_loop"),
    # 0.19.6: "Hold a strong reference to background tasks." Before, a WeakSet had them.
    row(
        "quart",
        "quart",
        "0.19.5 0.19.6",
        "AW202",
        "quart/app.py add_background_task",
        also=("flask==3.0.3", "werkzeug==3.0.6"),
    ),
    # 5.11.0: "Hold references to background tasks to avoid garbage collection"
    row(
        "python-socketio",
        "socketio",
        "5.10.0 5.11.0",
        "AW201",
        "socketio/async_server.py _handle_event",
        also=("python-engineio==4.8.2", "aiohttp==3.10.11"),
    ),
    # 0.8.4 keeps references to its background tasks.
    row(
        "ypy-websocket",
        "ypy_websocket",
        "0.8.3 0.8.4",
        "AW201",
        "ypy_websocket/websocket_server.py serve",
        pythons=((3, 11), (3, 12)),
    ),
    # 3.2.0: "Prevent update handling task pointers from being garbage collected"
    row(
        "aiogram",
        "aiogram",
        "3.1.1 3.2.0",
        "AW201",
        "aiogram/webhook/aiohttp_server.py _handle_request_background",
        pythons=((3, 11), (3, 11)),
    ),
    # 0.315.0: "Cancel DataLoader dispatch task when all futures are cancelled"; nothing held it before. It was created
    # by `call_soon(create_task, …)`, so no line of the library's did.
    row(
        "strawberry-graphql",
        "strawberry",
        "0.314.3 0.315.0",
        "AW201",
        "strawberry/dataloader.py dispatch_batch",
        also=("graphql-core==3.2.6",),
    ),
    # 2.1.0: "Fixed cancelling of task when all tasks waiting on it have been cancelled"
    row("async-lru", "async_lru", "2.0.5 2.1.0", "AW205", "async_lru/__init__.py __call__"),
    # 3.1.2 has one watcher for each thread instead of one for each connection; that one is dropped as before.
    row(
        "sse-starlette",
        "sse_starlette",
        "3.1.1 3.1.2",
        "AW201",
        "sse_starlette/sse.py _ensure_watcher_started_on_this_loop",
        also=("starlette==0.50.0",),
        left=1,
    ),
    # 6.4: "This module now holds a strong reference to all running asyncio.Task objects it creates." Before, only a
    # done-callback of the task's own did.
    row("tornado", "tornado", "6.3.3 6.4", "AW201", "tornado/gen.py convert_yielded"),
]
