"""A short computation during which the whole program is stopped, as a frozen container or a paused machine is."""

import time

import _block
import _starve


def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass  # AW101 starved


async def healthy():
    compute(0.04)


async def guilty():
    _starve.stop_once(_block.LENGTH)
    with _block.held:
        compute(0.04)


with _starve.helper():
    _block.main(healthy, guilty)
