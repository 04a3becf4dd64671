"""A question whose answer comes when the watcher has long since called it stuck."""
# options: --stuck-after 0.5

import asyncio

pending = {}


class question:
    id = 7


async def send(question):
    await asyncio.sleep(0)


# PAGE


async def main():
    asking = asyncio.create_task(ask(question))
    await asyncio.sleep(1.5)
    pending[question.id].set_result("yes")
    assert await asking == "yes"


asyncio.run(main())
