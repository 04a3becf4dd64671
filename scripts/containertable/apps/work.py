"""Small programs for process 1 of a container, by their name. Run without us they do the same."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time


def ends(how):
    async def main():
        print("works", flush=True)
        time.sleep(0.25)  # PLANTED
        await asyncio.sleep(0.3)
        if how == "exit-3":
            sys.exit(3)
        if how == "exit-text":
            sys.exit("it ends with a text")
        if how == "exception":
            raise ValueError("it ends with an exception")
        if how == "crash":
            ctypes.string_at(0)
        if how == "kills-itself":
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(1)

    return main


async def handles():
    """Ends well when it is asked to."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    time.sleep(0.25)  # PLANTED
    print("ready", flush=True)
    await asked.wait()
    await asyncio.sleep(0.2)
    print("ended well", flush=True)
    sys.exit(7)


async def waits():
    """Has no handler."""
    time.sleep(0.25)  # PLANTED
    await asyncio.sleep(0.3)
    print("ready", flush=True)
    await asyncio.sleep(3600)


async def orphans():
    """Leaves children of children behind, whose parent becomes process 1."""
    time.sleep(0.25)  # PLANTED
    for _ in range(3):
        subprocess.run(["sh", "-c", "sleep 0.2 &"], check=True)
    child = await asyncio.create_subprocess_exec("sleep", "0.1")
    await child.wait()
    await asyncio.sleep(1.5)
    print("states", *sorted(states()), flush=True)


def states():
    """What each process here is called, and Z for a zombie."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                name, _, rest = file.read().partition(" (")[2].rpartition(") ")
        except OSError:
            continue
        yield f"{name}:Z" if rest.startswith("Z") else name


async def alone():
    """What is in the container besides the program: nothing."""
    time.sleep(0.25)  # PLANTED
    await asyncio.sleep(0.5)
    print("processes", len(list(states())), "uid", os.getuid(), flush=True)
    print("threads", threading.active_count(), flush=True)


async def writes():
    """A megabyte that no text is, to standard output."""
    time.sleep(0.25)  # PLANTED
    await asyncio.sleep(0.3)
    await asyncio.to_thread(write)


def write():
    for number in range(1024):
        os.write(1, bytes((number + position) % 256 for position in range(1024)))


async def starved():
    """Each step computes less than a slow callback does, but gets half a processor; one line is guilty."""
    for _ in range(30):
        end = time.thread_time() + 0.06
        while time.thread_time() < end:
            pass
        await asyncio.sleep(0)
    time.sleep(0.6)  # PLANTED
    await asyncio.sleep(0.3)
    print("done", flush=True)


async def memory():
    """Ten thousand tasks at once."""
    time.sleep(0.25)  # PLANTED
    asked = asyncio.Event()
    tasks = []
    for _ in range(100):
        tasks += [asyncio.create_task(asked.wait()) for _ in range(100)]
        await asyncio.sleep(0)
    await asyncio.sleep(1)
    asked.set()
    await asyncio.gather(*tasks)
    with open("/proc/self/status") as file:
        peak = next(line for line in file if line.startswith("VmHWM")).split()[1]
    print(f"peak {int(peak) // 1024} MB", file=sys.stderr, flush=True)


NAMED = {"handles": handles, "waits": waits, "orphans": orphans, "alone": alone, "writes": writes}
NAMED |= {"starved": starved, "memory": memory}

if __name__ == "__main__":
    asyncio.run(NAMED.get(sys.argv[1], ends(sys.argv[1]))())
