"""AW101 slow-callback: one callback or step held the loop for `slow_callback_duration` or longer.

What it detects
    A step of a task, or a callback, that ran this long without giving control back. Every other task, timer and
    connection of that loop stood still meanwhile. The line is the one that was running, found by looking at the
    thread while it was held, not the line where the task waits afterwards. In `trio.run` it is a step of a trio task.
    `cause` says why:

        code     the line itself: it computes, or waits for something that is
                 not the loop
        gil      native code that holds the GIL: a long `re` match, `sorted`,
                 `json.loads`, big integers; if another thread holds it, the
                 line is that thread's and `holder` names it
        gc       the garbage collector, started by the interpreter; with its
                 generation and what it freed
        starved  the thread got no CPU; `why` says throttled (the quota of its
                 control group), preempted, stopped (SIGSTOP, a frozen
                 container, a suspended machine), debugger, or other threads of
                 the process

Why it matters
    A service that stutters under load is mostly this: one request's blocking call is every request's delay.

Example
    A call that waits:

        async def charge(order):
            time.sleep(0.3)                       # <- AW101

    Or a line that computes:

        async def total(rows):
            return sum(price(row) for row in rows)        # <- AW101

Instead
    To wait, asyncio's own sleep:

        async def charge(order):
            await asyncio.sleep(0.3)

    A library that blocks, in a thread:

        async def charge(order):
            await asyncio.to_thread(gateway.charge, order)

    Better, one that does not: httpx or aiohttp instead of requests, asyncpg instead of psycopg2, streams instead of
    sockets; instead of `subprocess.run`:

        async def charge(order):
            process = await asyncio.create_subprocess_exec("sleep", "0.3")
            await process.wait()

    Long computation in a process, since in a thread it competes for the GIL:

        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        processes = ProcessPoolExecutor(mp_context=get_context("spawn"))

        def add_up(rows):
            return sum(price(row) for row in rows)

        async def total(rows):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(processes, add_up, rows)

    Or in pieces, with a turn for the others after each:

        async def total(rows):
            found = 0
            for number, row in enumerate(rows):
                found += price(row)
                if number % 1000 == 0:
                    await asyncio.sleep(0)
            return found

    In source: flake8-async and ruff ASYNC210, ASYNC212, ASYNC220 to ASYNC222, ASYNC230, ASYNC240, ASYNC250 and
    ASYNC251, flake8-async alone ASYNC200, ASYNC211, ASYNC231 and ASYNC232. They find the known calls, however short;
    this rule finds what took long, known or not, called from wherever.

False alarms
    Only `code` and `gil` are warnings; what the machine or the collector did is level info. A pause in which the
    watcher itself could not look is counted in AW099 and blamed on no line; a length that is uncertain because the
    watcher was late has its `uncertainty` beside it. A library's own callback, with no line of the application in
    it, is level info, and so is the time that asyncio's debug mode takes for itself.

Settings
    `--slow-callback-duration SECONDS`, or `loop.slow_callback_duration` in the program, read live.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator

from asyncwatch.detectors.causes import BLAMED, cause_of, in_words
from asyncwatch.detectors.places import level_for, outermost_first, seconds
from asyncwatch.detectors.shares import Shares
from asyncwatch.events import Event, StepHeld
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Place, Scope, called_at, resolve, resolve_all, source_line

RULE = Rule("AW101", "slow-callback", "warning", "callbacks or steps held the loop", __doc__)

# An error of the reported length that is worth saying: more than this, and more than this part of it.
CERTAIN = 0.02
CERTAIN_PART = 0.1


class Detector:
    """Judges one held step."""

    listens = StepHeld

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, StepHeld)
        if event.duration < event.threshold or not event.samples:
            return
        shares = Shares(event.samples, self._scope)
        cause, measures = cause_of(event.account, event.duration, event.threshold, shares.raws)
        evidence: dict[str, object] = {
            "duration": round(event.duration, 4),
            "threshold": event.threshold,
            "cause": cause,
            "samples": shares.total,
            **measures,
        }
        rows = shares.rows()
        if len(rows) > 1:
            evidence["lines"] = rows
        if event.holder is not None:
            evidence["holder"] = event.holder
        if event.uncertainty > max(CERTAIN, CERTAIN_PART * event.duration):
            evidence["uncertainty"] = round(event.uncertainty, 4)
        note = _within(shares)
        if note:
            evidence["within"] = note
        yield Finding(
            RULE,
            self._level(event, cause, shares.where, note),
            self._sentence(event, shares, cause, measures),
            shares.where,
            outermost_first(shares.raws),
            event.task,
            evidence,
            event.loop,
        )

    def _level(self, event: StepHeld, cause: str, where: Frame | None, note: str | None) -> str:
        """Native code that the loop calls directly has no line, and was scheduled by somebody."""
        if event.hung or cause not in BLAMED or note == STACK_CAPTURE:
            return "info"
        return RULE.level if where is None else level_for(RULE.level, where, self._scope)

    def _sentence(self, event: StepHeld, shares: Shares, cause: str, measures: dict[str, object]) -> str:
        length = seconds(event.duration)
        if cause not in BLAMED:
            return f"{who(event)} took {length}, {in_words(cause, measures)}"
        place = in_place(shares)
        if event.holder is not None:
            return f"thread {event.holder!r} held the GIL and so the loop for {length}{place}"
        what = "the GIL and the loop" if cause == "gil" else "the loop"
        return f"{who(event)} held {what} for {length}{place}"


def who(event: StepHeld) -> str:
    return f"step of task {event.task.name!r}" if event.task else "callback"


def in_place(shares: Shares) -> str:
    """Where it happened, as the end of a sentence."""
    if _within(shares) == ASYNC_FOR:
        return f" in {shares.where.function}(), an `async for` that never suspends" if shares.where else ""
    call = called_at(shares.raws[0]) if shares.raws and shares.stands_still else None
    if call:
        return f" in {call}()"
    return f" in {shares.where.function}()" if shares.where else " in native code"


STACK_CAPTURE = "debug mode's own capture of a stack"
ASYNC_FOR = "an async for that never suspended"


def _within(shares: Shares) -> str | None:
    """What the time went into, where the stack alone tells it."""
    names = {(frame.file.rpartition("/")[2], frame.function) for frame in resolve_all(shares.raws)}
    # Debug mode notes where each handle and task was created, which reads source files.
    if ("traceback.py", "extract") in names or ("format_helpers.py", "extract_stack") in names:
        return STACK_CAPTURE
    if shares.stands_still:
        return None
    for raw, caller in itertools.pairwise(shares.raws):
        if isinstance(raw, Frame) or not raw[0].co_flags & inspect.CO_ASYNC_GENERATOR:
            continue
        if "async for" in source_line(*_line(caller)):
            return ASYNC_FOR
    return None


def _line(raw: Place) -> tuple[str, int]:
    frame = resolve(raw)
    return frame.file, frame.line
