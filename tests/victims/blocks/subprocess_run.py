"""subprocess.run of a program that takes its time."""

import asyncio
import subprocess

import _block


async def healthy():
    child = await asyncio.create_subprocess_exec("sleep", str(_block.HEALTHY))
    await child.wait()


async def guilty():
    with _block.held:
        subprocess.run(["sleep", str(_block.LENGTH)], check=True)  # AW101 code


_block.main(healthy, guilty)
