"""The shop's customers: real HTTP requests, a pause after each so that its findings appear under it."""

from __future__ import annotations

import http.client
import json
import sys
import time
from typing import Any

READY_WITHIN = 15.0
# A dropped task is one that is still there after half a second.
PAUSE = 1.1


class Shop:
    """A client of the demo service."""

    def __init__(self, port: int) -> None:
        self.port = port

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while True:
            try:
                self.request("GET", "/health")
                return
            except OSError:
                if time.monotonic() > deadline:
                    sys.exit(f"drive: the service did not answer within {READY_WITHIN:.0f} s")
                time.sleep(0.05)

    def request(self, method: str, path: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def show(self, method: str, path: str, pause: float = 0.0) -> None:
        began = time.monotonic()
        status, body = self.request(method, path)
        elapsed = 1000 * (time.monotonic() - began)
        print(f"\n> {method} {path}\n< {status} {json.dumps(body)} ({elapsed:.0f} ms)", flush=True)
        if status >= 400:
            sys.exit(f"drive: {method} {path} was answered with {status}")
        time.sleep(pause)


def main() -> None:
    shop = Shop(int(sys.argv[1]))
    shop.wait_until_ready()
    shop.show("POST", "/orders?item=scarf&cents=1999")
    shop.show("GET", "/orders")
    for method, path in (
        ("POST", "/orders/1/pay"),
        ("POST", "/orders/1/ship"),
        ("GET", "/orders/1/suggestions"),
        ("POST", "/orders/1/cancel"),
        ("POST", "/orders/1/invoice"),
    ):
        shop.show(method, path, PAUSE)
    shop.show("GET", "/health", pause=1.0)


if __name__ == "__main__":
    main()
