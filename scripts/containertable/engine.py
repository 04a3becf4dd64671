"""The container engine, by its command-line client."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

CLIENT = shlex.split(os.environ.get("DOCKER", "docker"))
PATIENCE = 60.0
NAME = f"asyncwatch-table-{uuid.uuid4().hex[:6]}"


class Failed(Exception):
    """What the engine, or a container, did not do; the text is a sentence."""


def docker(*words: str, check: bool = True, timeout: float = PATIENCE, **more: Any) -> subprocess.CompletedProcess[str]:
    """One command of the client.

    Raises:
        Failed: it said no, or nothing for so long.
    """
    command = [*CLIENT, *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **more)
    except FileNotFoundError:
        raise Failed(f"there is no {CLIENT[0]} here; install Docker, or name the client with DOCKER=…") from None
    except subprocess.TimeoutExpired:
        raise Failed(f"{words[0]} took longer than {timeout:.0f} s") from None
    if check and done.returncode:
        raise Failed(f"{' '.join(words[:2])}: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return done


def until(
    what: str,
    holds: Callable[[], bool],
    patience: float = PATIENCE,
    runs: Callable[[], bool] = lambda: True,
    last_word: Callable[[], str] = lambda: "no word",
) -> None:
    """Wait until something holds, while something runs.

    Raises:
        Failed: it ended, or took longer.
    """
    end = time.monotonic() + patience
    while not holds():
        ended = not runs()
        if (ended and not holds()) or time.monotonic() > end:
            raise Failed(f"{'ended, and was ' if ended else ''}never {what}: {last_word()}")
        time.sleep(0.1)


class Engine:
    """What one run of the table makes, under names of its own, and removes again."""

    def __init__(self) -> None:
        self.version = docker("version", "--format", "{{.Server.Version}}").stdout.strip()
        self._volumes: list[str] = []
        self._number = 0
        self._lock = threading.Lock()

    def build(self, name: str, folder: Path, dockerfile: str | None = None) -> str:
        """Build an image from a folder, by its own Dockerfile or this text; returns its name."""
        tag = f"{NAME}-{name}"
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary, "Dockerfile") if dockerfile is not None else folder / "Dockerfile"
            if dockerfile is not None:
                path.write_text(dockerfile)
            # Inside the build pip wants the network, which not every engine has for it by itself.
            docker("build", "-q", "--network", "host", "-t", tag, "-f", str(path), str(folder), timeout=900)
        return tag

    def volume(self) -> str:
        name = f"{NAME}-{len(self._volumes)}"
        docker("volume", "create", name)
        self._volumes.append(name)
        return name

    def start(self, image: str, *words: str, options: Sequence[str] = ()) -> Container:
        """Start one; nobody is attached."""
        name = self._name()
        docker("run", "-d", "--name", name, "--network", "none", *options, image, *words)
        return Container(name)

    def attach(self, image: str, *words: str, options: Sequence[str] = ()) -> Attached:
        """Start one and take its output byte for byte, which the engine's own log does not keep."""
        return Attached(self._name(), [*options, image, *words])

    def _name(self) -> str:
        with self._lock:
            self._number += 1
            return f"{NAME}-run-{self._number}"

    def remove(self) -> None:
        left = docker("ps", "-aq", "--filter", f"name={NAME}", check=False).stdout.split()
        if left:
            docker("rm", "-f", *left, check=False)
        if self._volumes:
            docker("volume", "rm", *self._volumes, check=False)
        named = ("--filter", f"reference={NAME}-*", "--format", "{{.Repository}}")
        images = docker("images", *named, check=False).stdout.split()
        if images:
            docker("rmi", *images, check=False)


class Container:
    """One that was started."""

    def __init__(self, name: str) -> None:
        self.name = name

    def until(self, what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait until it is so.

        Raises:
            Failed: it ended, or took longer.
        """
        until(what, holds, patience, self.running, self._last_word)

    def _last_word(self) -> str:
        out, err = self.logs()
        return ((err or out).strip().splitlines() or [b"no word"])[-1].decode(errors="replace")[:150]

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(docker("inspect", "-f", "{{json .State}}", self.name).stdout)
        return found

    def running(self) -> bool:
        return bool(self.state()["Running"])

    def logs(self) -> tuple[bytes, bytes]:
        """What it has written to standard output and standard error."""
        done = subprocess.run([*CLIENT, "logs", self.name], capture_output=True, timeout=PATIENCE, check=False)
        return done.stdout, done.stderr

    def signal(self, name: str) -> None:
        docker("kill", "-s", name, self.name, check=False)

    def wait(self) -> int:
        return int(docker("wait", self.name).stdout)

    def remove(self) -> None:
        docker("rm", "-f", "-v", self.name, check=False)


class Attached(Container):
    """One whose output comes here."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        super().__init__(name)
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        command = [*CLIENT, "run", "--name", name, "--network", "none", *words]
        self._client = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err)

    def running(self) -> bool:
        return self._client.poll() is None

    def logs(self) -> tuple[bytes, bytes]:
        out, err = (self._all(file) for file in (self._out, self._err))
        return out, b"".join(line for line in err.splitlines(True) if not line.startswith(b"WARNING: "))

    def _all(self, file: Any) -> bytes:
        # Not by its position, which is the client's, too.
        found: bytes = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
        return found

    def wait(self) -> int:
        try:
            self._client.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("did not end") from None
        return int(self.state()["ExitCode"])

    def remove(self) -> None:
        super().remove()
        self._client.wait(PATIENCE)
        self._out.close()
        self._err.close()


def lines(text: bytes) -> list[dict[str, Any]]:
    """The findings in a log."""
    return [json.loads(line) for line in text.splitlines() if line.startswith(b'{"timestamp": ')]
