"""A library that calls back from a thread of its own."""
# profiles: debug

import asyncio
import contextlib
import threading


# PAGE


def library():
    with contextlib.suppress(RuntimeError):
        on_message(None, "hello")


async def main():
    global loop, done
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    thread = threading.Thread(target=library)
    thread.start()
    with contextlib.suppress(TimeoutError):
        assert await asyncio.wait_for(done, 1) == "hello"
    thread.join()


asyncio.run(main())
