"""Two locks in opposite order, with a timeout that lets go and tries again."""

import asyncio

import _task


async def transfer(source, target, patience):
    while True:
        async with source:
            await asyncio.sleep(0.05)
            try:
                await asyncio.wait_for(target.acquire(), patience)
            except TimeoutError:
                pass
            else:
                target.release()
                return
        await asyncio.sleep(0.1)


async def main():
    one, other = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(transfer(one, other, 1.6), transfer(other, one, 2.6))


_task.run(main())
