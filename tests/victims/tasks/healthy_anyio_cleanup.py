"""anyio: a cancelled task closes its connection in a shielded scope that has a limit."""
# needs module: anyio

import anyio
from anyio._backends import _asyncio  # else importing it would hold the loop

import _task


async def serve(closed):
    try:
        await anyio.sleep_forever()
    finally:
        with anyio.move_on_after(5, shield=True):
            await closed.wait()


async def main():
    closed = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(serve, closed)
        await anyio.sleep(1.2)
        group.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(1.4)
            closed.set()


_task.run(main())
