"""A thread that has the lock while it waits for the loop; a text that a bad pattern takes a second over."""
# options: --hang-after 0.5

import asyncio
import contextlib
import pathlib
import re
import sys
import threading
import time

pathlib.Path("check_name.py").write_text("while True: pass\n")

# PAGE


def needs_the_loop(loop, has_lock):
    with lock, contextlib.suppress(TimeoutError):
        has_lock.set()
        time.sleep(0.05)
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(timeout=1.5)


async def refresh_all():
    if hasattr(lock, "__enter__"):
        has_lock = threading.Event()
        thread = threading.Thread(target=needs_the_loop, args=(asyncio.get_running_loop(), has_lock))
        thread.start()
        has_lock.wait()
    await asyncio.gather(refresh({}), refresh({}))


def long_text():
    """Each letter more takes twice as long; this many take two seconds or more."""
    for letters in range(16, 40):
        text = letters * "a" + "!"
        began = time.thread_time()
        re.fullmatch("([a-z]+ ?)*", text)
        if time.thread_time() - began > 0.1:
            return "aaa" + text


async def check(text):
    await asyncio.sleep(0.1)
    assert await is_name(text) is False


asyncio.run(refresh_all() if "refresh" in globals() else check(long_text()))
