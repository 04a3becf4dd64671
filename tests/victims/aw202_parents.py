"""Children that outlive the request that started them, and children that somebody listens to."""

import asyncio

import _loop

LIFE = 1.4
cache = {}
listened = set()


async def refresh():
    await asyncio.sleep(LIFE)


async def request():
    task = asyncio.create_task(refresh())  # AW202
    await asyncio.sleep(0.05)
    return task.get_name()


async def inner():
    task = asyncio.create_task(refresh(), name="of an inner function")  # AW202
    await asyncio.sleep(0.05)
    return task.done()


async def outer():
    return await inner()


async def cached():
    cache["held, but nobody will hear of its end"] = asyncio.create_task(refresh())  # AW202


class Session:
    async def open(self):
        self.reader = asyncio.create_task(refresh())  # AW202


async def grouped(group):
    group.create_task(refresh())


async def with_callback():
    task = asyncio.create_task(refresh())
    listened.add(task)
    task.add_done_callback(listened.discard)


async def awaited():
    task = asyncio.create_task(refresh())
    await asyncio.sleep(0.05)
    await task


async def given_away(inbox):
    inbox.put_nowait(asyncio.create_task(refresh()))


async def receive(inbox):
    await (await inbox.get())


async def handed_up():
    return asyncio.create_task(refresh())


async def main():
    session, inbox = Session(), asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        for coro in (request(), outer(), cached(), session.open()):
            group.create_task(coro)
        for coro in (grouped(group), with_callback(), awaited(), given_away(inbox), receive(inbox)):
            group.create_task(coro)
        await (await asyncio.create_task(handed_up()))
    # Somebody does ask in the end, long after the parents ended: until then nobody would have heard.
    await asyncio.gather(*cache.values(), session.reader)
    print(len(listened))


_loop.run(main())
