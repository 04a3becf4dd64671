"""A lock used as a gate: who took it waits for who waits for it, but a third gives it back, late. Stuck, no deadlock."""

import asyncio

import _task


async def open_late(gate):
    await asyncio.sleep(2.6)
    gate.release()


async def enter(gate):
    async with gate:  # AW206
        pass


async def main():
    gate = asyncio.Lock()
    await gate.acquire()
    opener = asyncio.create_task(open_late(gate))
    await asyncio.create_task(enter(gate))
    await opener


_task.run(main())
