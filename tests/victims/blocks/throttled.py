"""A short computation while the program is over its CPU quota.

With a control group of its own where the machine offers one to this user, else by a helper process that stops and
continues the program in the same rhythm.
"""

import time

import _block
import _starve


def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass  # AW101 starved


async def healthy():
    compute(0.04)


async def guilty():
    with _starve.quota(share=0.1):
        with _block.held:
            compute(0.04)


with _starve.prepared():
    _block.main(healthy, guilty)
