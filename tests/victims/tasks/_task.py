"""What the programs in this folder share: the loop, how long they last and the word that they came to their end.

Each program has one condition, at one line with a mark such as `# AW201`, or it is one healthy pattern and has no
mark. `# AW207?` is on lines that are as right (each member of a cycle), or that may be blamed for what follows from
the condition. tests/tasks.py has the options all of them are run with; a program's argument is the loop.
"""

import asyncio
import sys

# How long the main task looks on: longer than any limit in the options.
LENGTH = 3.0
# A healthy wait that is longer than the limit for a wait that is stuck.
LONG = 1.6
# Longer than any program lasts.
FOR_EVER = 3600

LOOP = sys.argv[1] if len(sys.argv) > 1 else "asyncio"


async def look_on():
    await asyncio.sleep(LENGTH)


def factory():
    if LOOP == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def run(coro):
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(coro)
    ended()


def ended():
    print("ended", flush=True)
