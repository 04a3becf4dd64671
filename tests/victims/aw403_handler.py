"""A program with exception handlers of its own: they are called as always, and the finding is said too."""

import asyncio

import _loop

heard = []


def handler(loop, context):
    heard.append((context["message"].partition(" ")[0], type(context.get("exception")).__name__))


def chaining(loop, context):
    heard.append("chained")
    loop.default_exception_handler(context)


def failing(loop, context):
    heard.append("about to fail")
    return context["no such key"]  # AW403


def broken():
    raise KeyError("broken")  # AW403


def broken_again():
    raise KeyError("while the handler is broken, too")  # AW403


def broken_and_chained():
    raise KeyError("broken and chained")  # AW403


def fine():
    heard.append("fine")


async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handler)
    loop.call_soon(fine)
    loop.call_soon(broken)
    loop.call_exception_handler({"message": "said by the program, without an exception"})  # AW403
    await asyncio.sleep(0.05)
    loop.set_exception_handler(chaining)
    loop.call_soon(broken_and_chained)
    await asyncio.sleep(0.05)
    loop.set_exception_handler(failing)
    loop.call_soon(fine)
    loop.call_soon(broken_again)
    await asyncio.sleep(0.05)
    print(heard)


_loop.run(main())
