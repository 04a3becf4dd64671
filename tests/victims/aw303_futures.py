"""Futures that fail and nobody asks, beside futures whose failure somebody hears of."""

import asyncio
import concurrent.futures
import contextlib
import gc

import _loop

heard = []
pool = concurrent.futures.ThreadPoolExecutor(2)


async def fail(text):
    await asyncio.sleep(0.01)
    raise ValueError(text)


def write(path):
    raise OSError(f"cannot write {path}")


class Request:
    """A protocol's way: a future that somebody may wait for, or not."""

    def __init__(self, loop):
        self.answer = loop.create_future()  # AW303[debug]

    def refuse(self):
        self.answer.set_exception(ConnectionError("refused"))


def forget(request):
    request.answer = None  # AW303[light]


async def guilty(loop):
    loop.run_in_executor(None, write, "a")  # AW303
    loop.run_in_executor(pool, write, "b")  # AW303
    kept = loop.run_in_executor(None, write, "c")  # AW303
    asyncio.gather(fail("gathered"), fail("gathered too"))  # AW303
    both = asyncio.gather(fail("kept"), asyncio.sleep(0.01))  # AW303
    request = Request(loop)
    request.refuse()
    forget(request)
    await asyncio.sleep(0.2)
    return kept.done(), both.done()


def listen(future):
    heard.append(type(future.exception()).__name__)


async def healthy(loop):
    with contextlib.suppress(OSError):
        await loop.run_in_executor(None, write, "awaited")
    with contextlib.suppress(OSError):
        await asyncio.to_thread(write, "awaited, too")
    loop.run_in_executor(pool, write, "listened to").add_done_callback(listen)
    with contextlib.suppress(ValueError):
        await asyncio.gather(fail("awaited"), fail("not the first"))
    await asyncio.gather(fail("returned"), return_exceptions=True)
    with contextlib.suppress(ValueError):
        await asyncio.shield(fail("shielded"))
    request = Request(loop)
    request.refuse()
    heard.append(str(request.answer.exception()))
    request = Request(loop)
    request.answer.cancel()
    request = Request(loop)
    request.answer.set_result("good")
    with contextlib.suppress(ConnectionError):
        request = Request(loop)
        loop.call_later(0.01, request.refuse)
        await request.answer
    done, _ = await asyncio.wait([loop.run_in_executor(None, write, "waited for")])
    heard.extend(type(one.exception()).__name__ for one in done)
    waiting = loop.create_future()
    gathered = asyncio.gather(waiting, return_exceptions=True)
    waiting.set_exception(ValueError("in a gather"))
    heard.append(len(await gathered))


async def main():
    loop = asyncio.get_running_loop()
    print(await guilty(loop))
    await healthy(loop)
    await asyncio.sleep(0.1)
    gc.collect()
    print(heard)
    pool.shutdown()


_loop.run(main())
