"""What the user has accepted: by an entry of the configuration or by a comment at the line.

Runs in the judge's thread, which may read the program's source.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from asyncwatch.detectors import CODES
from asyncwatch.findings import Finding
from asyncwatch.frames import Frame, source_line
from asyncwatch.ignores import Ignore
from asyncwatch.paths import Patterns

# Places that are remembered; when there are more they are looked up again.
MOST_PLACES = 10_000

_COMMENT = re.compile(r"#\s*asyncwatch:\s*ignore\b(?:\s*\[([^\]]*)\])?", re.I)
_CODE = re.compile(r"AW\d{1,3}")
EXAMPLE = "# asyncwatch: ignore[AW101]"


class Ignores:
    """The entries that hold today, and the comments."""

    def __init__(self, entries: Sequence[Ignore], today: date | None = None) -> None:
        today = today or date.today()
        self._entries = [
            (tuple(entry.codes), Patterns([entry.path]) if entry.path else None)
            for entry in entries
            if not entry.expired(today)
        ]
        # Sentences, for the first line of the run.
        self.expired = tuple(
            f"the ignore of {entry} ended on {entry.until} and no longer holds"
            for entry in entries
            if entry.expired(today)
        )
        self._known: dict[tuple[str, Frame | None], tuple[bool, str]] = {}

    def look(self, finding: Finding) -> tuple[bool, str]:
        """Whether it is accepted; and what is wrong with the comment at its line, if anything is."""
        key = (finding.rule.code, finding.where)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_PLACES:
                self._known.clear()
            found = self._known[key] = self._look(*key)
        return found

    def _look(self, code: str, where: Frame | None) -> tuple[bool, str]:
        if any(
            code.startswith(codes) and (files is None or (where is not None and files.match(where.file)))
            for codes, files in self._entries
        ):
            return True, ""
        return read_comment(source_line(where.file, where.line), code) if where is not None else (False, "")


def read_comment(line: str, code: str) -> tuple[bool, str]:
    """Whether a line of source accepts this code, and what is wrong with its comment."""
    wrong = ""
    for match in _COMMENT.finditer(line):
        words = (match[1] or "").replace(",", " ").upper().split()
        unknown = [word for word in words if not _is_code(word)]
        if any(code.startswith(word) for word in words if word not in unknown):
            return True, ""
        if not words:
            wrong = f"the comment at this line names no code and ignores nothing; write {EXAMPLE}"
        elif unknown:
            wrong = f"the comment at this line names {unknown[0][:20]}, which is no rule; write {EXAMPLE}"
    return False, wrong


def _is_code(word: str) -> bool:
    return bool(_CODE.fullmatch(word)) and any(code.startswith(word) for code in CODES)
