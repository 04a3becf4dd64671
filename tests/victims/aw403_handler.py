"""A program with an exception handler of its own: it is called as always, and the finding is said too."""

import asyncio

import _loop

heard = []


def handler(loop, context):
    heard.append((context["message"].partition(" ")[0], type(context.get("exception")).__name__))


def broken():
    raise KeyError("broken")  # AW403


def fine():
    heard.append("fine")


async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handler)
    loop.call_soon(fine)
    loop.call_soon(broken)
    loop.call_exception_handler({"message": "said by the program, without an exception", "exception": None})
    await asyncio.sleep(0.05)
    print(heard)


_loop.run(main())
