"""Many loops in one process, in sequence and in threads, each ended as the documentation says."""

import asyncio
import contextlib
import threading
import time

import _loop


async def work(seconds=0.05):
    await asyncio.sleep(seconds)
    return threading.current_thread() is threading.main_thread()


async def failing():
    await asyncio.sleep(0.01)
    raise ValueError("for the caller")


async def generates():
    for number in range(3):
        await asyncio.sleep(0.01)
        yield number


async def iterates():
    return [number async for number in generates()]


def in_thread(results):
    results.append(_loop.run(work(0.7)))


def service(started):
    loop = _loop.factory()
    started.append(loop)
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


def main():
    for _ in range(3):
        _loop.run(work())
    with contextlib.suppress(ValueError):
        _loop.run(failing())
    print(_loop.run(iterates()))
    with asyncio.Runner(loop_factory=_loop.factory) as runner:
        runner.run(work())
        time.sleep(0.25)
        runner.run(iterates())
    loop = _loop.factory()
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    results, started = [], []
    threads = [threading.Thread(target=in_thread, args=(results,)) for _ in range(3)]
    threads.append(threading.Thread(target=service, args=(started,)))
    for thread in threads:
        thread.start()
    while not started or not started[0].is_running():
        time.sleep(0.01)
    future = asyncio.run_coroutine_threadsafe(work(0.7), started[0])
    print(future.result())
    started[0].call_soon_threadsafe(started[0].stop)
    for thread in threads:
        thread.join()
    print(results)


main()
