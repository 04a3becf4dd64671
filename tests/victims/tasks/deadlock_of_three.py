"""Three philosophers, each with one fork in hand."""

import asyncio

import _task


async def eat(left, right):
    async with left:
        await asyncio.sleep(0.05)
        async with right:  # AW207
            pass


async def main():
    forks = [asyncio.Lock() for _ in range(3)]
    tasks = [asyncio.create_task(eat(forks[seat], forks[(seat + 1) % 3])) for seat in range(3)]
    await _task.look_on()
    return tasks


_task.run(main())
