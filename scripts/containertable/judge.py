"""What is wrong with a container that has ended, beside the same one without us."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine import lines
from rows import Row

APPS = Path(__file__).parent / "apps"
PLANTED = {
    (path.name, number)
    for path in APPS.glob("*.py")
    for number, text in enumerate(path.read_text().splitlines(), 1)
    if "# PLANTED" in text
}
# Ended from outside, or by the processor: nothing can say a last word.
WITHOUT_LAST_WORDS = (137, 139, 143)


@dataclasses.dataclass
class Outcome:
    """What one container left behind."""

    status: int
    out: bytes
    err: bytes
    file: bytes = b""
    oom: bool = False

    @property
    def findings(self) -> list[dict[str, Any]]:
        return lines(self.err) + lines(self.file)

    @property
    def theirs(self) -> list[bytes]:
        """Standard error without our lines and without what differs from run to run."""
        found = [line for line in self.err.splitlines() if not line.startswith(b'{"timestamp": ')]
        return [re.sub(rb"\d+ MB", b"<size>", line) for line in found]


def faults(row: Row, toggle: str, seen: Outcome, bare: Outcome | None) -> list[str]:
    """Sentences; none where all is well. `toggle` is empty for the bare program."""
    watched = toggle in ("light", "debug")
    refused = row.says == "refused" and watched
    status = row.status if row.says != "refused" or refused else 0
    found = [f"status {seen.status}, not {status}"] if seen.status != status else []
    if seen.oom:
        found.append("out of memory")
    if bare is not None and not refused:
        found += manners(row, toggle, seen, bare)
    if watched:
        found += SAYS[row.says](row, seen)
    elif b"asyncwatch" in seen.err or b"AW0" in seen.out + seen.err + seen.file:
        found.append("something of ours was said")
    return found


def manners(row: Row, toggle: str, seen: Outcome, bare: Outcome) -> Iterator[str]:
    """What it must not change."""
    if seen.out != bare.out and row.says != "console":
        yield f"stdout is {len(seen.out)} bytes, not the bare program's {len(bare.out)}"
    if toggle != "debug" and seen.theirs != bare.theirs and row.says not in ("console", "unseen"):
        yield f"stderr is not the bare program's: {[line for line in seen.theirs if line not in bare.theirs][:1]}"


def planted(row: Row, seen: Outcome) -> Iterator[str]:
    """The line is named once as a warning, nothing else is, the first and the last line are there."""
    codes = [line["code"] for line in seen.findings]
    places = [
        (Path(line["where"]["file"]).name, line["where"]["line"]) if "where" in line else None
        for line in seen.findings
        if line["level"] != "info"
    ]
    if not set(places) & PLANTED:
        yield "the line was not found"
    if others := [one for one in places if one not in PLANTED]:
        yield f"a false alarm at {others[0]}"
    if codes.count("AW000") != 1:
        yield f"{codes.count('AW000')} first lines"
    if codes.count("AW099") != (seen.status not in WITHOUT_LAST_WORDS or "uvicorn" in row.name):
        yield f"{codes.count('AW099')} summaries"
    if "AW001" in codes:
        yield "a part of ours failed"
    if any(line["pid"] != 1 for line in seen.findings) and "--init" not in row.options:
        yield "not process 1"


def starved(row: Row, seen: Outcome) -> Iterator[str]:
    """As above, and the steps that got no processor are info."""
    yield from planted(row, seen)
    causes = {
        line["evidence"].get("cause") for line in seen.findings if line["code"] == "AW101" and line["level"] == "info"
    }
    if "starved" not in causes:
        yield "no step was starved"


def console(row: Row, seen: Outcome) -> Iterator[str]:
    if b"AW101 slow-callback" not in seen.out or b"{" in seen.out:
        yield "no text for people"


def nothing(row: Row, seen: Outcome) -> Iterator[str]:
    if [line["code"] for line in seen.findings] != ["AW000", "AW099"]:
        yield "the setting was not read"


def file(row: Row, seen: Outcome) -> Iterator[str]:
    yield from planted(row, seen)
    if lines(seen.err):
        yield "findings on standard error"


def refused(row: Row, seen: Outcome) -> Iterator[str]:
    if seen.out or seen.err.count(b"\n") != 1 or b"ASYNCWATCH_LEVEL: 'loud' is not valid" not in seen.err:
        yield f"not one clear line: {seen.err[:100]!r}"


def unseen(row: Row, seen: Outcome) -> Iterator[str]:
    """No thread can be had: what matters is that the program runs as it does."""
    if b"Traceback" in seen.err:
        yield "our traceback"


SAYS = {"planted": planted, "starved": starved, "console": console, "nothing": nothing, "file": file}
SAYS |= {"refused": refused, "unseen": unseen}
