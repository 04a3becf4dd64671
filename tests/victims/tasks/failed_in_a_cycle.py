"""An object and its task refer to each other; the task failed before the collector takes both."""

import asyncio
import gc

import _task


class Job:
    def start(self):
        self.task = asyncio.create_task(self.run())  # AW204

    async def run(self):
        await asyncio.sleep(0.05)
        raise ConnectionError("database is away")


async def main():
    Job().start()
    await asyncio.sleep(0.2)
    gc.collect()
    await _task.look_on()


_task.run(main())
