"""What the programs in this folder share: the loop, the length of the block and the measure of what it took.

Each program does the same work twice: `healthy` as it should be done, `guilty` with one marked line that holds the
loop, as in `# AW101 gil`. The word is the cause: `code` (it waits, or computes and lets other threads run), `gil`
(native code that lets none run), `gc` (an automatic collection), `starved` (the machine gave no CPU; the line is only
the one that was running then). The last line of the output says how long the marked line really took, and for how
much of that its thread was ready to run and had no CPU: on a busy machine that is a cause of its own.

A program's arguments are the loop (`asyncio` or `uvloop`).
"""

import asyncio
import gc
import json
import os
import socket
import sys
import threading
import time

LENGTH = 0.3
# Longer than the threshold as well: the healthy way of waiting must stay silent.
HEALTHY = 0.13
SLICE = 1 / 20
ENOUGH = 0.02
MOST_CYCLES = 4_000_000

LOOP = sys.argv[1] if len(sys.argv) > 1 else "asyncio"


try:
    # Opened once, so that the measure itself does no more than one system call: the main thread's counts.
    _schedstat = os.open("/proc/self/schedstat", os.O_RDONLY)
except OSError:
    _schedstat = None


def without_cpu():
    """Seconds that the main thread has waited for a CPU so far, where the system counts them."""
    return 0.0 if _schedstat is None else int(os.pread(_schedstat, 100, 0).split()[1]) / 1e9


class _Held:
    """`with held:` around the guilty line, and nothing else."""

    seconds = waited = 0.0

    def __enter__(self):
        self.waited = without_cpu()
        self.began = time.monotonic()

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.waited = without_cpu() - self.waited


held = _Held()


def factory():
    if LOOP == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


async def _both(healthy, guilty):
    await healthy()
    await asyncio.sleep(0.05)
    # A task of its own, so that whoever can only name a task names the right one.
    await asyncio.create_task(guilty())
    await asyncio.sleep(0.05)


def run(healthy, guilty):
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_both(healthy, guilty))


def report():
    print(json.dumps({"held": held.seconds, "waited": held.waited}), flush=True)


def main(healthy, guilty):
    run(healthy, guilty)
    report()


def seconds(work, *args):
    began = time.monotonic()
    work(*args)
    return time.monotonic() - began


def sizes(build, work, size=1):
    """Inputs for `work`: a twentieth of the block's length, and all of it. The time must grow with the size.

    Found before any loop runs, since finding it takes as long as a stall. The collector is told to leave the inputs
    alone: its pauses are a row of their own.
    """
    gc.disable()
    while True:
        # The better of two: something else may take the CPU from one of them. Each has an input of its own, which
        # the work may use up or keep its result in.
        took = min(seconds(work, build(size)) for _ in range(2))
        if took >= ENOUGH:
            break
        size *= 2 if took > ENOUGH / 8 else 8
    whole = size * LENGTH / took
    found = build(max(1, int(whole * SLICE))), build(max(1, int(whole)))
    gc.freeze()
    gc.enable()
    return found


def cycles(count):
    """Garbage that only the collector can clear away."""
    for _ in range(count):
        cycle = []
        cycle.append(cycle)


def cycles_for_block():
    """How many of them keep the collector busy for the block's length; it is switched off from here on."""
    gc.disable()
    gc.collect()
    without = min(seconds(gc.collect) for _ in range(3))
    took = []
    for _ in range(3):  # the best of three: something else may take the CPU from one of them
        cycles(50_000)
        took.append(seconds(gc.collect) - without)
    return min(MOST_CYCLES, int(50_000 * LENGTH / max(min(took), 1e-3)))


async def sliced(work, *args):
    """The healthy way of native code that holds the GIL, for which a thread is no help: little by little."""
    for _ in range(5):
        work(*args)
        await asyncio.sleep(0)


def later(action, *args, seconds=LENGTH):
    """Do it in another thread, when the block is to end."""
    timer = threading.Timer(seconds, action, args)
    timer.daemon = True
    timer.start()
    return timer


def slow_server(requests=1):
    """A server in a thread that keeps every request waiting; returns its port."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(requests):
            client, _address = server.accept()
            client.recv(65536)
            time.sleep(LENGTH)
            client.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
            client.close()
        server.close()

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]
