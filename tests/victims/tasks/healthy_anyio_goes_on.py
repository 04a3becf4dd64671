"""anyio: scopes and groups that are cancelled, and a task that goes on for long after each."""
# needs module: anyio

import anyio
from anyio._backends import _asyncio  # else importing it would hold the loop

import _task


async def fail():
    await anyio.sleep(0.1)
    raise ConnectionError("database is away")


async def after_a_scope():
    with anyio.move_on_after(0.2), anyio.CancelScope():
        await anyio.sleep_forever()
    await anyio.sleep(2.5)


async def after_a_group():
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(fail)
            await anyio.sleep_forever()
    except* ConnectionError:
        pass
    await anyio.sleep(2.5)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(after_a_scope)
        group.start_soon(after_a_group)


_task.run(main())
