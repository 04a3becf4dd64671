"""Collectors of all kinds: the real one, and sockets that behave like one that is in trouble."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
processors: {{batch: {{timeout: 100ms}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    logs: {{receivers: [otlp], processors: [batch], exporters: [debug]}}
    metrics: {{receivers: [otlp], processors: [batch], exporters: [debug]}}
"""


class Endpoint:
    """Where findings are sent; `arrived` are the codes that came."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.text = ""

    def arrived(self) -> list[str]:
        # Metrics have the code as well, but not the rule's name.
        return re.findall(r"asyncwatch\.code: Str\((AW\d+)\)\n *-> asyncwatch\.rule", self.text)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def find(given: str | None) -> str | None:
    return given or shutil.which("otelcol") or shutil.which("otelcol-contrib")


@contextlib.contextmanager
def real(program: str, folder: Path) -> Iterator[Endpoint]:
    """The OpenTelemetry Collector itself, what it received as its debug exporter writes it."""
    port = free_port()
    path = folder / "collector.yaml"
    path.write_text(CONFIG.format(port=port))
    with (folder / "collector.log").open("w+") as log:
        process = subprocess.Popen([program, "--config", str(path)], stdout=log, stderr=log)
        try:
            _wait_for(port)
            endpoint = Endpoint(f"http://127.0.0.1:{port}")
            yield endpoint
            time.sleep(1.0)
        finally:
            process.terminate()
            process.wait(20)
        log.seek(0)
        endpoint.text = log.read()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the collector does not listen")


@contextlib.contextmanager
def answering(status: int, after: float = 0.0) -> Iterator[Endpoint]:
    """Answers with a status, so many seconds late; what comes with 200 is decoded."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            time.sleep(after)
            if status == 200 and self.path == "/v1/logs":
                seen.extend(_codes(body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}")
    try:
        yield endpoint
        time.sleep(0.5)
    finally:
        server.shutdown()
        server.server_close()
    endpoint.text = "\n".join(f"-> asyncwatch.code: Str({code})\n-> asyncwatch.rule" for code in seen)


def _codes(body: bytes) -> list[str]:
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest.FromString(body)
    records = [one for source in request.resource_logs for scope in source.scope_logs for one in scope.log_records]
    return [a.value.string_value for one in records for a in one.attributes if a.key == "asyncwatch.code"]


@contextlib.contextmanager
def dead() -> Iterator[Endpoint]:
    """Nobody listens there."""
    yield Endpoint(f"http://127.0.0.1:{free_port()}")


@contextlib.contextmanager
def silent(trickle: bytes = b"") -> Iterator[Endpoint]:
    """Takes connections and never answers, or so slowly that no answer ever ends."""
    kept: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                kept.append(server.accept()[0])

    def drip() -> None:
        while trickle:
            time.sleep(0.5)
            for one in kept:
                with contextlib.suppress(OSError):
                    one.send(trickle)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        threading.Thread(target=drip, daemon=True).start()
        yield Endpoint(f"http://127.0.0.1:{server.getsockname()[1]}")
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    for one in kept:
        one.close()
