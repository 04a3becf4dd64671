"""Code written for anyio, which knows no event loop of its own: on asyncio it holds asyncio's."""
# needs module: anyio, sniffio

import time

import anyio
import anyio.from_thread
import anyio.to_thread
import sniffio

import _loop


async def charge():
    await anyio.sleep(0.01)
    time.sleep(0.3)  # AW101


async def charge_well():
    await anyio.sleep(0.01)
    await anyio.to_thread.run_sync(time.sleep, 0.1)


async def sniffed():
    if sniffio.current_async_library() == "asyncio":
        time.sleep(0.3)  # AW101


def called_back():
    time.sleep(0.3)  # AW101


def called_back_well():
    time.sleep(0.002)


async def cleaned_well():
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.1)


async def in_groups():
    async with anyio.create_task_group() as group:
        group.start_soon(charge_well)
        group.start_soon(charge)
    async with anyio.create_task_group() as group:
        group.start_soon(cleaned_well)
        await anyio.sleep(0.05)
        group.cancel_scope.cancel()


async def main():
    await in_groups()
    await sniffed()
    await anyio.sleep(0.05)
    for function in (called_back_well, called_back):
        await anyio.to_thread.run_sync(anyio.from_thread.run_sync, function)
        await anyio.sleep(0.05)
    print("ended")


_loop.run(main())
