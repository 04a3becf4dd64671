"""asyncio.wait, one result after the other, and a loser that is cancelled."""

import asyncio

import _task


async def fetch(seconds):
    await asyncio.sleep(seconds)


async def main():
    pending = {asyncio.create_task(fetch(0.4 * number)) for number in range(1, 5)}
    while pending:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    race = {asyncio.create_task(fetch(1.3)), asyncio.create_task(fetch(_task.FOR_EVER))}
    _, losers = await asyncio.wait(race, return_when=asyncio.FIRST_COMPLETED)
    for loser in losers:
        loser.cancel()
    await asyncio.wait(losers)


_task.run(main())
