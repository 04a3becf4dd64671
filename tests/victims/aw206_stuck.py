"""Tasks that stand at one await though nothing is proven; and waits that may last, or that a timeout ends."""
# options: --stuck-after 1

import asyncio
import contextlib
import signal
import threading

import _loop

LIFE = 2.6
tasks = set()
replies = {}


def start(coro):
    task = asyncio.create_task(coro)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


async def keep(lock):
    async with lock:
        await asyncio.sleep(LIFE)


async def wants(lock):
    await asyncio.sleep(0.01)
    async with lock:  # AW206
        pass


async def no_place(limit):
    async with limit:  # AW206
        pass


async def request(number):
    replies[number] = reply = asyncio.get_running_loop().create_future()
    await send(number)
    await reply  # AW206


async def asks(lock):
    async with lock:
        reply = replies["asked"] = asyncio.get_running_loop().create_future()
        await reply  # AW206


async def send(number):
    await asyncio.sleep(0)


async def outer():
    await asyncio.gather(middle(), asyncio.sleep(0))


async def middle():
    await request(2)


async def job(gate):
    await asyncio.to_thread(gate.wait)  # AW206


async def nobody_opens():
    await asyncio.get_running_loop().create_future()  # AW206


async def consumer(queue):
    while True:
        await queue.get()  # AW206


async def listener(event):
    await event.wait()  # AW206


async def limited():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIFE):
            await request_quietly(3)


async def limited_from_outside():
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.create_task(request_quietly(4)), LIFE)


async def limited_group():
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LIFE), asyncio.TaskGroup() as group:
            group.create_task(request_quietly(5))
            group.create_task(request_quietly(6))


async def waits_a_while():
    await asyncio.wait({start(asyncio.sleep(LIFE))}, timeout=LIFE + 1)


async def request_quietly(number):
    replies[number] = reply = asyncio.get_running_loop().create_future()
    await reply


async def serves():
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1"):
        await asyncio.Future()  # run forever


async def until_signal():
    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR2, stop.set_result, None)
    await stop


async def progresses(queue):
    while True:
        await asyncio.sleep(0.3)
        queue.put_nowait(None)
        await queue.get()


async def main():
    lock, limit, gate = asyncio.Lock(), asyncio.Semaphore(0), threading.Event()
    queue, event = asyncio.Queue(), asyncio.Event()
    for coro in (keep(lock), wants(lock), no_place(limit), request(1), asks(asyncio.Lock()), outer(), job(gate), nobody_opens()):
        start(coro)
    for coro in (consumer(queue), listener(event), serves(), until_signal(), progresses(asyncio.Queue())):
        start(coro)
    for coro in (limited(), limited_from_outside(), limited_group(), waits_a_while()):
        start(coro)
    await asyncio.sleep(LIFE)
    gate.set()
    for task in list(tasks):
        task.cancel()
    await asyncio.wait(set(tasks))
    print(len(replies), queue.qsize(), event.is_set(), limit.locked())


_loop.run(main())
