"""A child process that takes its time: its output is read, its end is waited for."""

import asyncio
import sys

import _task

CHILD = "import time; time.sleep(1.3); print('half', flush=True); time.sleep(1.3)"


async def main():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, stdout=asyncio.subprocess.PIPE)
    await process.stdout.readline()
    await process.wait()


_task.run(main())
