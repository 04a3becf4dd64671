"""Callbacks and tasks handed to a loop from another thread in the wrong way, beside the right ones."""

import asyncio
import threading
import time

import _loop

order = []
foreign = []  # which of these are refused depends on debug mode


async def tick(name):
    order.append(name)
    await asyncio.sleep(0)


def attempt(function, *args):
    """What debug mode refuses is an error in the thread that called; without it nothing is raised."""
    try:
        function(*args)
    except RuntimeError as error:
        foreign.append(str(error))


def soon(loop):
    attempt(lambda: loop.call_soon(foreign.append, "soon"))  # AW401[debug]


def later(loop):
    attempt(lambda: loop.call_later(0.01, foreign.append, "later"))  # AW401[debug]


def at(loop):
    attempt(lambda: loop.call_at(loop.time() + 0.01, foreign.append, "at"))  # AW401[debug]


def answer(future):
    attempt(lambda: future.set_result("answer"))  # AW401[debug]


def spawn(loop):
    coro = asyncio.sleep(0)
    try:
        loop.create_task(coro)  # AW401
    except RuntimeError:
        coro.close()


def spawn_rightly(loop):
    asyncio.run_coroutine_threadsafe(tick("spawned rightly"), loop).result()


def soon_rightly(loop):
    loop.call_soon_threadsafe(order.append, "soon rightly")


def answer_rightly(loop, future):
    loop.call_soon_threadsafe(future.set_result, "answer")


def answer_unheard(future):
    future.set_result("nobody waits, so nothing is scheduled")


def a_loop_of_its_own():
    async def work():
        asyncio.get_running_loop().call_soon(order.append, "own loop")
        await asyncio.create_task(tick("own task"))

    _loop.run(work())


def prepared_elsewhere():
    """A loop that does not run yet may be prepared in any thread."""
    loop = _loop.factory()
    loop.call_soon(order.append, "prepared")
    task = loop.create_task(tick("prepared task"))
    thread = threading.Thread(target=lambda: loop.run_until_complete(task))
    thread.start()
    thread.join()
    loop.close()


async def in_thread(function, *args):
    def run():
        time.sleep(0.1)  # the loop waits in its selector by then
        function(*args)

    thread = threading.Thread(target=run)
    thread.start()
    await asyncio.sleep(0.2)
    while thread.is_alive():
        await asyncio.sleep(0.2)


async def healthy(loop):
    await in_thread(soon_rightly, loop)
    await in_thread(spawn_rightly, loop)
    future = loop.create_future()
    await in_thread(answer_rightly, loop, future)
    order.append(await future)
    await in_thread(answer_unheard, loop.create_future())
    await in_thread(a_loop_of_its_own)
    await asyncio.to_thread(order.append, "to_thread")


async def guilty(loop):
    for function in (soon, later, at, spawn):
        await in_thread(function, loop)
    future = loop.create_future()
    future.add_done_callback(foreign.append)
    await in_thread(answer, future)
    await asyncio.sleep(0.05)


async def main():
    loop = asyncio.get_running_loop()
    await healthy(loop)
    await guilty(loop)
    print(sorted(order))


prepared_elsewhere()
_loop.run(main())
