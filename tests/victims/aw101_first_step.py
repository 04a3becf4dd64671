"""Native code before there was time for a look: in a loop's first step, right after other native code, in its last,
beside a loop that is made and never runs."""

import asyncio
import pickle
import time

import _loop


def calibrated():
    rows = 100_000
    while True:
        data = [(number, str(number)) for number in range(rows)]
        began = time.thread_time()
        pickle.dumps(data)
        if time.thread_time() - began >= 0.25:
            return data
        rows = int(rows * 1.5)


DATA = calibrated()  # this is native code, too, but no loop waits for it


async def first():
    pickle.dumps(DATA)  # AW101
    await asyncio.sleep(0.1)


async def in_a_row():
    await asyncio.sleep(0.1)
    pickle.dumps(DATA)  # AW101
    await asyncio.sleep(0)
    pickle.dumps(DATA[: len(DATA) // 50])


async def last():
    await asyncio.sleep(0.1)
    pickle.dumps(DATA)  # AW101


async def main():
    await first()
    await in_a_row()
    await last()


_loop.run(main())


async def beside_a_new_loop():
    other = asyncio.new_event_loop()
    pickle.dumps(DATA)  # AW101
    other.close()


_loop.run(asyncio.sleep(0))
_loop.run(beside_a_new_loop())
