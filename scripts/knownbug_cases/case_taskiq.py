"""taskiq before 0.10.0 drops the task with which its scheduler sends what is due."""

import asyncio
import datetime

from taskiq import InMemoryBroker, TaskiqScheduler
from taskiq.api import run_scheduler_task
from taskiq.schedule_sources import LabelScheduleSource

broker = InMemoryBroker()


@broker.task(task_name="report", schedule=[{"time": datetime.datetime.now(datetime.UTC)}])
async def report():
    return "done"


class Journal(LabelScheduleSource):
    """A source that writes down what is about to be sent, which takes its time."""

    written = False

    async def get_schedules(self):
        return [] if self.written else await super().get_schedules()

    async def pre_send(self, task):
        self.written = True
        await asyncio.sleep(1.5)


async def main():
    scheduler = TaskiqScheduler(broker, sources=[Journal(broker)])
    running = asyncio.create_task(run_scheduler_task(scheduler))
    await asyncio.sleep(2.5)
    running.cancel()
    await asyncio.wait([running])
    await broker.shutdown()


asyncio.run(main())
