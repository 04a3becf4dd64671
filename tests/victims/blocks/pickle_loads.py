"""pickle.loads of a long list, in the protocol that is text."""

import pickle

import _block

small, big = _block.sizes(lambda size: pickle.dumps([3.5] * size, protocol=0), pickle.loads)


async def healthy():
    await _block.sliced(pickle.loads, small)


async def guilty():
    with _block.held:
        pickle.loads(big)  # AW101 gil


_block.main(healthy, guilty)
