"""Two tasks send each other items through two queues, slowly."""

import asyncio

import _task


async def answer(questions, answers):
    for _ in range(2):
        question = await questions.get()
        await asyncio.sleep(1.3)
        await answers.put(question + 1)


async def ask(questions, answers):
    number = 0
    for _ in range(2):
        await questions.put(number)
        number = await answers.get()


async def main():
    questions, answers = asyncio.Queue(), asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        group.create_task(answer(questions, answers))
        group.create_task(ask(questions, answers))


_task.run(main())
