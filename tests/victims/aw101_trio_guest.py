"""Trio as a guest of asyncio's loop: a trio task that blocks holds the host."""
# needs module: trio

import asyncio
import time

import trio

import _loop


async def charge():
    await trio.sleep(0.01)
    time.sleep(0.3)  # AW101


async def charge_well():
    await trio.sleep(0.01)
    await trio.to_thread.run_sync(time.sleep, 0.15)


def instant():
    time.sleep(0.3)  # AW101


def instant_well():
    time.sleep(0.002)


async def guest():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(charge_well)
        nursery.start_soon(trio.sleep, 0.2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(charge)
        nursery.start_soon(trio.sleep, 0.02)
    await trio.sleep(0.05)
    for function in (instant_well, instant):
        trio.lowlevel.current_trio_token().run_sync_soon(function)
        await trio.sleep(0.05)
    return "guest ended"


async def often():
    while True:
        await asyncio.sleep(0.02)


async def main():
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    trio.lowlevel.start_guest_run(
        guest, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=ended.set_result
    )
    ticker = asyncio.create_task(often())
    print((await ended).unwrap())
    ticker.cancel()


_loop.run(main())
