# no line: AW303[light]
"""A failed future that only the garbage collector can destroy: in light nobody saw where it was made."""

import asyncio
import gc

import _loop


class Node:
    def __init__(self, future):
        self.future = future
        self.itself = self


async def left(loop):
    node = Node(loop.create_future())  # AW303[debug]
    node.future.set_exception(ValueError("in a cycle"))


async def asked(loop):
    node = Node(loop.create_future())
    node.future.set_exception(ValueError("in a cycle, but asked for"))
    return str(node.future.exception())


async def main():
    loop = asyncio.get_running_loop()
    gc.collect()
    gc.disable()
    await left(loop)
    print(await asked(loop))
    gc.collect()


_loop.run(main())
