"""`asyncwatch tail FILE…`: what other processes find, shown as they write it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from asyncwatch import records
from asyncwatch.cli.follow import Followed
from asyncwatch.cli.launch import complain
from asyncwatch.cli.options import Command, words
from asyncwatch.cli.shown import Shown
from asyncwatch.config import ConfigError
from asyncwatch.findings import LEVELS
from asyncwatch.frames import plain

USAGE = "expected: tail FILE… [--format console|json] [--level info|warning|error], where - is standard input"
# Seconds between two looks at files that have not grown.
PERIOD = 0.25


def run(command: Command) -> int:
    """Show what is there, then what comes, until a signal; standard input to its end.

    Raises:
        ConfigError: a wrong command line, or a file that is there and cannot be read.
    """
    given, names = words(command, ("--format", "--level"), USAGE)
    form = given.get("--format", command.settings.get("format", "auto"))
    level = given.get("--level", command.settings.get("level"))
    if form not in ("auto", "console", "json") or level not in (None, *LEVELS):
        raise ConfigError(f"{form if level in (None, *LEVELS) else level!r} is not valid, {USAGE}")
    if not names:
        raise ConfigError(f"no file given, {USAGE}")
    if "-" in names and len(names) > 1:
        raise ConfigError(f"standard input is followed alone, {USAGE}")
    console = form == "console" or (form == "auto" and sys.stdout.isatty())
    shown = Shown(console=console, level=LEVELS[level or ("warning" if console else "info")], many=len(names) > 1)
    # The process 1 of a container is not ended by a signal that it does not handle.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    if names == ["-"]:
        for line in iter(lambda: sys.stdin.buffer.readline(records.LONGEST), b""):
            shown.show("standard input", line)
        return 0
    _follow([Followed(name) for name in names], shown)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _follow(files: Sequence[Followed], shown: Shown) -> NoReturn:
    missing = [file.name for file in files if not os.path.exists(file.name)]
    if missing:
        complain(f"waiting for {plain(', '.join(missing))}")
    while True:
        for file in files:
            try:
                for line in file.lines():
                    shown.show(file.name, line)
            except OSError as error:
                raise ConfigError(f"cannot read {file.name!r}: {error.strerror or error}") from None
        time.sleep(PERIOD)
