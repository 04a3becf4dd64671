"""trio's tasks that stand at one await with no deadline around them; and waits that are limited, or on purpose."""
# needs module: trio
# options: --stuck-after 0.4

import time

import trio

lock = trio.Lock()
limiter = trio.CapacityLimiter(1)
semaphore = trio.Semaphore(0)


async def holds():
    async with lock:
        async with limiter:
            await trio.sleep_forever()


async def locked():
    async with lock:  # AW206
        pass


async def limited():
    async with limiter:  # AW206
        pass


async def counted():
    await semaphore.acquire()  # AW206


async def in_a_thread():
    await trio.to_thread.run_sync(time.sleep, 1.2)  # AW206


async def with_deadline():
    with trio.move_on_after(2):
        async with lock:
            pass


async def with_outer_deadline():
    with trio.move_on_after(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lock.acquire)


async def sleeps():
    await trio.sleep(1.2)


async def receives():
    sender, receiver = trio.open_memory_channel(1)
    async with sender, receiver:
        await receiver.receive()  # AW206


async def told():
    event = trio.Event()
    await event.wait()  # AW206


async def goes_on():
    while True:
        async with trio.Lock():
            await trio.sleep(0.05)


async def waits_for_children():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holds)
        await trio.sleep(0.02)
        for function in (locked, limited, counted, in_a_thread, with_deadline, with_outer_deadline, sleeps):
            nursery.start_soon(function)
        for function in (receives, told, goes_on, waits_for_children):
            nursery.start_soon(function)
        await trio.sleep(1.3)
        nursery.cancel_scope.cancel()


trio.run(main)
print("ended")
