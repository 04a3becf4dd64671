"""Consumers of a condition, and a producer that notifies them now and then."""

import asyncio

import _task


async def consume(condition, items):
    async with condition:
        await condition.wait_for(lambda: items)
        return items.pop()


async def produce(condition, items):
    for item in range(2):
        await asyncio.sleep(1.3)
        async with condition:
            items.append(item)
            condition.notify()


async def main():
    condition, items = asyncio.Condition(), []
    await asyncio.gather(consume(condition, items), consume(condition, items), produce(condition, items))


_task.run(main())
