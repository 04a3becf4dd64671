"""AW208 task-pileup: live tasks from one creation site passed `pileup` and still grow.

What it detects
    More than 1,000 living tasks (`--pileup`) that were created at one place, whose number has grown for a second or
    more without a fall. A burst that stands or drains is silent.

Why it matters
    Tasks come in faster than they end. Memory grows, everything they wait for has a longer queue, and in the end every
    answer comes too late. A leak of one task for each request looks the same, only slower.

Example
        async def serve(stream):
            async with asyncio.TaskGroup() as group:
                async for message in stream:      # nothing slows it down
                    group.create_task(handle(message))    # <- AW208

Instead
    No more than a hundred at once, and the stream waits meanwhile:

        limit = asyncio.Semaphore(100)

        async def handle_one(message):
            try:
                await handle(message)
            finally:
                limit.release()

        async def serve(stream):
            async with asyncio.TaskGroup() as group:
                async for message in stream:
                    await limit.acquire()
                    group.create_task(handle_one(message))

    Or a fixed number of workers behind a queue with a limit:

        async def work(queue):
            while True:
                await handle(await queue.get())
                queue.task_done()

        async def serve(stream):
            queue = asyncio.Queue(maxsize=20)
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(work(queue)) for _ in range(20)]
                async for message in stream:
                    await queue.put(message)
                await queue.join()
                for task in workers:
                    task.cancel()

    In source: none.

False alarms
    A server that keeps a task for each connection grows with its connections: set `--pileup` above their number.

Settings
    `--pileup NUMBER` (1000). A task created by a library's own line is level info.
"""

from __future__ import annotations

from collections.abc import Iterator

from asyncwatch.detectors.places import creation, level_for, seconds
from asyncwatch.events import Event
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Scope
from asyncwatch.task_events import TasksPileUp

RULE = Rule("AW208", "task-pileup", "warning", "places created tasks faster than they end", __doc__)


class Detector:
    """Judges one creation site."""

    listens = TasksPileUp

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        assert isinstance(event, TasksPileUp)
        where, stack = creation(event.task, self._scope)
        youngest, median, oldest = (round(age, 3) for age in event.ages)
        evidence: dict[str, object] = {
            "tasks": event.count,
            "grown_from": event.before,
            "over": round(event.over, 3),
            "pileup": event.pileup,
            "ages": {"youngest": youngest, "median": median, "oldest": oldest},
        }
        text = (
            f"{event.count} tasks ({event.task.coro}) live that were created here, {event.count - event.before} more"
            f" than {seconds(event.over)} ago; the oldest is {seconds(event.ages[2])} old"
        )
        level = level_for(RULE.level, where, self._scope)
        yield Finding(RULE, level, text, where, stack, event.task, evidence, event.loop)
