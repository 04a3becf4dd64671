"""A program with a task factory of its own, and with the eager one: theirs stay theirs."""
# needs: 3.12

import asyncio
import contextvars

import _loop

calls = []
context_seen = contextvars.ContextVar("seen", default=None)


class Traced(asyncio.Task):
    pass


def factory(loop, coro, **kwargs):
    calls.append(sorted(kwargs))
    kwargs.pop("eager_start", None)
    return Traced(coro, loop=loop, **kwargs)


def eager_factory(loop, coro, eager_start=True, **kwargs):
    # asyncio.eager_task_factory refuses the keyword that some loops pass to every factory.
    return asyncio.Task(coro, loop=loop, eager_start=True, **kwargs)


async def work(seconds=0.6):
    await asyncio.sleep(seconds)
    return context_seen.get()


async def at_once():
    return 1


async def main():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    context = contextvars.copy_context()
    context.run(context_seen.set, "mine")
    task = loop.create_task(work(), name="named", context=context)
    print(type(task).__name__, task.get_name(), loop.get_task_factory() is factory)
    print(await task, calls)
    loop.set_task_factory(eager_factory)
    kept = asyncio.create_task(work())
    done = asyncio.create_task(at_once())
    print(done.done(), await done, loop.get_task_factory() is eager_factory)
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(work())
            group.create_task(at_once())
    await kept
    loop.set_task_factory(None)


_loop.run(main())
