"""Signal handlers: Python's own run wherever the loop's thread is, also in the middle of its wait."""

import asyncio
import signal
import time

import _loop


def while_idle(number, frame):
    time.sleep(0.3)  # AW101


def while_busy(number, frame):
    time.sleep(0.3)  # AW101


def on_loop(loop):
    time.sleep(0.3)  # AW101
    loop.remove_signal_handler(signal.SIGALRM)


def well(*_):
    time.sleep(0.002)


def compute():
    end = time.perf_counter() + 0.03
    while time.perf_counter() < end:
        pass


async def ring(work=None):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    if work is not None:
        work()
    await asyncio.sleep(0.06)


async def main():
    loop = asyncio.get_running_loop()
    for handler, work in ((well, None), (well, compute), (while_idle, None), (while_busy, compute)):
        signal.signal(signal.SIGALRM, handler)
        await ring(work)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    loop.add_signal_handler(signal.SIGALRM, well)
    await ring()
    loop.add_signal_handler(signal.SIGALRM, on_loop, loop)
    await ring()
    print("ended")


_loop.run(main())
