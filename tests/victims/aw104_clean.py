"""Whose blocking is nobody's fault: asyncio's own, imports, logging, tracebacks, a thread's start, a pool's end."""
# options: --extend-select AW104 --slow-callback-duration 5

import asyncio
import concurrent.futures
import importlib
import logging
import logging.handlers
import shutil
import sys
import tempfile
import threading
import time
import traceback
import warnings
from pathlib import Path

import _loop

FOLDER = Path(tempfile.mkdtemp())
(FOLDER / "shop_settings.py").write_text(
    "import pathlib, time\ntime.sleep(0.001)\nTEXT = pathlib.Path(__file__).read_text()\n"
)
sys.path.insert(0, str(FOLDER))
log = logging.getLogger("shop")
log.addHandler(logging.FileHandler(FOLDER / "log"))
log.addHandler(logging.handlers.RotatingFileHandler(FOLDER / "rotating", maxBytes=10, backupCount=2))
log.propagate = False


async def imports():
    import shop_settings

    importlib.reload(shop_settings)
    import xml.dom.minidom

    return shop_settings, xml


async def logs():
    for number in range(3):
        log.warning("order %s", number)
    try:
        raise ValueError
    except ValueError:
        log.exception("failed")
        traceback.format_exc()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)


async def threads():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*(loop.run_in_executor(pool, time.sleep, 0.001) for _ in range(4)))
    threading.Thread(target=int, daemon=True).start()
    await asyncio.to_thread(Path(FOLDER, "log").read_text)


async def serve(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


async def servers():
    path = FOLDER / "socket"
    for _ in range(2):
        async with await asyncio.start_unix_server(serve, path):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"line\n")
            await reader.readline()
            writer.close()
            await writer.wait_closed()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"line\n")
        await reader.readline()
        writer.close()
        await writer.wait_closed()


async def datagrams():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    transport.sendto(b"x", transport.get_extra_info("sockname"))
    await asyncio.sleep(0.01)
    transport.close()


async def children():
    child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    out, _ = await child.communicate(b"text")
    return out


async def waits():
    queue, event = asyncio.Queue(), asyncio.Event()
    queue.put_nowait(1)
    await queue.get()
    event.set()
    await event.wait()
    async with asyncio.timeout(1), asyncio.Semaphore(1), asyncio.Lock():
        await asyncio.sleep(0)


async def main():
    for healthy in (imports(), logs(), threads(), servers(), datagrams(), children(), waits()):
        await healthy


# Blocking outside of a loop, and in a thread, is what they are for.
time.sleep(0.001)
_loop.run(main())
assert "failed" in Path(FOLDER, "log").read_text()
shutil.rmtree(FOLDER)
print("ended")
