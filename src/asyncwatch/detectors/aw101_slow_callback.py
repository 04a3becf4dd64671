"""AW101 slow-callback: one callback or step held the loop for `slow_callback_duration` or longer.

What it detects
    A step of a task, or a callback, that ran this long without giving control back. Every other task, timer and
    connection of that loop stood still meanwhile. The line is the one that was running, found by looking at the
    thread while it was held, not the line where the task waits afterwards.

Why it matters
    A service that stutters under load is mostly this: one request's blocking call is every request's delay.

Example
    async def charge(order):
        time.sleep(0.3)              # the loop stands still

Instead
    async def charge(order):
        await asyncio.sleep(0.3)     # waiting: let the loop go on

    async def charge(order):
        await asyncio.to_thread(gateway.charge, order)   # a blocking library: in a thread

    Long computation: `loop.run_in_executor` with a process pool, or `await asyncio.sleep(0)` now and then.
    flake8-async and ruff find the known calls in source: ASYNC210, ASYNC220, ASYNC230, ASYNC251.

False alarms
    A loop that was late because its thread got no CPU is level info with cause `starved`. A pause in which the
    watcher itself could not look is counted in AW099 and blamed on no line. A library's own callback, with no line
    of the application in it, is level info, and so is the time that asyncio's debug mode takes for itself.

Settings
    `--slow-callback-duration SECONDS`, or `loop.slow_callback_duration` in the program, read live.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from asyncwatch.detectors.places import level_for, outermost_first, seconds
from asyncwatch.events import Event, StepHeld
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, RawFrame, Scope, called_at, is_call

RULE = Rule("AW101", "slow-callback", "warning", "callbacks or steps held the loop", __doc__)

# More than this part of the time without a CPU, and the code is not what was slow.
STARVED = 0.5
# Less than this part of the time on a CPU, and it did not compute.
IDLE = 0.2
STILL = 0.9
# A line with less than this share of the samples is not worth a row in the evidence.
SHARE = 0.1


class Detector:
    """Judges one held step."""

    listens = StepHeld

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, StepHeld)
        if event.duration < event.threshold or not event.samples:
            return
        where, raws, shares = self._busiest(event)
        starved = is_starved(event, raws)
        evidence: dict[str, object] = {
            "duration": round(event.duration, 4),
            "threshold": event.threshold,
            "cause": "starved" if starved else "code",
            "samples": sum(count for _, count in event.samples),
        }
        if event.starved is not None and event.cpu is not None:
            evidence.update(cpu=round(event.cpu, 4), without_cpu=round(event.starved, 4))
        if len(shares) > 1:
            evidence["lines"] = shares
        capture = _is_stack_capture(raws)
        if capture:
            evidence["within"] = "debug mode's own capture of a stack"
        who = f"step of task {event.task.name!r}" if event.task else "callback"
        call = called_at(raws[0]) if raws and self._stands_still(event) else None
        place = f" in {call}()" if call else (f" in {where.function}()" if where else " in native code")
        text = f"{who} held the loop for {seconds(event.duration)}{place}"
        if starved:
            text = f"{who} took {seconds(event.duration)}, only {seconds(event.cpu or 0)} of it on a CPU"
        yield Finding(
            RULE,
            "info" if starved or capture else self._level(where),
            text,
            where,
            outermost_first(raws),
            event.task,
            evidence,
            event.loop,
        )

    def _level(self, where: Frame | None) -> str:
        """Native code that the loop calls directly has no line, and was scheduled by somebody."""
        return RULE.level if where is None else level_for(RULE.level, where, self._scope)

    def _stands_still(self, event: StepHeld) -> bool:
        """Whether nearly every look found the same instruction: a call that does not return, not a busy loop."""
        return event.samples[0][1] >= STILL * sum(count for _, count in event.samples)

    def _busiest(self, event: StepHeld) -> tuple[Frame | None, tuple[RawFrame, ...], list[dict[str, object]]]:
        """The line with most samples, the stack most often seen there, and the share of each line."""
        lines: Counter[Frame | None] = Counter()
        stacks: dict[Frame | None, Counter[tuple[RawFrame, ...]]] = {}
        for stack, count in event.samples:
            line = self._scope.innermost(outermost_first(stack))
            lines[line] += count
            stacks.setdefault(line, Counter())[stack] += count
        where = lines.most_common(1)[0][0]
        total = sum(lines.values())
        shares: list[dict[str, object]] = [
            {**line.to_dict(), "share": round(count / total, 2)}
            for line, count in lines.most_common(5)
            if line is not None and count >= SHARE * total
        ]
        return where, stacks[where].most_common(1)[0][0], shares


def is_starved(event: StepHeld, raws: tuple[RawFrame, ...]) -> bool:
    """Whether the thread wanted to run and could not, which is nobody's code.

    Either the kernel says so, or the thread hardly ran while it stood at an instruction that waits for nothing: it
    waited for its turn among the threads of this process.
    """
    if event.starved is None or event.cpu is None:
        return False
    idle = event.cpu <= IDLE * event.duration
    return event.starved >= STARVED * event.duration or (idle and bool(raws) and not is_call(raws[0]))


def _is_stack_capture(raws: tuple[RawFrame, ...]) -> bool:
    """Whether the time went into debug mode noting where a handle or task was created, which reads source files."""
    names = {(code.co_filename.rpartition("/")[2], code.co_name) for code, _ in raws}
    return ("traceback.py", "extract") in names or ("format_helpers.py", "extract_stack") in names
