# needs module: aiohttp
"""A library's sessions, which tell the loop as well as warning: said once, beside sessions that are closed."""

import asyncio
import gc

import _loop
import aiohttp
from aiohttp import web


async def hello(request):
    return web.Response(text="hello")


async def drop(url):
    await aiohttp.ClientSession().get(url)  # AW402


async def fetch(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


async def fetch_in_parts(url):
    session = aiohttp.ClientSession()
    try:
        response = await session.get(url)
        text = await response.text()
        response.release()
        return text
    finally:
        await session.close()


async def main():
    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = "http://127.0.0.1:%d/" % runner.addresses[0][1]
    print(await fetch(url), await fetch_in_parts(url))
    await asyncio.sleep(0.05)
    gc.collect()
    await drop(url)
    gc.collect()
    await asyncio.sleep(0.05)
    await runner.cleanup()


_loop.run(main())
