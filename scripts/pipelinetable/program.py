"""Finds something at as many places as it is told to, then turns its loop for a while; prints what that took.

`fork` has two children do so as well, `killed` waits for its end.
"""

import asyncio
import gc
import json
import os
import sys
import threading
import time

places = int(sys.argv[1])
mode = sys.argv[2]
lines = "\n".join(f"    asyncio.create_task(fail())  # {number}" for number in range(places))
exec(compile(f"async def begin():\n{lines}", os.path.abspath("generated.py"), "exec"), globals())


async def fail():
    raise ValueError("nobody asks")


async def turns(seconds):
    """Turn as often as can be; the longest turn is what a collector would show in."""
    count, longest, end, before = 0, 0.0, time.monotonic() + seconds, time.monotonic()
    while before < end:
        await asyncio.sleep(0)
        now = time.monotonic()
        longest, before, count = max(longest, now - before), now, count + 1
    return count, longest


async def main():
    await globals()["begin"]()
    await asyncio.sleep(0.1)
    gc.collect()
    cpu = time.thread_time()
    count, longest = await turns(1.5)
    return {"turns": count, "longest": longest, "cpu": (time.thread_time() - cpu) / count}


forked = []
if mode == "fork":
    time.sleep(0.5)
    for _ in range(2):
        began = time.monotonic()
        pid = os.fork()
        forked.append(time.monotonic() - began)
        if not pid:
            asyncio.run(main())
            sys.exit()
        os.waitpid(pid, 0)
found = asyncio.run(main())
found |= {"forked": max(forked, default=0.0), "threads": len(threading.enumerate())}
print(json.dumps({**found, "ended": time.time()}), flush=True)
if mode == "killed":
    time.sleep(1)
    os.kill(os.getpid(), 9)
