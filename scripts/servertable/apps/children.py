"""Children in every way that Python has, each with a loop of its own: `python children.py WAY`."""

import multiprocessing
import os
import subprocess
import sys

import work


def by_fork_in_a_loop():
    import asyncio

    async def main():
        await asyncio.sleep(0.05)
        pid = os.fork()
        if not pid:
            asyncio._set_running_loop(None)
            work.run()
            os._exit(0)
        await asyncio.to_thread(os.waitpid, pid, 0)

    asyncio.run(main())


def main():
    way = sys.argv[1]
    if way == "os.fork":
        by_fork_in_a_loop()
    elif way == "subprocess":
        subprocess.run([sys.executable, "-c", "import work; work.run()"], check=True)
    else:
        context = multiprocessing.get_context(way)
        processes = [context.Process(target=work.run) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        if any(process.exitcode for process in processes):
            sys.exit(1)
    print("ended")


if __name__ == "__main__":
    main()
