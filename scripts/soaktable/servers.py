"""A Redis and a PostgreSQL of our own, on free ports and in a temporary folder, gone at the end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 30.0


class Cannot(Exception):
    """Why there are no servers, in one sentence that says what to do."""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="asyncwatch-soak-") as name:
        os.chmod(name, 0o755)  # PostgreSQL may run as another user
        yield Path(name)


@contextlib.contextmanager
def running(command: list[str], home: Path, port: int, how: int, **more: object) -> Iterator[None]:
    """A server that listens at a port; ended by the signal `how`."""
    with open(home / "log", "ab") as log:
        process = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **more)  # type: ignore[call-overload]
    try:
        wait_for(process, port, home / "log")
        yield
    finally:
        process.send_signal(how)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    words = (log.read_text(errors="replace").splitlines() or ["it said nothing"])[-1]
    raise Cannot(f"{process.args[0]} did not start ({words}); mend that, or name a running one with its URL")  # type: ignore[index]


@contextlib.contextmanager
def redis(url: str | None) -> Iterator[str]:
    """The URL of a Redis: the one given, else of one started here."""
    if url:
        yield url
        return
    program = shutil.which("redis-server")
    if program is None:
        raise Cannot("there is no redis-server on the PATH; install it (Debian: redis-server) or give --redis URL")
    with folder() as home:
        port = free_port()
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with running([program, *options], home, port, signal.SIGTERM):
            yield f"redis://127.0.0.1:{port}"


def postgres_programs() -> Path:
    """Where `initdb` and `postgres` are; Debian keeps them off the PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")  # may be a wrapper of somebody's: the distribution's own folder comes first
    if found:
        places.append(Path(found).parent)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise Cannot("there is no PostgreSQL server here; install it (Debian: postgresql) or give --postgres URL")


@contextlib.contextmanager
def postgres(url: str | None) -> Iterator[str]:
    """The URL of a PostgreSQL: the one given, else of one started here; it refuses to run as the superuser."""
    if url:
        yield url
        return
    programs = postgres_programs()
    user = {}
    if os.geteuid() == 0:
        try:
            account = pwd.getpwnam("postgres")
        except KeyError:
            raise Cannot("PostgreSQL does not run as root and there is no user postgres; give --postgres URL") from None
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    with folder() as home:
        if user:
            os.chown(home, user["user"], user["group"])
        make = [str(programs / "initdb"), "-D", str(home / "data"), "-A", "trust", "-N", "-U", "soak", "-E", "UTF8"]
        made = subprocess.run([*make, "--locale=C"], cwd=home, capture_output=True, text=True, check=False, **user)
        if made.returncode != 0:
            raise Cannot(f"initdb failed: {(made.stderr.splitlines() or ['without a word'])[-1]}")
        port = free_port()
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [str(programs / "postgres"), "-D", str(home / "data"), *options]
        with running(command, home, port, signal.SIGINT, **user):
            yield f"postgresql://soak@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def upstream() -> Iterator[str]:
    """The service that the soaked one calls."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("upstream.py")), str(port)]
    with folder() as home, running(command, home, port, signal.SIGTERM):
        yield f"http://127.0.0.1:{port}"
