"""`asyncwatch report FILE…`: a table of what one or many processes have found, from their JSON lines."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from asyncwatch.cli import runs
from asyncwatch.cli.launch import complain
from asyncwatch.cli.options import Command, words
from asyncwatch.cli.runs import Place, Runs
from asyncwatch.config import ConfigError
from asyncwatch.findings import LEVELS
from asyncwatch.frames import plain

USAGE = "expected: report FILE… [--format console|json] [--level info|warning|error], where - is standard input"
HEAD = "    count    worst  pids  first     last      where"
INDENT = " " * 10
# Process ids that are named.
MOST_PIDS = 8

_LOSSES = {
    "dropped_events": "events were dropped by a full buffer: the counts are lower bounds",
    "fingerprints_not_told_apart": "findings were at places too many to tell apart",
    "ignored": "more are ignored by entry or comment",
    "in_baseline": "more are in a baseline",
    "tasks_not_recorded": "tasks came too fast to be recorded: nothing is known of them",
}


def run(command: Command) -> int:
    """Print the table, or the same as one line of JSON.

    Raises:
        ConfigError: a file cannot be opened or read.
    """
    given, names = words(command, ("--format", "--level"), USAGE)
    form = given.get("--format", command.settings.get("format", "auto"))
    level = given.get("--level", command.settings.get("level") or "info")
    if form not in ("auto", "console", "json") or level not in LEVELS:
        raise ConfigError(f"{form if level in LEVELS else level!r} is not valid, {USAGE}")
    merged = Runs()
    for name, file in runs.opened(names, USAGE):
        try:
            merged.read(name, file)
        except OSError as error:
            raise ConfigError(f"cannot read {name!r}: {error.strerror or error}") from None
    for sentence in merged.complaints():
        complain(plain(sentence))
    places = [place for place in merged.add_up() if LEVELS.get(place.level, 0) >= LEVELS[level]]
    if form == "json":
        print(json.dumps(to_dict(merged, places)))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
        print("\n".join(table(merged, places, width)))
    return 0


def to_dict(merged: Runs, places: list[Place]) -> dict[str, Any]:
    """The whole report; `exact` is false where a count is a lower bound."""
    return {
        "files": merged.files,
        "processes": [{"pid": one.pid, "summary": one.summary} for one in merged.runs],
        "first": merged.first,
        "last": merged.last,
        "findings": [_row(place) for place in places],
        "unreadable": merged.unreadable,
    }


def _row(place: Place) -> dict[str, Any]:
    finding = place.finding
    return {
        **{key: finding[key] for key in ("fingerprint", "code", "rule")},
        "level": place.level,
        "count": place.counts.total(),
        "exact": place.exact,
        "levels": dict(place.counts),
        "first": place.first,
        "last": place.last,
        "pids": sorted(place.pids),
        **({"worst": place.worst} if place.worst is not None else {}),
        **({"where": finding["where"]} if "where" in finding else {}),
        "event": finding["event"],
    }


def table(merged: Runs, places: list[Place], width: int = 0) -> Iterator[str]:
    """The lines of the text, at most `width` characters each where what is named allows; 0 is any width."""
    yield from _wrapped(_headline(merged), width, "  ")
    if places:
        yield ""
        yield HEAD
    oneday = merged.first[:10] == merged.last[:10]

    def group(place: Place) -> tuple[int, str]:
        return -LEVELS.get(place.level, 0), place.finding["code"]

    for _, several in itertools.groupby(sorted(places, key=group), key=group):
        rows = list(several)
        yield ""
        yield plain(f"{rows[0].level} {rows[0].finding['code']} {rows[0].finding['rule']}")
        for place in rows:
            numbers, where = _numbers(place, oneday=oneday), _where(place)
            together = f"{numbers}  {where}"
            fits = len(together) <= (width or len(together))
            yield from [together] if fits else [numbers, *_wrapped(INDENT + where, width, INDENT)]
            yield from _wrapped(INDENT + plain(place.finding["event"][:500]), width, INDENT)
    if not places:
        yield "nothing found"
    for number, note in enumerate(_notes(merged)):
        if not number:
            yield ""
        yield from _wrapped(note, width, "  ")


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False) if width > 30 else [text]


def _headline(merged: Runs) -> str:
    pids = [str(one.pid) for one in merged.runs]
    named = ", ".join(dict.fromkeys(pids[:MOST_PIDS])) + (", …" if len(pids) > MOST_PIDS else "")
    text = f"{_number(len(merged.files), 'file')}, {_number(len(pids), 'process', 'processes')}"
    if pids:
        text += f" (pid {named})"
    if merged.first:
        first, last = (time.replace("T", " ") for time in (merged.first, merged.last))
        text += f", {first} to {last[11:] if first[:10] == last[:10] else last} UTC"
    return text


def _numbers(place: Place, *, oneday: bool) -> str:
    count = f"{place.counts.total()}{'' if place.exact else '+'}"
    first, last = (time[11:] if oneday else time[5:16].replace("T", " ") for time in (place.first, place.last))
    width = 8 if oneday else 11
    return f"{count:>9} {_seconds(place.worst):>8} {len(place.pids):>5}  {first:<{width}}  {last:<{width}}"


def _where(place: Place) -> str:
    """The place as the fingerprint has it, the same on every machine, in the form that editors take."""
    finding = place.finding
    text = str(finding["fingerprint"]).removeprefix(finding["code"] + ":")
    where = finding.get("where")
    if where:
        text = text.removesuffix(f":{where['function']}:{where['line']}")
        text = f"{text}:{where['line']} {where['function']}"
    return plain(text)


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s" if value < 1000 else f"{value / 3600:.1f} h"


def _notes(merged: Runs) -> Iterator[str]:
    silent = [str(one.pid) for one in merged.runs if one.summary is None]
    if silent:
        named = ", ".join(silent[:MOST_PIDS]) + (", …" if len(silent) > MOST_PIDS else "")
        yield f"without a summary, killed or still running: pid {named}; a count with + is a lower bound"
    for key, number in merged.losses().items():
        yield f"{number} {_LOSSES[key]}"


def _number(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
