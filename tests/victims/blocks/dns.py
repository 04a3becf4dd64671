"""A name looked up with socket.getaddrinfo, and a name server that takes its time.

The name server is a thread of this program. The resolver of the GNU C library is pointed at it through its own
state, which is for each thread; where that has no effect (another C library, names resolved by a service) the
lookup is short and the program says that it could not block.
"""

import asyncio
import contextlib
import ctypes
import json
import socket
import struct
import sys
import threading
import time

import _block

NAME = "slow.example."
# struct __res_state: int retrans, int retry, unsigned long options, int nscount, then the servers' addresses.
NSCOUNT, NSADDR = 8 + ctypes.sizeof(ctypes.c_ulong), 12 + ctypes.sizeof(ctypes.c_ulong)

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))


def serve():
    while True:
        query, address = server.recvfrom(512)
        time.sleep(_block.LENGTH)
        # The query as its own answer: there is no such name.
        server.sendto(query[:2] + b"\x81\x83" + query[4:], address)


def use_server():
    libc = ctypes.CDLL(None)
    libc.__res_init()
    state = libc.__res_state
    state.restype = ctypes.c_void_p
    address = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(server.getsockname()[1]), bytes([127, 0, 0, 1]))
    ctypes.memmove(state() + NSCOUNT, struct.pack("=i", 1), 4)
    ctypes.memmove(state() + NSADDR, address, 16)


def look_up():
    use_server()
    with contextlib.suppress(socket.gaierror):
        socket.getaddrinfo(NAME, 80, socket.AF_INET)


async def healthy():
    await asyncio.to_thread(look_up)


async def guilty():
    use_server()
    with contextlib.suppress(socket.gaierror), _block.held:
        socket.getaddrinfo(NAME, 80, socket.AF_INET)  # AW101 code


if not hasattr(ctypes.CDLL(None), "__res_state"):
    print(json.dumps({"cannot": "this C library's resolver cannot be pointed elsewhere"}))
    sys.exit()
threading.Thread(target=serve, daemon=True).start()
_block.run(healthy, guilty)
if _block.held.seconds < _block.LENGTH / 2:
    print(json.dumps({"cannot": "this machine resolves names in another way"}))
else:
    _block.report()
