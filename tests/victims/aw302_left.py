"""Async generators that were left before their end, beside the same closed, run out, or never begun."""

import asyncio
import contextlib
import gc

import _loop


async def rows(kind):
    try:
        for number in range(3):
            yield number
            await asyncio.sleep(0)
    finally:
        await asyncio.sleep(0)


async def plain(kind):
    yield 1
    yield 2


async def outer(kind):
    async for row in rows(kind):  # AW302
        yield row


@contextlib.asynccontextmanager
async def connection():
    try:
        yield "connection"
    finally:
        await asyncio.sleep(0)


async def by_break():
    async for _row in rows("break"):  # AW302
        break
    print("break")


async def by_return():
    async for row in rows("return"):  # AW302
        return row


async def by_exception():
    async for row in rows("exception"):  # AW302
        raise LookupError(row)


async def by_cancellation():
    async for _row in rows("cancellation"):  # AW302
        await asyncio.sleep(60)


async def by_anext():
    every = rows("anext")
    print(await anext(every))  # AW302


async def in_comprehension():
    return [row async for row in rows("comprehension") if 1 // (1 - row)]  # AW302


async def without_cleanup():
    async for _row in plain("break"):  # AW302
        break


async def in_cycle():
    every = rows("cycle")
    box = [every]
    box.append(box)
    async for _row in every:  # AW302
        break


async def entered():
    # Entered and never left: its generator is dropped with it.
    print(await connection().__aenter__())  # AW302


async def through():
    async with contextlib.aclosing(outer("through")) as every:
        async for _row in every:
            break


async def cancelled(task):
    await asyncio.sleep(0.02)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def guilty():
    await by_break()
    print(await by_return())
    with contextlib.suppress(LookupError):
        await by_exception()
    await cancelled(asyncio.create_task(by_cancellation()))
    await by_anext()
    with contextlib.suppress(ZeroDivisionError):
        await in_comprehension()
    await without_cleanup()
    await in_cycle()
    gc.collect()
    await entered()
    await through()
    await asyncio.sleep(0.05)


async def slow(kind):
    try:
        yield 1
        await asyncio.sleep(60)
        yield 2
    finally:
        await asyncio.sleep(0)


async def consumes():
    async for _row in slow("cancelled inside"):
        pass


async def healthy():
    async for row in rows("to the end"):
        print(row)
    print([row async for row in rows("comprehension")])
    async with contextlib.aclosing(rows("aclosing")) as every:
        async for _row in every:
            break
    every = rows("aclose")
    async for _row in every:
        break
    await every.aclose()
    async with connection():
        pass
    with contextlib.suppress(LookupError):
        async with connection():
            raise LookupError
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(connection())
        stack.push_async_callback(rows("never begun").aclose)
    rows("never iterated")
    every = rows("thrown into")
    await anext(every)
    with contextlib.suppress(LookupError):
        await every.athrow(LookupError)
    await cancelled(asyncio.create_task(consumes()))
    async for row in rows("break at the end"):
        print(row)
    else:
        print("ended")
    again = rows("in two parts")
    async for _row in again:
        break
    async for row in again:
        print(row)


async def main():
    await healthy()
    await guilty()
    print("ended")


_loop.run(main())
