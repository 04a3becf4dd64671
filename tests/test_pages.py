"""The rules' pages are run: an Example is found at the line it marks, an Instead is a program with no finding at all.

What stands at eight columns in these two sections is code, a piece from one paragraph of prose to the next. Each piece
is put into the rule's frame, tests/victims/pages/aw101.py and so on: a program that lacks the line `# PAGE` only, with
the functions that the code calls and with whoever calls it. The frame is headed as a victim is (`# options:`,
`# needs:`), and by `# profiles: debug` where the rule has one profile only. On the page a guilty line ends with
`# <- AW101`, in a frame with `# AW101`.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
import turns
from conftest import LOOPS, VICTIMS, Run, Victim, run_watched
from test_victims import compare, place, was_disturbed

from asyncwatch.cli import explain
from asyncwatch.detectors import ALWAYS, CODES, MODULES, RULES
from asyncwatch.findings import Rule

FRAMES = VICTIMS / "pages"
PLACE = "# PAGE\n"
INDENT = " " * 8
JUDGING = [module for module in MODULES if module.RULE.code not in ALWAYS]
each_rule = pytest.mark.parametrize("module", JUDGING, ids=[module.RULE.code for module in JUDGING])

# The rules of flake8-async 26.8 and, of the others, those of ruff 0.17 that pages name.
LINTED = {f"ASYNC{number}" for number in (*range(100, 107), *range(109, 117), *range(118, 129))}
LINTED |= {f"ASYNC{number}" for number in (200, 210, 211, 212, 220, 221, 222, 230, 231, 232, 240, 250, 251)}
LINTED |= {f"ASYNC{number}" for number in (300, 400, 401, 900, 910, 911, 912, 913)} | {"RUF006", "BLE001", "E722"}


def section(page: str, title: str) -> str:
    """What stands under a title; nothing for a page that lacks it."""
    found = re.search(rf"^{title}\n(.*?)(?=^\S|\Z)", page, re.M | re.S)
    return found.group(1) if found else ""


def pieces(body: str) -> list[str]:
    """The code of a section, each piece without the page's indent."""
    found = re.findall(rf"(?:^{INDENT}.*\n|^\n)+", body, re.M)
    return [textwrap.dedent(piece).strip() + "\n" for piece in found if piece.strip()]


@dataclasses.dataclass(frozen=True)
class Case:
    """A piece of a page, and how it is run."""

    code: str
    title: str
    number: int
    piece: str
    loop: str
    profile: str

    def __str__(self) -> str:
        return f"{self.code}-{self.title}-{self.number}-{self.loop}-{self.profile}"

    def written(self, folder: Path) -> Victim:
        """The piece completed to a program."""
        program = folder / f"{self.code.lower()}.py"
        program.write_text(frame_of(self.code).replace(PLACE, self.piece))
        return Victim(program)


def frame_of(code: str) -> str:
    path = FRAMES / f"{code.lower()}.py"
    return path.read_text() if path.exists() else ""


def ways(frame: str) -> list[tuple[str, str]]:
    """The loops and profiles that a page is run in: each of them once, if the rule has both profiles."""
    only = re.search(r"^# profiles: (\w+)$", frame, re.M)
    profiles = [only.group(1)] * 2 if only else ["debug", "light"]
    return list(zip((LOOPS[0], LOOPS[-1]), profiles, strict=True))


CASES = [
    Case(module.RULE.code, title, number, piece, loop, profile)
    for module in JUDGING
    for title in ("Example", "Instead")
    for number, piece in enumerate(pieces(section(module.__doc__ or "", title)), 1)
    for loop, profile in ways(frame_of(module.RULE.code))
]
EXAMPLES, INSTEADS = ([case for case in CASES if case.title == title] for title in ("Example", "Instead"))


def difference(case: Case, victim: Victim, run: Run) -> str:
    """What is said and not marked, or marked and not said; beside an Example what is level info does not count."""
    if case.title == "Example":
        must, _ = victim.marks(case.profile)
        kept = [line for line in run.findings if line["level"] != "info" or place(line) in must]
        run = dataclasses.replace(run, lines=tuple(kept))
    return compare(run, victim, case.profile)


def judged(case: Case, folder: Path) -> tuple[Victim, Run]:
    """The program that was run; a run that the machine disturbed is made again, beside nothing else."""
    victim = case.written(folder)
    if victim.why_not():
        pytest.skip(victim.why_not())
    run = watched(case, victim, folder)
    for attempt in range(2):
        found = difference(case, victim, run)
        if not found or not was_disturbed(run, found):
            break
        again = folder / str(attempt)
        again.mkdir()
        with turns.alone():
            run = watched(case, victim, again)
    return victim, run


def watched(case: Case, victim: Victim, folder: Path) -> Run:
    options = ["--loop", case.loop, *victim.options]
    return run_watched(victim.path, folder=folder, profile=case.profile, options=options)


@pytest.mark.parametrize("case", EXAMPLES, ids=str)
def test_an_example_is_found_at_its_marked_line(case: Case, tmp_path: Path) -> None:
    """The rule speaks at the line that the page marks, no other rule warns, and the program ends."""
    victim, run = judged(case, tmp_path)
    assert case.code in {code for code, _ in victim.marks(case.profile)[0]}, f"no line ends with # <- {case.code}"
    assert not difference(case, victim, run), victim.text + run.err
    assert run.status == 0, run.err


@pytest.mark.parametrize("case", INSTEADS, ids=str)
def test_what_to_write_instead_has_no_finding(case: Case, tmp_path: Path) -> None:
    """The same program with the code that the page recommends does its work, and nothing is said of it."""
    victim, run = judged(case, tmp_path)
    assert victim.marks(case.profile) == (set(), set())
    assert not difference(case, victim, run), victim.text + run.err
    assert run.status == 0, run.err
    # asyncio's own measure of a step, where the machine stretched it and ours knows better, is no complaint.
    assert not [line for line in run.err.splitlines() if not line.startswith("Executing <")]


@each_rule
def test_every_rule_about_the_program_has_code_that_is_run(module: ModuleType) -> None:
    """A page has an Example with a marked line and something to write Instead, and a frame to run them in."""
    code = module.RULE.code
    frame = FRAMES / f"{code.lower()}.py"
    assert frame.exists(), f"{code} has no frame: write {frame.relative_to(VICTIMS.parent)}"
    assert frame.read_text().count(PLACE) == 1, f"{frame.name} has one line # PAGE, where the page's code goes"
    for title in ("Example", "Instead"):
        assert pieces(section(module.__doc__, title)), f"{code} has no code under {title}: indent it by eight columns"


def test_there_is_no_frame_without_a_page() -> None:
    """Each frame is a rule's."""
    assert {path.stem.upper() for path in FRAMES.glob("[!_]*.py")} <= CODES


@each_rule
def test_a_page_names_what_finds_the_same_in_source(module: ModuleType) -> None:
    """The last paragraph of Instead says which linter's rules are near this one, by codes that exist, or that none is."""
    last = section(module.__doc__, "Instead").strip().rpartition("\n\n")[2]
    assert re.match(r" *In source: (none|as for|flake8-async|ruff)\b", last), f"it ends with: {last}"
    assert set(re.findall(r"\b(?:ASYNC|RUF|BLE|E)\d+\b", last)) <= LINTED


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("rule", RULES, ids=[rule.code for rule in RULES])
def test_a_page_fits_the_terminal(rule: Rule, width: int) -> None:
    """No line of a page as it is printed is wider than the terminal, and the code in it is as it was written."""
    printed = explain.laid_out(rule.page, width)
    assert [line for line in printed.splitlines() if len(line) > width] == []
    for title in ("Example", "Instead"):
        assert pieces(section(printed + "\n", title)) == pieces(section(rule.page, title))
    assert printed.split() == rule.page.split()
