"""What asyncio's documentation recommends, all of it in one healthy program: not one finding."""

import asyncio
import contextlib
import contextvars
import time

import _loop

background = set()
request_id = contextvars.ContextVar("request_id")


async def work(seconds=0.6):
    await asyncio.sleep(seconds)
    return seconds


def in_background(coro):
    task = asyncio.create_task(coro)
    background.add(task)
    task.add_done_callback(background.discard)


async def groups():
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(0.2 * number)) for number in range(4)]
        group.create_task(nested())
    return [task.result() for task in tasks]


async def nested():
    async with asyncio.TaskGroup() as group:
        group.create_task(work())


async def waits():
    tasks = {asyncio.create_task(work(0.3 * number)) for number in range(1, 4)}
    while tasks:
        _, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def first_of_two():
    slow, fast = asyncio.create_task(work(20)), asyncio.create_task(work(0.7))
    await asyncio.wait({slow, fast}, return_when=asyncio.FIRST_COMPLETED)
    slow.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await slow


async def limits():
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work(20), 0.7)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await work(20)
    await asyncio.wait_for(asyncio.shield(work()), 5)
    task = asyncio.create_task(work())
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.1)
    await task


async def completed():
    return [await one for one in asyncio.as_completed([work(0.6), work(0.1), work(0.9)])]


async def threads():
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        asyncio.to_thread(time.sleep, 0.7),
        loop.run_in_executor(None, time.sleep, 0.6),
        work(),
    )


async def workers():
    queue = asyncio.Queue(maxsize=5)

    async def worker():
        while True:
            await asyncio.sleep(await queue.get())
            queue.task_done()

    tasks = [asyncio.create_task(worker(), name=f"worker-{number}") for number in range(3)]
    for _ in range(30):
        await queue.put(0.06)
    await queue.join()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def in_context():
    context = contextvars.copy_context()
    context.run(request_id.set, "r-1")
    task = asyncio.get_running_loop().create_task(work(), context=context)
    return await task


async def synchronised():
    condition, gate, turns = asyncio.Condition(), asyncio.Event(), asyncio.Semaphore(2)

    async def waiter():
        async with turns:
            await gate.wait()
        async with condition:
            await condition.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(waiter())
        await asyncio.sleep(0.6)
        gate.set()
        await asyncio.sleep(0.1)
        async with condition:
            condition.notify_all()


class Component:
    """A long-lived worker in an attribute, started and stopped by whoever uses it."""

    async def __aenter__(self):
        self._task = asyncio.create_task(self._serve())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _serve(self):
        while True:
            await asyncio.sleep(0.1)


async def component():
    async with Component():
        await work(0.8)


async def background_set():
    for _ in range(3):
        in_background(work(0.8))
    await asyncio.sleep(0.05)


async def main():
    results = await asyncio.gather(
        groups(), waits(), first_of_two(), limits(), completed(), threads(), workers(),
        in_context(), synchronised(), component(), background_set(),
    )
    print(results)
    while background:
        await asyncio.sleep(0.05)


_loop.run(main())
