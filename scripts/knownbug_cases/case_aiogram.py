"""aiogram before 3.2.0 drops the task in which it handles an update that came in by its web hook."""

import asyncio

import aiohttp
from aiogram import Bot, Dispatcher
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

UPDATE = {"update_id": 1, "message": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}, "text": "hi"}}

dispatcher = Dispatcher()
ended = asyncio.Event()


@dispatcher.message()
async def answer(message):
    await asyncio.sleep(1.5)
    ended.set()


async def main():
    app = web.Application()
    SimpleRequestHandler(dispatcher, Bot("42:token")).register(app, path="/hook")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    async with aiohttp.ClientSession() as session, session.post(url, json=UPDATE):
        pass
    await asyncio.wait_for(ended.wait(), 10)
    await runner.cleanup()


asyncio.run(main())
