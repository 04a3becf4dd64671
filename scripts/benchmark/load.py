"""An HTTP load generator: a few connections that each send the same request again as soon as it is answered."""

from __future__ import annotations

import re
import selectors
import socket
import time

CONNECTIONS = 8
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Connection:
    """One client."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = request
        self.buffer = b""

    def ask(self) -> None:
        self.socket.sendall(self.request)

    def answered(self) -> bool:
        """Read; whether a whole answer is there. Raises RuntimeError when it is no good one."""
        data = self.socket.recv(65536)
        self.buffer += data
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if not data or (gap and not head.startswith(b"HTTP/1.1 200")):
            raise RuntimeError(f"the server answered {self.buffer[:200]!r}")
        length = LENGTH.search(head) if gap else None
        if length is None or len(body) < int(length[1]):
            return False
        self.buffer = b""
        return True


def drive(port: int, path: str, seconds: float) -> int:
    """Load the server for a while; returns the number of requests it answered."""
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    answered = 0
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        clients = [Connection(port, request) for _ in range(CONNECTIONS)]
        waiting = len(clients)
        for client in clients:
            selector.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        while waiting:
            ready = selector.select(timeout=30)
            if not ready:
                raise RuntimeError("the server has not answered for 30 s")
            for key, _ in ready:
                if not key.data.answered():
                    continue
                answered += 1
                if time.monotonic() < end:
                    key.data.ask()
                else:
                    waiting -= 1
        for client in clients:
            client.socket.close()
    return answered
