"""The ways a program is run in: bare, under asyncwatch, in Python's own debug modes, under the peers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DEBUG = {"PYTHONASYNCIODEBUG": "1"}
DEV = {**DEBUG, "PYTHONDEVMODE": "1"}
WATCH = ("-m", "asyncwatch", "--output", os.devnull, "--profile")
PEERS = ("aiodebug", "aiocop", "blockbuster", "pyleak", "loopsentry", "aiomonitor")


@dataclass(frozen=True)
class Way:
    """An interpreter, what stands before the program, and what is in its environment."""

    name: str
    python: str = sys.executable
    before: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    peer: bool = False

    def start(self, loop: str) -> Worker:
        program = [str(HERE / "peer.py"), loop, self.name] if self.peer else [str(HERE / "worker.py"), loop]
        return Worker([self.python, *self.before, *program], self.settings)


OURS = (
    Way("bare"),
    Way("light", before=(*WATCH, "light")),
    Way("debug", before=(*WATCH, "debug")),
    Way("asyncio debug", settings=DEBUG),
    Way("dev mode", settings=DEV),
)


def other(source: str | None) -> tuple[Way, ...]:
    """Another checkout, beside this one."""
    if source is None:
        return ()
    return tuple(
        Way(f"other {profile}", before=(*WATCH, profile), settings={"PYTHONPATH": source})
        for profile in ("light", "debug")
    )


def peers(python: str | None) -> tuple[Way, ...]:
    """Those that an environment has."""
    if python is None:
        return ()
    ask = f"import importlib.util as u; print(*[p for p in {PEERS} if u.find_spec(p)])"
    found = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    return tuple(Way(name, python, peer=True) for name in found)


def clean_environment(settings: dict[str, str]) -> dict[str, str]:
    """Ours without what changes how Python or asyncwatch behaves, but for where its modules are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCWATCH", "PYTHON"))}
    if "PYTHONPATH" in os.environ:
        kept["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return {**kept, **settings}


class Broken(Exception):
    """A process that ended before it answered."""


class Worker:
    """A measuring process."""

    def __init__(self, command: list[str], settings: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=clean_environment(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    def read(self) -> Any:
        """Its next answer. Raises Broken."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Broken(f"ended with status {self.process.wait()}")
        return json.loads(line)

    def tell(self, what: object) -> None:
        """Raises Broken."""
        assert self.process.stdin is not None
        try:
            print(json.dumps(what), file=self.process.stdin, flush=True)
        except OSError as error:
            raise Broken("ended") from error

    def close(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:
                pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def close_all(workers: Iterable[Worker]) -> None:
    for worker in workers:
        worker.close()
