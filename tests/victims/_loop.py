"""The loop a victim runs on: its first argument says which, the default is asyncio's own."""

import asyncio
import sys

NAME = sys.argv[1] if len(sys.argv) > 1 else "asyncio"


def factory():
    if NAME == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(coro):
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(coro)
