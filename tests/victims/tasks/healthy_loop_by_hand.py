"""A loop by hand, closed in order."""

import asyncio

import _task


async def worker():
    while True:
        await asyncio.sleep(0.1)


async def main():
    task = asyncio.create_task(worker())
    await asyncio.sleep(2.5)
    task.cancel()
    await asyncio.wait({task})


loop = _task.factory()
asyncio.set_event_loop(loop)
try:
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
finally:
    asyncio.set_event_loop(None)
    loop.close()
_task.ended()
