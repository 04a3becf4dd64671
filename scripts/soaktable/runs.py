"""One life of the service: started, driven in phases, looked into between them, ended by a signal."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from servers import free_port

HERE = Path(__file__).resolve().parent
SERVICE = HERE.parent / "soak_service"
READY_WITHIN = 40.0
STOP_WITHIN = 40.0
# A pause after each load, longer than what counts as stuck: what an hour's pauses would show, compressed as well.
QUIET_AFTER = 5.0
# Half a minute of being stuck becomes three seconds, a thousand tasks of one line two hundred.
COMPRESSED = ("--stuck-after", "3", "--pileup", "200", "--cancel-grace", "1")


@dataclasses.dataclass
class Run:
    """What is to be run, and what came of it. `profile` is None for the bare service."""

    profile: str | None
    loop: str
    requests: int
    seconds: float
    leak: str = ""
    phases: int = 4
    rate: float = 0.0
    probes: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    drives: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    said: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    status: int | None = None
    errors: str = ""

    @property
    def name(self) -> str:
        return self.leak or "healthy"

    @property
    def asked(self) -> int:
        return sum(drive["requests"] for drive in self.drives)

    @property
    def took(self) -> float:
        return float(sum(drive["seconds"] for drive in self.drives))

    @property
    def wrong(self) -> list[str]:
        """What the clients did not expect."""
        return [f"{what} ({count} times)" for drive in self.drives for what, count in drive["wrong"].items()]


def command(run: Run, port: int, output: Path) -> list[str]:
    server = ["uvicorn", "app:app", "--host", "127.0.0.1", "--port", str(port), "--loop", run.loop]
    server += ["--no-access-log", "--timeout-graceful-shutdown", "3"]
    if run.profile is None:
        return [sys.executable, "-m", *server]
    watch = ["-m", "asyncwatch", "--profile", run.profile, "--format", "json", "--output", str(output), *COMPRESSED]
    return [sys.executable, *watch, *server]


def ask(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
        return json.load(answer)


def wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            ask(port, "/health")
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the service did not begin to answer")


def drive(run: Run, port: int) -> dict[str, Any]:
    numbers = {"port": port, "seed": 7 + len(run.drives), "rate": run.rate}
    numbers |= {"requests": max(1, run.requests // run.phases), "seconds": run.seconds / run.phases}
    words = [word for name, value in numbers.items() for word in (f"--{name}", str(value))]
    own = [sys.executable, str(HERE / "driver.py"), *words, "--leak", run.leak]
    done = subprocess.run(own, capture_output=True, text=True, check=False, timeout=run.seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(f"the driver failed: {(done.stderr.splitlines() or ['without a word'])[-1]}")
    return json.loads(done.stdout)


class Behind(NamedTuple):
    """The URLs of what the service uses."""

    redis: str
    postgres: str
    upstream: str


def environment(run: Run, behind: Behind) -> dict[str, str]:
    """This process's own, without what would configure the service in secret."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ASYNCWATCH", "PYTHON"))}
    urls = {f"SOAK_{name.upper()}": url for name, url in behind._asdict().items()}
    return {**clean, **urls, "SOAK_LEAK": run.leak, "PYTHONPATH": str(HERE.parent.parent / "src")}


def live(run: Run, folder: Path, behind: Behind) -> Run:
    """Run the service through all phases to its end; what went wrong is in `errors`."""
    port, output, log = free_port(), folder / "said.jsonl", folder / "service.log"
    streams = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
    with open(log, "wb") as file:
        own = command(run, port, output)
        process = subprocess.Popen(own, cwd=SERVICE, env=environment(run, behind), stdout=file, **streams)  # type: ignore[call-overload]
    try:
        wait_until_ready(process, port)
        for _ in range(run.phases):
            run.drives.append(drive(run, port))
            time.sleep(QUIET_AFTER)
            run.probes.append(ask(port, "/probe"))
        # Containers are stopped by one, people by the other; uvicorn ends its loop differently for each.
        process.send_signal(signal.SIGTERM if run.loop == "uvloop" else signal.SIGINT)
        run.status = process.wait(STOP_WITHIN)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        run.errors = f"{error}; the log's last line: {(log.read_text(errors='replace').splitlines() or ['-'])[-1]}"
    finally:
        process.kill()
        process.wait()
    text = output.read_text() if output.exists() else ""
    run.said = [json.loads(line) for line in text.splitlines()]
    return run
