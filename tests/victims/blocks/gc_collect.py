"""gc.collect(), called by the program: its own doing, so the cause is code."""

import asyncio
import gc

import _block


async def healthy():
    gc.collect(0)
    await asyncio.sleep(0)


async def guilty():
    gc.unfreeze()
    with _block.held:
        gc.collect()  # AW101 code


_block.cycles(_block.cycles_for_block())
# Out of reach of the healthy half's small collection.
gc.freeze()
_block.main(healthy, guilty)
