"""trio's own run, in the main thread and in another: steps that block, and what does not."""
# needs module: trio

import itertools
import json
import threading
import time

import trio


async def charge():
    await trio.sleep(0.05)
    time.sleep(0.3)  # AW101
    await trio.sleep(0.05)


async def charge_well():
    await trio.sleep(0.05)
    await trio.to_thread.run_sync(time.sleep, 0.3)


def parse(text):
    end = time.thread_time() + 0.3
    return any(json.loads(text) and time.thread_time() >= end for _ in itertools.repeat(None))  # AW101


async def computes():
    await trio.sleep(0.05)
    parse("[1, 2, 3]")


async def computes_well():
    for _ in range(30):
        json.loads("[1, 2, 3]")
        await trio.lowlevel.checkpoint()


def soon():
    time.sleep(0.3)  # AW101


def soon_well():
    time.sleep(0.002)


async def callbacks():
    token = trio.lowlevel.current_trio_token()
    for function in (soon_well, soon):
        token.run_sync_soon(function)
        await trio.sleep(0.05)


async def in_a_thread():
    await trio.sleep(0.05)
    time.sleep(0.3)  # AW101
    await trio.sleep(0.05)


async def often():
    while True:
        await trio.sleep(0.01)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(often)
        for function in (charge, charge_well, computes, computes_well, callbacks):
            await function()
        nursery.cancel_scope.cancel()


trio.run(main)
thread = threading.Thread(target=trio.run, args=(in_a_thread,))
thread.start()
thread.join()
print("ended")
