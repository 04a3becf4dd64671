"""Programs of real frameworks, with one planted fault of each rule: found at its line, and nothing else said."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "frameworks"
MARK = re.compile(r"# (AW\d{3})$")
MARKED = {
    (found.group(1), number)
    for number, line in enumerate((HERE / "faults.py").read_text().splitlines(), 1)
    if (found := MARK.search(line))
}
PATHS = ("healthy", "block", "drop", "orphan", "unasked", "forget", "callback", "leave", "healthy")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def get(port: int, path: str, patience: float = 30.0) -> None:
    """One request, patient while the server starts."""
    end = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
                assert answer.status == 200
                return
        except (ConnectionError, urllib.error.URLError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def commands(port: int) -> dict[str, list[str]]:
    return {
        "fastapi-uvloop": ["uvicorn", "fastapi_app:app", "--port", str(port), "--loop", "uvloop"],
        "fastapi-asyncio": ["uvicorn", "fastapi_app:app", "--port", str(port), "--loop", "asyncio"],
        "aiohttp": ["aiohttp_app.py", str(port)],
        "streams": ["streams_app.py", str(port)],
    }


@pytest.mark.parametrize("profile", ["light", "debug"])
@pytest.mark.parametrize("name", list(commands(0)))
def test_each_planted_fault_is_found_at_its_line_and_nothing_else(tmp_path: Path, name: str, profile: str) -> None:
    """Warnings and errors in the application's files are exactly the marked lines; the server stops as it would."""
    pytest.importorskip(name.partition("-")[0] if name != "streams" else "asyncio")
    port, output = free_port(), tmp_path / "findings.jsonl"
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ASYNCWATCH")}
    command = [sys.executable, "-m", "asyncwatch", "--profile", profile, "--output", str(output), *commands(port)[name]]
    with subprocess.Popen(command, cwd=HERE, env=environ, stderr=subprocess.PIPE, text=True) as server:
        try:
            for path in PATHS:
                get(port, path)
            time.sleep(1.3)  # an unheld task is said when it is half a second old
            # uvicorn raises SIGTERM at itself inside its loop, which then is never shut down; after SIGINT it is.
            server.send_signal(signal.SIGINT if "fastapi" in name else signal.SIGTERM)
            stderr = server.communicate(timeout=60)[1]
        finally:
            server.kill()
    assert server.returncode in (0, -signal.SIGINT), stderr
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    # On a busy machine a step may be late for want of a CPU, which is told as info and is nobody's line.
    lines = [line for line in lines if line["evidence"].get("cause") != "starved"]
    assert lines[0]["code"] == "AW000"
    assert lines[-1]["code"] == "AW099"
    app = [line for line in lines if line.get("where", {}).get("file", "").startswith(str(HERE))]
    found = {(line["code"], line["where"]["line"]) for line in app if Path(line["where"]["file"]).name == "faults.py"}
    assert found - MARKED == set(), "false alarm"
    assert MARKED - found == set(), "missed alarm"
    assert not [line for line in lines if line["level"] != "info" and line not in app and line["code"] != "AW000"]
    assert "never retrieved" not in stderr
    assert "never awaited" not in stderr
