"""A healthy trio program: many tasks, channels, cancellation, a thread's work, a clock that jumps, a guest of asyncio."""
# needs module: trio
# options: --stuck-after 0.5

import asyncio
import time

import trio
import trio.testing

import _loop


async def producer(sender):
    async with sender:
        for number in range(50):
            await sender.send(number)


async def consumer(receiver, seen):
    async with receiver:
        async for number in receiver:
            seen.append(number)


async def storm():
    async with trio.open_nursery() as nursery:
        for _ in range(500):
            nursery.start_soon(trio.sleep, 0.01)


async def main():
    seen = []
    sender, receiver = trio.open_memory_channel(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(producer, sender)
        nursery.start_soon(consumer, receiver, seen)
    print(sum(seen))
    await storm()
    with trio.move_on_after(0.05) as scope:
        await trio.sleep_forever()
    print(scope.cancelled_caught)
    await trio.to_thread.run_sync(time.sleep, 0.2)
    with trio.fail_after(5):
        await trio.sleep(0.8)
    await trio.testing.wait_all_tasks_blocked(0.1)


async def jumps():
    began = trio.current_time()
    await trio.sleep(1000)
    return trio.current_time() - began >= 1000


async def host():
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    trio.lowlevel.start_guest_run(
        main, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=ended.set_result
    )
    (await asyncio.shield(ended)).unwrap()


trio.run(main)
print(trio.run(jumps, clock=trio.testing.MockClock(autojump_threshold=0)))
_loop.run(host())
