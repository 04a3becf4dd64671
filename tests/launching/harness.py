"""Runs a program twice, under bare Python and under asyncwatch, so that a test can compare what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SRC = str(Path(__file__).resolve().parents[2] / "src")

# -I and -E hide PYTHONPATH, and the tests run without an installed asyncwatch: this is the console script's text.
BOOT = f"import sys; sys.path.append({SRC!r}); from asyncwatch.__main__ import main; main()"

PROFILES = ["off", "light"]


@dataclass(frozen=True)
class Outcome:
    """What a process left behind; `err` is without asyncwatch's own JSON lines."""

    status: int
    out: str
    err: str


def python(
    *args: str, cwd: Path, flags: Sequence[str] = (), env: dict[str, str] | None = None, stdin: str = ""
) -> Outcome:
    """Run the interpreter of the tests."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ASYNCWATCH", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, *flags, *args],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": SRC, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stderr.splitlines(keepends=True)
    err = "".join(line for line in lines if not line.startswith('{"timestamp"'))
    return Outcome(done.returncode, done.stdout, err)


def watched(*args: str, profile: str = "off", cwd: Path, flags: Sequence[str] = (), **kwargs: object) -> Outcome:
    """Run `python -m asyncwatch --profile PROFILE ARGS`; -I and -E start it as a console script would."""
    start = ["-c", BOOT] if {"-I", "-E"} & set(flags) else ["-m", "asyncwatch"]
    return python(*start, "--profile", profile, *args, cwd=cwd, flags=flags, **kwargs)  # type: ignore[arg-type]
