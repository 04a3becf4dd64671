"""One cell: a real process and its children, started, put to work, ended by a signal; what came of it."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kinds

APPS = Path(__file__).parent / "apps"
PATIENCE = 40.0
# What the two lines say of each worker is written within this many seconds of the work.
JUDGED = 5.0


class Failed(Exception):
    """The program did not do what it does; the text is what."""


@dataclasses.dataclass
class Outcome:
    """What one run left behind."""

    status: int
    out: str
    err: str
    lines: list[dict[str, Any]]
    workers: set[int]  # those that did the work that is known to block
    killed: set[int]  # those that were ended with -9
    left: list[int]  # processes that were still there afterwards


class Process:
    """A process in a session of its own, so that its children are known by it."""

    def __init__(self, row: kinds.Row, command: list[str], environ: dict[str, str], folder: Path) -> None:
        self.row, self.folder, self.environ = row, folder, environ
        self.out, self.err = folder / "stdout", folder / "stderr"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            stdin = subprocess.PIPE if row.stdin else subprocess.DEVNULL
            self.popen = subprocess.Popen(
                command, cwd=folder, env=environ, stdin=stdin, stdout=out, stderr=err, start_new_session=True
            )
        if row.stdin:
            assert self.popen.stdin is not None
            self.popen.stdin.write(row.stdin.encode())
            self.popen.stdin.close()
        self.workers: set[int] = set()
        self.killed: set[int] = set()

    def until(self, what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
        end = time.monotonic() + patience
        while not holds():
            if time.monotonic() > end:
                raise Failed(f"not {what}: {(self.err.read_text().splitlines() or ['no word'])[-1][:150]}")
            if self.popen.poll() is not None:
                raise Failed(
                    f"ended, and was not {what}: {(self.err.read_text().splitlines() or ['no word'])[-1][:150]}"
                )
            time.sleep(0.05)

    def end(self, number: int) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(number)

    def alive(self) -> list[int]:
        """The processes of its session."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == self.popen.pid and fields[0] != "Z":
                found.append(int(pid))
        return found


def run(row: kinds.Row, python: str, start: list[str], environ: dict[str, str], folder: Path) -> Outcome:
    """Run it to its end.

    Raises:
        Failed: it did not start, work or end as it does.
    """
    port = free_port()
    names = {"port": str(port), "connection": str(folder / "connection.json")}
    words = [word.format(**names) if "{" in word else word for word in row.words]
    process = Process(row, [python, *start, *words], environ, folder)
    try:
        WORK[row.kind](process, port, python)
        status = process.popen.wait(PATIENCE)
        gone = time.monotonic() + 5
        while process.alive() and time.monotonic() < gone:
            time.sleep(0.05)
        left = process.alive()
    except subprocess.TimeoutExpired:
        raise Failed("did not end") from None
    finally:
        for pid in process.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.popen.wait()
    lines = list(read_lines(folder))
    texts = (path.read_text(errors="replace") for path in (process.out, process.err))
    return Outcome(status, *texts, lines, process.workers, process.killed, left)


def read_lines(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / "findings"
    for line in path.read_text().splitlines() if path.exists() else ():
        yield json.loads(line)


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
    return port


# -- what the kinds do --


def serve(process: Process, port: int, python: str) -> None:
    row = process.row
    process.until("ready", lambda: ask(port, "/") is not None)
    meet_all(process, port)
    if row.signal in ("HUP", "KILL"):
        before = set(process.workers)
        if row.signal == "KILL":
            victim = min(before)
            wait_for_verdict(process, victim)
            os.kill(victim, signal.SIGKILL)
            process.killed.add(victim)
            lost = {victim}
        else:
            process.end(signal.SIGHUP)
            lost = before
        if row.signal == "HUP" and row.what.startswith(("granian", "hypercorn")):  # whose workers are not replaced
            process.until("serving again", lambda: ask(port, "/") is not None)
        else:
            process.until("serving with new workers", lambda: len(workers_now(process, port) - lost) == row.workers)
    process.end(signal.SIGINT if row.signal == "INT" else signal.SIGTERM)


def meet_all(process: Process, port: int) -> None:
    process.until("answering in all workers", lambda: len(workers_now(process, port)) >= process.row.workers)


def workers_now(process: Process, port: int) -> set[int]:
    """The workers that answer to a few requests, each of which blocks the one that it meets."""
    found = {pid for pid in (ask(port, "/slow") for _ in range(6)) if pid}
    process.workers |= found
    return found


def ask(port: int, path: str) -> int | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.read())
    except (OSError, ValueError):
        return None


def wait_for_verdict(process: Process, pid: int) -> None:
    """Where it is watched: a worker that dies by -9 has said by then what it saw."""
    end = time.monotonic() + JUDGED
    path = process.folder / "findings"
    while path.exists() and time.monotonic() < end:
        if any(line["pid"] == pid and line["code"] == "AW101" for line in read_lines(process.folder)):
            return
        time.sleep(0.05)


def queue(process: Process, port: int, python: str) -> None:
    module = next(word for word in process.row.words if word.startswith("jobs_") or "jobs_" in word)
    module = module.partition(":")[0].partition(".")[0]
    environ = {name: value for name, value in process.environ.items() if not name.startswith("ASYNCWATCH")}
    began = time.monotonic()
    send = [python, "-c", f"import {module}; {module}.send()"]
    sent = 0.0

    def worked() -> bool:
        nonlocal sent
        if time.monotonic() > sent + 4 and time.monotonic() > began + 1:
            sending = subprocess.run(send, cwd=process.folder, env=environ, capture_output=True, text=True, check=False)
            if sending.returncode:
                raise Failed(f"sending: {sending.stderr.splitlines()[-1]}")
            sent = time.monotonic()
        process.workers = done(process)
        return len(process.workers) >= process.row.workers

    process.until("working", worked)
    time.sleep(0.5)
    process.end(signal.SIGTERM)


def done(process: Process) -> set[int]:
    return {int(name) for name in os.listdir(process.environ["DONE"])}


def program(process: Process, port: int, python: str) -> None:
    process.popen.wait(PATIENCE)
    process.workers = done(process)


def kernel(process: Process, port: int, python: str) -> None:
    client = "import sys, jupyter_client as j; c = j.BlockingKernelClient(connection_file=sys.argv[1]); \
c.load_connection_file(); c.start_channels(); c.wait_for_ready(30); \
c.execute_interactive('import time, work; time.sleep(0.25); work.done()', timeout=30)"
    path = process.folder / "connection.json"
    process.until("listening", path.exists)
    command = [python, "-c", client, str(path)]
    asked = subprocess.run(command, cwd=process.folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if asked.returncode:
        raise Failed(f"asking: {asked.stderr.splitlines()[-1]}")
    process.workers = done(process)
    process.end(signal.SIGTERM)


WORK: dict[str, Callable[[Process, int, str], None]] = {
    "server": serve,
    "queue": queue,
    "program": program,
    "kernel": kernel,
}

if sys.platform != "linux":
    raise SystemExit("scripts/servers looks into /proc: Linux only")
