"""An arq worker's jobs."""

import asyncio
import os

import arq
import work
from arq.connections import RedisSettings


async def job(context):
    await work.work()


class WorkerSettings:
    functions = (job,)
    redis_settings = RedisSettings(port=int(os.environ["REDIS"]))
    queue_name = os.environ["QUEUE"]


def send():
    async def main():
        pool = await arq.create_pool(WorkerSettings.redis_settings, default_queue_name=WorkerSettings.queue_name)
        for _ in range(2):
            await pool.enqueue_job("job")

    asyncio.run(main())
