"""One tool's look at all rows, in one process: `run.py TOOL`, one line of JSON per row with what was reported.

For asyncwatch the program itself says nothing: it is run under the command, and its tasks have the rows' names.
"""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import signal
import sys
from collections.abc import Callable
from typing import Any

from cases import CASES, FOLDER

PATIENCE = 2


class TookTooLong(Exception):
    """The call was not over after so many seconds."""


def give_up(*_: Any) -> None:
    raise TookTooLong


def blockbuster() -> tuple[Callable[[BaseException | None], bool], list[str]]:
    from blockbuster import BlockBuster, BlockingError

    tool = BlockBuster()
    tool.activate()
    return lambda error: isinstance(error, BlockingError), list(tool.functions)


def aiocop() -> tuple[Callable[[BaseException | None], bool], list[str]]:
    import aiocop

    seen: list[Any] = []
    aiocop.patch_audit_functions()
    aiocop.start_blocking_io_detection()
    aiocop.detect_slow_tasks(threshold_ms=10_000, on_slow_task=seen.append)
    aiocop.activate()

    def reported(_: BaseException | None) -> bool:
        # Its report comes after the step; others' files are not this row's.
        found = [one["entry_point"] + one["trace"] for event in seen for one in event.blocking_events]
        seen.clear()
        return any("cases.py" in text for text in found)

    from aiocop.core.blocking_io import get_blocking_events_dict

    return reported, list(get_blocking_events_dict())


async def main(tool: str) -> None:
    reported, known = {"blockbuster": blockbuster, "aiocop": aiocop}.get(tool, lambda: (lambda _: False, []))()
    asyncio.get_running_loop().slow_callback_duration = 60
    for case in CASES:
        made = await asyncio.to_thread(case.make)
        error: BaseException | None = None

        async def call(case: Any = case, made: Any = made) -> None:
            case.call(made)

        signal.alarm(PATIENCE)
        try:
            await asyncio.create_task(call(), name=case.name)
        except Exception as raised:
            error = raised
        finally:
            signal.alarm(0)
        await asyncio.sleep(0)
        print(
            json.dumps({"name": case.name, "found": reported(error), "error": repr(error)[:200]}), file=sys.__stdout__
        )
    print(json.dumps({"known": known}), file=sys.__stdout__)


signal.signal(signal.SIGALRM, give_up)
sys.stdin = io.StringIO()
asyncio.run(main(sys.argv[1]))
shutil.rmtree(FOLDER, ignore_errors=True)
