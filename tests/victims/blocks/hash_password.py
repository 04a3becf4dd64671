"""A password hashed by hashlib.pbkdf2_hmac: native code that lets the GIL go."""

import asyncio
import hashlib

import _block


def derive(rounds):
    return hashlib.pbkdf2_hmac("sha256", b"password", b"salt", rounds)


_, big = _block.sizes(lambda size: size, derive, 1000)


async def healthy():
    await asyncio.to_thread(derive, big // 2)


async def guilty():
    with _block.held:
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", big)  # AW101 code


_block.main(healthy, guilty)
