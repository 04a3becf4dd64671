"""`asyncwatch baseline RUN…`: what runs have found, as the file that `--baseline` takes."""

from __future__ import annotations

import os
import sys
from typing import Any

from asyncwatch.cli import runs
from asyncwatch.cli.launch import complain
from asyncwatch.cli.options import Command, words
from asyncwatch.config import ConfigError

USAGE = "expected: baseline FILE… [--write FILE], where - is standard input"


def run(command: Command) -> int:
    """Collect the fingerprints of all warnings and errors, from runs' JSON lines and from baselines.

    Raises:
        ConfigError: a file cannot be read or written.
    """
    from asyncwatch import baselines

    given, names = words(command, ("--write",), USAGE)
    found: set[str] = set()
    for name, file in runs.opened(names, USAGE):
        found |= _fingerprints(name, file)
    text = baselines.dump(found)
    if "--write" not in given:
        print(text, end="")
    else:
        _replace(given["--write"], text)
    complain(f"{len(found)} fingerprint{'' if len(found) == 1 else 's'} in the baseline")
    return 0


def _fingerprints(name: str, file: Any) -> set[str]:
    from asyncwatch import baselines, records

    try:
        if baselines.is_listed(file.peek(100)):
            return set(baselines.listed(file.read(baselines.LONGEST)))
        merged = runs.Runs()
        merged.read(name, file)
    except OSError as error:
        raise ConfigError(f"cannot read {name!r}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read the baseline {name!r}: {error}") from None
    for sentence in merged.complaints():
        complain(sentence)
    return records.fingerprints(merged.newest)


def _replace(path: str, text: str) -> None:
    """Write the whole file or none of it: it may be among those that were read."""
    new = f"{path}.{os.getpid()}.new"
    try:
        with open(new, "x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        os.replace(new, path)
    except OSError as error:
        if os.path.lexists(new):
            os.unlink(new)
        raise ConfigError(f"cannot write {path!r}: {error.strerror or error}") from None
    sys.stdout.flush()
