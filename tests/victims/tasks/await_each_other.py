"""Two tasks await each other."""

import asyncio

import _task

tasks = {}


async def step(other):
    await asyncio.sleep(0.05)
    await tasks[other]  # AW207


async def main():
    tasks["one"] = asyncio.create_task(step("other"))  # AW203? AW205?
    tasks["other"] = asyncio.create_task(step("one"))  # AW203? AW205?
    await _task.look_on()


try:
    _task.run(main())
except RecursionError:  # cancel() goes from one to the other and back
    _task.ended()
