"""A taskiq worker's jobs; the broker is a folder."""

import asyncio
import os
import uuid

import work
from taskiq import AsyncBroker


class Folder(AsyncBroker):
    """A message is a file, and whoever renames it has it."""

    path = os.environ["QUEUE"]

    async def kick(self, message):
        with open(os.path.join(self.path, f".{uuid.uuid4()}"), "wb") as file:
            file.write(message.message)
        os.rename(file.name, os.path.join(self.path, uuid.uuid4().hex))

    async def listen(self):
        while True:
            for name in os.listdir(self.path):
                if name.startswith("."):
                    continue
                taken = os.path.join(self.path, f".{name}-{os.getpid()}")
                try:
                    os.rename(os.path.join(self.path, name), taken)
                except OSError:
                    continue
                with open(taken, "rb") as file:
                    yield file.read()
            await asyncio.sleep(0.05)


broker = Folder()


@broker.task
async def job():
    await work.work()


def send():
    async def main():
        for _ in range(6):
            await job.kiq()

    asyncio.run(main())
