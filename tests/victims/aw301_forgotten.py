"""Coroutines that were made and never ran, beside coroutines that ran late or were closed on purpose."""

import asyncio
import functools

import _loop


async def save(row):
    await asyncio.sleep(0)
    return row


async def allowed():
    return False


class Model:
    async def commit(self):
        await asyncio.sleep(0)

    def update(self):
        self.commit()  # AW301


def notify(callback):
    callback()  # AW301


def ignores(coro):
    del coro  # AW301[light]


def ignored():
    ignores(save("an argument"))  # AW301[debug]


async def guilty():
    save("forgot await")  # AW301
    asyncio.sleep(0.1)  # AW301
    if allowed():  # AW301
        pass
    Model().update()
    notify(functools.partial(save, "as a callback"))
    [save(number) for number in range(3)]  # AW301
    asyncio.wait_for(asyncio.Event().wait(), 1)  # AW301
    ignored()


async def healthy():
    late = save("later")
    await asyncio.sleep(0)
    await late
    unused = save("closed")
    unused.close()
    await asyncio.gather(*[save(number) for number in range(3)])
    await Model().commit()
    if await allowed():
        pass
    task = asyncio.create_task(save("cancelled before it began"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    callback = functools.partial(save, "as a callback")
    await callback()


async def main():
    await healthy()
    await guilty()
    print("ended")


def outside():
    save("outside of any loop")  # AW301


outside()
_loop.run(main())
