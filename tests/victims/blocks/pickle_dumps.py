"""pickle.dumps of a long list, in the protocol that is text."""

import pickle

import _block


def dump(rows):
    return pickle.dumps(rows, protocol=0)


small, big = _block.sizes(lambda size: [1.5] * size, dump)


async def healthy():
    await _block.sliced(dump, small)


async def guilty():
    with _block.held:
        pickle.dumps(big, protocol=0)  # AW101 gil


_block.main(healthy, guilty)
