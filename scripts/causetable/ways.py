"""Ways to run a program short of CPU. Each is a context manager that gives a function to start it with, or raises
`Cannot` with the reason why this machine does not offer it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

Start = Callable[[Sequence[str], Path], "subprocess.Popen[str]"]
PERIOD = 100_000
BURN = "while True: pass"


class Cannot(Exception):
    """Why a condition could not be made here."""


def popen(command: Sequence[str], folder: Path, **more: object) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCWATCH", "PYTHON"))}
    clean["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent.parent / "src")
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=folder, env=clean, text=True, **streams, **more)  # type: ignore[call-overload, no-any-return]


@contextlib.contextmanager
def plain() -> Iterator[Start]:
    yield popen


@contextlib.contextmanager
def quota(share: float) -> Iterator[Start]:
    """A control group of its own, of either version."""
    first = Path("/sys/fs/cgroup/cpu")
    home, second = (first, False) if first.is_dir() else (Path("/sys/fs/cgroup"), True)
    group = home / f"asyncwatch-causes-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        raise Cannot(f"no control group can be made: {error.strerror}") from None
    try:
        try:
            limit = int(share * PERIOD)
            file, text = ("cpu.max", f"{limit} {PERIOD}") if second else ("cpu.cfs_quota_us", f"{limit}")
            (group / file).write_text(text)
        except OSError as error:
            raise Cannot(f"no quota can be set: {error.strerror}") from None
        enter = ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
        yield lambda command, folder: popen([*enter, *command], folder)
    finally:
        time.sleep(0.2)
        with contextlib.suppress(OSError):
            group.rmdir()


@contextlib.contextmanager
def neighbours(count: int, nice: int) -> Iterator[Start]:
    """Other processes that compute without end."""
    if nice < 0 and os.geteuid() != 0:
        raise Cannot("a negative niceness is the superuser's")
    own = [sys.executable, "-I", "-S", "-c", BURN]
    burning = [subprocess.Popen(["nice", "-n", str(nice), *own]) for _ in range(count)]
    try:
        yield popen
    finally:
        for one in burning:
            one.kill()
            one.wait()


def meanwhile(running: subprocess.Popen[str], stop: Callable[[], object], go_on: Callable[[], object]) -> None:
    """Stop it for 0.2 to 3 seconds at random moments until it has ended."""
    time.sleep(1)
    while running.poll() is None:
        time.sleep(random.uniform(0.05, 0.8))
        if running.poll() is None:
            stop()
            time.sleep(random.choice((0.2, 0.3, 0.5, 1, 3)))
            go_on()


@contextlib.contextmanager
def stopped() -> Iterator[Start]:
    """SIGSTOP and SIGCONT."""

    def start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
        running = popen(command, folder)
        stop, go_on = (lambda number=number: running.send_signal(number) for number in (signal.SIGSTOP, signal.SIGCONT))
        threading.Thread(target=meanwhile, args=(running, stop, go_on), daemon=True).start()
        return running

    yield start


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [os.environ.get("DOCKER", "docker"), *words], capture_output=True, text=True, timeout=60, check=False
    )


@contextlib.contextmanager
def container(*options: str, pauses: bool = False) -> Iterator[Start]:
    """A container of the official image of this Python, the sources and what they need mounted; `pauses` freezes it."""
    image = "python:{}.{}-slim".format(*sys.version_info)
    if shutil.which(os.environ.get("DOCKER", "docker")) is None:
        raise Cannot("there is no docker")
    if docker("image", "inspect", image).returncode != 0:
        raise Cannot(f"no engine that has the image {image}")
    name = f"asyncwatch-causes-{os.getpid()}"

    def start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
        top = Path(__file__).resolve().parent.parent.parent
        # What is installed for this Python serves the same version there.
        installed = sysconfig.get_paths()["platlib"]
        mounts = [word for path in (f"{top}:{top}:ro", f"{installed}:{installed}:ro") for word in ("-v", path)]
        mounts += ["-v", f"{folder}:{folder}", "-e", f"PYTHONPATH={top}/src:{installed}"]
        base = ["run", "--rm", "--name", name, "--network", "host", "-m", "128m", "--read-only", *options, *mounts]
        running = popen([os.environ.get("DOCKER", "docker"), *base, image, "python", *command[1:]], folder)
        if pauses:
            freeze = (lambda: docker("pause", name)), (lambda: docker("unpause", name))
            threading.Thread(target=meanwhile, args=(running, *freeze), daemon=True).start()
        return running

    try:
        yield start
    finally:
        docker("rm", "-f", name)
