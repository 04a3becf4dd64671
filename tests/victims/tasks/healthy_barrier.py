"""Tasks that meet at a barrier, round after round."""

import asyncio

import _task


async def step(barrier, seconds):
    for _ in range(3):
        await asyncio.sleep(seconds)
        await barrier.wait()


async def main():
    barrier = asyncio.Barrier(3)
    await asyncio.gather(*(step(barrier, seconds) for seconds in (0.1, 0.3, 0.8)))


_task.run(main())
