"""Functions that must not run on a loop's thread, in every form, without any option."""
# options: --slow-callback-duration 5

import asyncio
import functools
import threading

import _loop

from asyncwatch import NotInAsyncError, not_in_async


@not_in_async
def load():
    return 1


@not_in_async(instead="count_async()")
def counted(limit):
    yield from range(limit)


def retried(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@not_in_async
@retried
def marked_above():
    return 1


@retried
def not_marked():
    return 1


class Store:
    @not_in_async
    def get(self):
        return 1

    @classmethod
    @not_in_async
    def open(cls):
        return cls()

    @not_in_async
    @staticmethod
    def close():
        return 1

    def both(self):
        return self.get()  # AW104

    def free(self):
        return 1


@not_in_async(strict=True, instead="ask_async()")
def ask():
    return "asked"


@not_in_async  # AW104
def in_a_callback():
    return 1


async def guilty():
    load()  # AW104
    list(counted(2))  # AW104
    for _ in counted(2):  # AW104
        pass
    marked_above()  # AW104
    store = Store.open()  # AW104
    store.both()
    store.close()  # AW104
    for _ in range(3):
        load()  # AW104
    try:
        ask()
    except NotInAsyncError as error:
        print(error)
    asyncio.get_running_loop().call_soon(in_a_callback)


async def healthy():
    not_marked()
    store = Store()
    store.free()
    unused = counted(2)
    for one in (load, marked_above, store.get, Store.open, Store.close, ask, lambda: list(unused)):
        await asyncio.to_thread(one)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, load)


def elsewhere():
    return [load(), *counted(2), marked_above(), Store.open().get(), Store.close()]


thread = threading.Thread(target=elsewhere)
thread.start()
thread.join()
elsewhere()
_loop.run(guilty())
_loop.run(healthy())
print(ask(), elsewhere())
