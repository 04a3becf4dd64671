"""What is still open when its loop is closed, beside what was closed in time. uvloop's server warns in debug only."""

import asyncio
import gc
import sys

import _loop


def greet(reader, writer):
    writer.close()


async def open_server():
    server = await asyncio.start_server(greet, "127.0.0.1", 0)  # AW402?[light] AW402[debug]
    return server.sockets[0].getsockname()


async def good_server():
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    server.close()
    await server.wait_closed()


async def serving():
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        await server.start_serving()


async def cancelled():
    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    try:
        async with asyncio.timeout(0.05):
            await server.serve_forever()
    except TimeoutError:
        print("cancelled")


async def process():
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass", stdout=asyncio.subprocess.PIPE)
    print(await child.communicate(), child.returncode)


async def good():
    await good_server()
    await serving()
    await cancelled()
    await process()


async def guilty():
    await open_server()


def a_loop_that_is_closed():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def a_loop_that_is_not():
    loop = asyncio.new_event_loop()  # AW402
    loop.run_until_complete(asyncio.sleep(0))


_loop.run(good())
gc.collect()
_loop.run(guilty())
gc.collect()
a_loop_that_is_closed()
gc.collect()
a_loop_that_is_not()
gc.collect()
print("ended")
