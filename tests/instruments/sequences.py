"""trio's own instrument tests as programs for trio, for asyncio and for uvloop, and the sequence of hooks each sees.

    python sequences.py trio|asyncio|uvloop|asyncio-eager|uvloop-eager

prints one JSON object: by scenario what was seen. The scenarios are those of trio's
`_core/_tests/test_instrumentation.py`, told once for all.
https://github.com/python-trio/trio/blob/v0.30.0/src/trio/_core/_tests/test_instrumentation.py
"""

import asyncio
import json
import logging
import sys

KIND = sys.argv[1] if len(sys.argv) > 1 else "asyncio"
TASK_HOOKS = ("task_spawned", "task_scheduled", "before_task_step", "after_task_step", "task_exited")
WAITS = ("before_io_wait", "after_io_wait")
RUNS = ("before_run", "after_run")


class TrioWorld:
    """How a scenario is played with trio."""

    def __init__(self):
        import trio

        self.Instrument = trio.abc.Instrument
        self.add, self.remove = trio.lowlevel.add_instrument, trio.lowlevel.remove_instrument
        self.current_task, self.checkpoint = trio.lowlevel.current_task, trio.lowlevel.checkpoint
        self.in_run, self.in_task = trio.lowlevel.in_trio_run, trio.lowlevel.in_trio_task
        self.trio = trio

    async def together(self, *functions):
        async with self.trio.open_nursery() as nursery:
            for function in functions:
                nursery.start_soon(function)

    def run(self, main, *instruments):
        self.trio.run(main, instruments=instruments)

    def faults(self, play):
        """What is reported of instruments while this is played."""
        found = []
        handler = logging.Handler()
        handler.emit = lambda record: found.append(type(record.exc_info[1]).__name__)
        logger = logging.getLogger("trio.abc.Instrument")
        logger.addHandler(handler)
        logger.propagate = False
        play()
        return found


def eager(loop, coro, **kwargs):
    """A factory of eager tasks that takes whatever keywords a loop passes."""
    kwargs.pop("eager_start", None)
    return asyncio.Task(coro, loop=loop, eager_start=True, **kwargs)


class AsyncioWorld:
    """How a scenario is played with asyncio, on this loop."""

    def __init__(self, kind):
        import asyncwatch

        self.Instrument = asyncwatch.Instrument
        self.add, self.remove = asyncwatch.add_instrument, asyncwatch.remove_instrument
        self.current_task = asyncio.current_task
        self.watch = asyncwatch.install(output=())
        self.loops = __import__("uvloop") if kind.startswith("uvloop") else asyncio
        self.eager = kind.endswith("eager")

    async def checkpoint(self):
        await asyncio.sleep(0)

    async def together(self, *functions):
        if self.eager:
            asyncio.get_running_loop().set_task_factory(eager)
        async with asyncio.TaskGroup() as group:
            for function in functions:
                group.create_task(function())

    def run(self, main, *instruments):
        for instrument in instruments:
            self.add(instrument)
        with asyncio.Runner(loop_factory=self.loops.new_event_loop) as runner:
            runner.run(main())
        for instrument in instruments:
            try:
                self.remove(instrument)
            except KeyError:
                pass

    def in_run(self):
        return asyncio._get_running_loop() is not None

    def in_task(self):
        return asyncio._get_running_loop() is not None and asyncio.current_task() is not None

    def faults(self, play):
        play()
        self.watch.flush()
        return [one.evidence["exception"].split(":")[0] for one in self.watch.findings if one.rule.code == "AW001"]


world = TrioWorld() if KIND == "trio" else AsyncioWorld(KIND)


class Recorder(world.Instrument):
    """Remembers each hook and its argument."""

    def __init__(self):
        self.record = []


def recorder_hook(name):
    def hook(self, *args):
        self.record.append((name, args[0] if args else None))

    return hook


for one in (*TASK_HOOKS, *RUNS):
    setattr(Recorder, one, recorder_hook(one))


def about(record, *tasks, without=()):
    """The hooks about these tasks, and those of the run."""
    return [name for name, task in record if name not in without and (task is None or task in tasks)]


def instruments():
    """Three recorders: one throughout, one that is replaced by another while its task runs."""
    first, second, third = Recorder(), Recorder(), Recorder()
    tasks = []

    async def child():
        tasks.append(world.current_task())
        for _ in range(4):
            await world.checkpoint()
        world.remove(second)
        try:
            world.remove(second)
        except KeyError:
            tasks.append("KeyError")
        world.add(third)
        world.add(third)
        await world.checkpoint()

    async def main():
        await world.together(child)

    world.run(main, first, second)
    try:
        world.remove(third)
    except (KeyError, RuntimeError):
        pass
    return {
        "whole": about(first.record, tasks[0]),
        "second": about(second.record, tasks[0]),
        "third": about(third.record, tasks[0]),
        "first is second, then third": first.record == second.record + third.record,
        "removed twice": tasks[1],
    }


def interleave():
    """Two tasks of two steps each; which goes first is trio's to choose, so each is told for itself."""
    tasks = {}

    async def left():
        tasks["left"] = world.current_task()
        await world.checkpoint()

    async def right():
        tasks["right"] = world.current_task()
        await world.checkpoint()

    async def main():
        await world.together(left, right)

    seen = Recorder()
    world.run(main, seen)
    return {name: about(seen.record, task) for name, task in tasks.items()}


def null():
    """An instrument without a hook."""

    class Null(world.Instrument):
        def something_unrelated(self):
            raise AssertionError

    ended = []

    async def main():
        await world.checkpoint()
        ended.append(True)

    world.run(main, Null())
    return {"ended": ended}


def before_after_run():
    """Only the run's own hooks."""
    seen = []

    class BeforeAfter(world.Instrument):
        def before_run(self):
            seen.append("before_run")

        def after_run(self):
            seen.append("after_run")

    async def main():
        seen.append("main")

    world.run(main, BeforeAfter())
    return {"seen": seen}


def spawn_exit():
    """Only the hooks of a task's beginning and end."""
    seen = []
    tasks = []

    class SpawnExit(world.Instrument):
        def task_spawned(self, task):
            seen.append(("task_spawned", task))

        def task_exited(self, task):
            seen.append(("task_exited", task))

    async def child():
        tasks.append(world.current_task())

    async def main():
        tasks.append(world.current_task())
        await world.together(child)

    world.run(main, SpawnExit())
    return {"main": about(seen, tasks[0]), "child": about(seen, tasks[1])}


def crash():
    """One instrument raises in its first hook; the other goes on, and so does the program."""
    seen = []
    tasks = []
    other = Recorder()

    class Broken(world.Instrument):
        def task_scheduled(self, task):
            seen.append("scheduled")
            raise ValueError("oops")

        def close(self):
            seen.append("closed")

    async def main():
        seen.append("main ran")
        tasks.append(world.current_task())

    faults = world.faults(lambda: world.run(main, other, Broken()))
    return {"seen": seen, "other": about(other.record, tasks[0]), "faults": faults}


def monkeypatch():
    """Hooks are looked up when the instrument is added."""

    class Null(world.Instrument):
        pass

    instrument = Null()
    counts = []

    async def main():
        record = []

        async def count():
            await world.checkpoint()
            await world.checkpoint()
            counts.append(record.count(world.current_task()))

        instrument.before_task_step = record.append
        await count()
        world.remove(instrument)
        world.add(instrument)
        await count()
        world.remove(instrument)
        await count()

    world.run(main, instrument)
    return {"counts": counts}


def raises_on_getattr():
    """Adding fails as its attribute does, and nothing of it is left."""
    seen = []

    class Evil(world.Instrument):
        def task_exited(self, task):
            seen.append("task_exited")

        @property
        def after_run(self):
            raise ValueError("oops")

    async def main():
        evil = Evil()
        try:
            world.add(evil)
        except ValueError as error:
            seen.append(str(error))
        try:
            world.remove(evil)
        except KeyError:
            seen.append("KeyError")

    world.run(main)
    return {"seen": seen}


def context():
    """By hook: whether a run is current in it, and whether a task is."""
    seen = {}

    class Context(world.Instrument):
        pass

    def hook_of(name):
        def hook(self, *args):
            seen.setdefault(name, set()).add((world.in_run(), world.in_run() and world.in_task()))

        return hook

    for name in (*RUNS, *TASK_HOOKS, *WAITS):
        setattr(Context, name, hook_of(name))

    async def child():
        await world.checkpoint()

    async def main():
        await world.together(child)

    world.run(main, Context())
    return {name: sorted(where) for name, where in seen.items()}


def waits():
    """How the two hooks around the loop's waiting alternate, and with what."""
    seen = []

    class Waits(world.Instrument):
        def before_io_wait(self, timeout):
            seen.append(("before", timeout))

        def after_io_wait(self, timeout):
            seen.append(("after", timeout))

    async def main():
        await world.checkpoint()

    world.run(main, Waits())
    pairs = list(zip(seen[::2], seen[1::2], strict=True))
    return {
        "any": bool(seen),
        "in pairs": all((one[0], two[0]) == ("before", "after") and one[1] == two[1] for one, two in pairs),
    }


SCENARIOS = (
    instruments,
    interleave,
    null,
    before_after_run,
    spawn_exit,
    crash,
    monkeypatch,
    raises_on_getattr,
    context,
    waits,
)

if __name__ == "__main__":
    print(json.dumps({scenario.__name__: scenario() for scenario in SCENARIOS}))
