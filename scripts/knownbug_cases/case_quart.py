"""quart before 0.19.6 keeps its background tasks in a set of weak references: nobody holds them after the request."""

import asyncio

from quart import Quart

app = Quart(__name__)
ended = []


async def send_mail():
    await asyncio.sleep(1.5)
    ended.append(True)


@app.get("/")
async def order():
    app.add_background_task(send_mail)
    return "thanks"


async def main():
    await app.test_client().get("/")
    while not ended:
        await asyncio.sleep(0.1)


asyncio.run(main())
