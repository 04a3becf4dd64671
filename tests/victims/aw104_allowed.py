"""What the user allows is silent, by call and place; the same elsewhere is not."""
# options: --extend-select AW104 --slow-callback-duration 5 --allow-blocking time.sleep:__main__.legacy,open:*/templates/*,socket.getaddrinfo

import asyncio
import shutil
import socket
import tempfile
import time
from pathlib import Path

import _loop

FOLDER = Path(tempfile.mkdtemp())
(FOLDER / "templates").mkdir()
for name in ("templates/page", "page"):
    (FOLDER / name).touch()


def legacy():
    time.sleep(0.001)
    pause()


def pause():
    time.sleep(0.001)  # AW104


def read(path):
    open(path).close()  # AW104


async def main():
    legacy()
    pause()
    read(FOLDER / "templates" / "page")
    read(FOLDER / "page")
    open(FOLDER / "templates" / "page").close()
    socket.getaddrinfo("localhost", 80)
    await asyncio.sleep(0)


_loop.run(main())
shutil.rmtree(FOLDER)
print("ended")
