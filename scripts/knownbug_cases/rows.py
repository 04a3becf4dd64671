"""The known bugs: which releases, and what is to be found in the one before the fix."""

from __future__ import annotations

import dataclasses

Version = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Row:
    """One bug of a package that its next release mended.

    The finding has a frame of `function` in the library's `file` among those that created the task. In the fixed
    release no rule about tasks may say anything about that place.
    """

    package: str
    case: str
    buggy: str
    fixed: str
    codes: frozenset[str]
    file: str
    function: str
    also: tuple[str, ...] = ()  # other packages, at the versions that were current then
    pythons: tuple[Version, Version] = ((3, 11), (3, 13))  # what both releases have wheels for
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.case.removeprefix("case_")


def row(package: str, case: str, releases: str, code: str, place: str, **more: object) -> Row:
    """A row as it is easiest to read: `releases` is "before after", `place` is "file function"."""
    buggy, fixed = releases.split()
    file, function = place.split()
    return Row(package, "case_" + case, buggy, fixed, frozenset(code.split()), file, function, **more)  # type: ignore[arg-type]


ROWS = [
    row(
        "aiohttp",
        "aiohttp_ping",
        "3.10.1 3.10.2",
        "AW201",
        "aiohttp/client_ws.py _send_heartbeat",
        pythons=((3, 11), (3, 12)),
    ),
    row(
        "aiohttp",
        "aiohttp_failure",
        "3.10.3 3.10.4",
        "AW204",
        "aiohttp/client_ws.py _send_heartbeat",
        pythons=((3, 11), (3, 11)),
    ),
    row("tornado", "tornado", "6.3.3 6.4", "AW201", "tornado/gen.py convert_yielded"),
    row("taskiq", "taskiq", "0.9.3 0.10.0", "AW201", "taskiq/cli/scheduler/run.py run_scheduler_loop"),
    row(
        "quart",
        "quart",
        "0.19.5 0.19.6",
        "AW202",
        "quart/app.py add_background_task",
        also=("flask==3.0.3", "werkzeug==3.0.6"),
    ),
    row(
        "python-socketio",
        "socketio",
        "5.10.0 5.11.0",
        "AW201",
        "socketio/async_server.py _handle_event",
        also=("python-engineio==4.8.2", "aiohttp==3.10.11"),
    ),
    row("ypy-websocket", "ypy_websocket", "0.8.3 0.8.4", "AW201", "ypy_websocket/websocket_server.py serve", pythons=((3, 11), (3, 12))),
    row("aiogram", "aiogram", "3.1.1 3.2.0", "AW201", "aiogram/webhook/aiohttp_server.py _handle_request_background",
        pythons=((3, 11), (3, 11))),
    row("strawberry-graphql", "strawberry", "0.314.3 0.315.0", "AW201", "strawberry/dataloader.py dispatch", also=("graphql-core==3.2.6",)),
    row("async-lru", "async_lru", "2.0.5 2.1.0", "AW205", "async_lru/__init__.py __call__"),
]
