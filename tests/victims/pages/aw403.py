"""A cache and a source of rates that has none yet."""

import asyncio
import logging

log = logging.getLogger()
log.disabled = True
cache, latest = {}, {}

# PAGE


async def main():
    global loop
    loop = asyncio.get_running_loop()
    if "refresh" in globals():
        loop.call_soon(refresh)
        await asyncio.sleep(0.2)
    else:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(refresher())
            await asyncio.sleep(0.2)
            task.cancel()


asyncio.run(main())
