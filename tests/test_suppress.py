"""What the user has accepted: entries, comments, the baseline. It is counted, and what is new is never among it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, run_python, run_watched

from asyncwatch import baselines
from asyncwatch.baselines import Baseline
from asyncwatch.config import ConfigError
from asyncwatch.detectors import aw101_slow_callback, aw204_task_exception_unretrieved
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, Scope
from asyncwatch.ignores import Ignore
from asyncwatch.paths import Patterns
from asyncwatch.suppress import Ignores, read_comment

SLOW = aw101_slow_callback.RULE
FAILED = aw204_task_exception_unretrieved.RULE
TODAY = date(2027, 1, 31)


def finding(line: int = 41, file: str = "/srv/shop/legacy/orders.py", rule: Rule = SLOW, function: str = "f") -> Finding:
    return Finding(rule, rule.level, "said", Frame(file, line, function))


# -- files by name --


@pytest.mark.parametrize(
    ("word", "file", "named"),
    [
        ("shop/legacy/*", "/srv/shop/legacy/orders.py", True),
        ("shop/legacy/*", "/srv/shop/legacy/deep/orders.py", True),
        ("shop/legacy/*", "/srv/workshop/legacy/orders.py", False),
        ("shop/legacy/*", "/srv/shop/orders.py", False),
        ("/srv/*", "/srv/shop/orders.py", True),
        ("/shop/*", "/srv/shop/orders.py", False),
        ("orders.py", "/srv/shop/orders.py", True),
        ("orders.py", "/srv/shop/reorders.py", False),
        ("*_test.py", "/srv/shop/orders_test.py", True),
        ("test_?.py", "/srv/test_a.py", True),
        ("mylib", "/lib/site-packages/mylib/core.py", True),
        ("mylib", "/lib/site-packages/mylib.py", True),
        ("mylib", "/lib/site-packages/other/mylib/core.py", False),
        ("mylib", "/lib/site-packages/mylib_plugin/core.py", False),
        ("mylib.core", "/lib/site-packages/mylib/core.py", True),
        ("mylib.core", "/lib/site-packages/mylib/core/a.py", True),
        ("mylib.core", "/lib/site-packages/mylib/corelib.py", False),
    ],
)
def test_patterns_name_files(monkeypatch: pytest.MonkeyPatch, word: str, file: str, named: bool) -> None:
    """A path may begin at any directory, `*` crosses directories, a bare word is a package or module."""
    monkeypatch.syspath_prepend("/lib/site-packages")
    assert Patterns([word]).match(file) is named
    assert Patterns(["nothing", word]).match(file) is named
    assert not Patterns([]).match(file)


def test_the_application_is_what_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package named by `app` is the application's, one named by `not_app` is not, and the latter wins."""
    monkeypatch.syspath_prepend("/lib/site-packages")
    scope = Scope(app=["mylib", "other/*"], not_app=["mylib._vendor", "generated/*"])
    assert scope.is_app("/lib/site-packages/mylib/core.py")
    assert scope.is_app("/lib/site-packages/other/a.py")
    assert not scope.is_app("/lib/site-packages/mylib/_vendor/a.py")
    assert not scope.is_app("/lib/site-packages/third/a.py")
    assert not scope.is_app("/srv/generated/a.py")
    assert scope.is_app("/srv/shop.py")
    assert not Scope(app=["*"]).is_app(baselines.__file__)


# -- entries --


def test_an_entry_holds_for_its_codes_and_files() -> None:
    """An entry covers findings of its codes, or families, at lines of its files, and no others."""
    ignores = Ignores([Ignore(frozenset({"AW1"}), "slow disk", "shop/legacy/*")], TODAY)
    assert ignores.look(finding()) == (True, "")
    assert ignores.look(finding(rule=FAILED)) == (False, "")
    assert ignores.look(finding(file="/srv/shop/orders.py")) == (False, "")
    assert ignores.look(Finding(SLOW, "warning", "no line")) == (False, "")
    assert Ignores([Ignore(frozenset({"AW101"}), "all")], TODAY).look(Finding(SLOW, "warning", "no line")) == (True, "")


@pytest.mark.parametrize(("day", "holds"), [(date(2027, 1, 31), True), (date(2027, 1, 30), False), (None, True)])
def test_an_entry_ends_after_its_day(day: date | None, holds: bool) -> None:
    """Up to and with its day an entry holds; then it does not, and a sentence says so with its reason."""
    ignores = Ignores([Ignore(frozenset({"AW101"}), "rewritten in May", "shop/*", day)], TODAY)
    assert ignores.look(finding())[0] is holds
    sentence = f"the ignore of AW101 at shop/* (rewritten in May) ended on {day} and no longer holds"
    assert ignores.expired == (() if holds else (sentence,))


# -- comments --


@pytest.mark.parametrize(
    ("line", "accepted", "complaint"),
    [
        ("sleep(1)  # asyncwatch: ignore[AW101]", True, ""),
        ("sleep(1)  # asyncwatch: ignore[AW204, aw101]", True, ""),
        ("sleep(1)  #asyncwatch:ignore [AW1] because", True, ""),
        ("sleep(1)  # noqa  # asyncwatch: ignore[AW101]", True, ""),
        ("sleep(1)  # asyncwatch: ignore[AW204]", False, ""),
        ("sleep(1)  # asyncwatch: ignore[AW204]  # asyncwatch: ignore[AW101]", True, ""),
        ("sleep(1)", False, ""),
        ("sleep(1)  # asyncwatch: ignored", False, ""),
        ("sleep(1)  # asyncwatch: ignore", False, "names no code"),
        ("sleep(1)  # asyncwatch: ignore AW101", False, "names no code"),
        ("sleep(1)  # asyncwatch: ignore[]", False, "names no code"),
        ("sleep(1)  # asyncwatch: ignore[AW]", False, "names AW, which is no rule"),
        ("sleep(1)  # asyncwatch: ignore[E501]", False, "names E501, which is no rule"),
        ("sleep(1)  # asyncwatch: ignore[AW999]", False, "names AW999, which is no rule"),
    ],
)
def test_a_comment_accepts_the_codes_it_names(line: str, accepted: bool, complaint: str) -> None:
    """A comment with codes, or families, accepts those; one without, or with none that exist, nothing, and is told so."""
    found, wrong = read_comment(line, "AW101")
    assert found is accepted
    assert complaint in wrong
    assert bool(complaint) is bool(wrong)


# -- the baseline --


def new(baseline: Baseline, *lines: int) -> list[int]:
    """The lines that are new when these are found, in the order in which that is known."""
    return [one.where.line for line in lines for one in baseline.new(finding(line)) if one.where]


def known(*lines: int) -> Baseline:
    return Baseline(finding(line).fingerprint for line in lines)


@pytest.mark.parametrize(
    ("was", "found", "expected"),
    [
        ([41], [41, 41], []),
        ([41], [44, 44], []),  # something was added above
        ([41, 50], [44, 53], []),
        ([41], [44, 53, 53], [53, 53]),  # one more than there was
        ([41], [], []),
        ([], [41], [41]),
        ([41], [44, 41], [44]),  # it had not moved after all: the other one is new
        ([41], [44, 41, 44, 41], [44, 44]),
        ([41, 50], [44, 41], []),
        ([41, 50], [44, 41, 50], [44]),
    ],
)
def test_a_line_that_moved_is_known(was: list[int], found: list[int], expected: list[int]) -> None:
    """As many lines of a function as the baseline has are known, the same ones before others; the rest is new."""
    assert new(known(*was), *found) == expected


def test_another_place_is_new() -> None:
    """Another file, function or rule is new, however alike the lines."""
    baseline = known(41)
    for other in (finding(file="/srv/b.py"), finding(function="g"), finding(rule=FAILED)):
        assert baseline.new(other) == (other,)


def test_what_has_no_line_is_known_by_what_it_says() -> None:
    """A finding without a line is known when its whole fingerprint is."""
    bare = Finding(SLOW, "warning", "no line")
    assert Baseline([bare.fingerprint]).new(bare) == ()
    assert Baseline(["AW101:shop.main"]).new(bare) == (bare,)


def test_a_baseline_is_written_in_order_and_read_back(tmp_path: Path) -> None:
    """What is written is one fingerprint on a line, sorted by place and number, and reads as the same set."""
    prints = {"AW101:a.py:f:9", "AW101:a.py:f:10", "AW301:shop.main"}
    text = baselines.dump(prints)
    assert [line.strip(' ",') for line in text.splitlines()[3:6]] == [
        "AW101:a.py:f:9",
        "AW101:a.py:f:10",
        "AW301:shop.main",
    ]
    (tmp_path / "known.json").write_text(text)
    assert baselines.load(str(tmp_path / "known.json")) == prints


@pytest.mark.parametrize(
    "text",
    [
        '{"asyncwatch-baseline": 2, "fingerprints": []}',
        '{"asyncwatch-baseline": 1, "fingerprints": [7]}',
        '{"asyncwatch-baseline": 1, "fingerprints": ["AW1',
        '{"asyncwatch-baseline": ' + "[" * 100_000,
        '{"timestamp": "2026-11-22T10:00:00.000000Z", "level": "war',
        "something else",
    ],
    ids=["version", "types", "cut", "nested", "line", "other"],
)
def test_a_damaged_baseline_is_one_clear_error(tmp_path: Path, text: str) -> None:
    """A baseline of another form, or cut off, is refused with its name and the command that makes one."""
    (tmp_path / "known.json").write_text(text)
    with pytest.raises(ConfigError, match=r"known\.json: .*; `asyncwatch baseline RUN\.jsonl --write"):
        baselines.load(str(tmp_path / "known.json"))


# -- all of it on a program --

PROGRAM = """
import asyncio, time

def crunch():
    time.sleep(0.3)

def grind():
    time.sleep(0.3)  # asyncwatch: ignore[AW101]

def doze():
    time.sleep(0.3)  # asyncwatch: ignore

async def main():
    await asyncio.sleep(0.1)
    for work in (crunch, grind, doze):
        work()
        await asyncio.sleep(0.1)

asyncio.run(main())
"""


def functions(run: Run) -> list[str]:
    return [line["where"]["function"] for line in run.findings if line["code"] == "AW101"]


def summary(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = run.lines[-1]["evidence"]
    return found


def test_a_comment_at_the_line_accepts_it(program: Any, tmp_path: Path) -> None:
    """The line with codes is only counted; the one with a bare comment is reported and says what to write."""
    run = run_watched(program(PROGRAM), folder=tmp_path, options=["--fail-on", "AW101"])
    assert functions(run) == ["crunch", "doze"]
    assert run.status == 3
    assert summary(run)["ignored"] == {"AW101": 1}
    assert "ignore_comment" not in run.findings[0]["evidence"]
    assert run.findings[1]["evidence"]["ignore_comment"].endswith("write # asyncwatch: ignore[AW101]")


def test_entries_of_the_project_hold_and_expire(program: Any, tmp_path: Path) -> None:
    """What an entry covers is counted and fails nothing; an expired one is said once, in the first line, and on the console."""
    path = program(PROGRAM)
    tmp_path.chmod(0o755)
    old = "[[tool.asyncwatch.ignores]]\ncode = 'AW204'\npath = 'old/*'\nreason = 'gone'\nuntil = 2020-01-31\n"
    holds = "[[tool.asyncwatch.ignores]]\ncode = 'AW101'\npath = 'program.py'\nreason = 'slow disk'\nuntil = 2999-01-31\n"
    (tmp_path / "pyproject.toml").write_text(old + holds)
    run = run_watched(path, folder=tmp_path, options=["--fail-on", "AW101"])
    assert (run.status, functions(run)) == (0, [])
    assert summary(run)["ignored"] == {"AW101": 3}
    sentence = "the ignore of AW204 at old/* (gone) ended on 2020-01-31 and no longer holds"
    assert run.lines[0]["evidence"]["expired_ignores"] == [sentence]
    console = run_python("-m", "asyncwatch", "--profile", "light", "--format", "console", str(path), cwd=tmp_path).err
    assert console.startswith(f"asyncwatch: {sentence}\n")
    assert console.count("no longer holds") == 1
    assert "3 x AW101 more are ignored by entry or comment" in console


def test_only_what_is_new_fails(program: Any, tmp_path: Path) -> None:
    """After `baseline` the same program passes, also edited above; one with a new slow function fails with that alone."""
    path = program(PROGRAM)
    first = run_watched(path, "first", folder=tmp_path)
    assert len(first.findings) == 2
    made = command("baseline", "program-light-first.jsonl", "--write", "known.json", folder=tmp_path)
    assert (made.status, made.err) == (0, "asyncwatch: 2 fingerprints in the baseline\n")
    options = ["--fail-on", "AW", "--baseline", "known.json"]
    again = run_watched(path, "again", folder=tmp_path, options=options)
    assert (again.status, again.findings, summary(again)["in_baseline"]) == (0, [], 2)
    path.write_text("# a licence\n# of two lines\n" + PROGRAM.replace("(crunch,", "(lambda: time.sleep(0.3), crunch,"))
    edited = run_watched(path, "edited", folder=tmp_path, options=options)
    assert (edited.status, functions(edited), summary(edited)["in_baseline"]) == (3, ["<lambda>"], 2)


def command(*words: str, folder: Path, **environment: str) -> Run:
    return run_python("-m", "asyncwatch", *words, cwd=folder, **environment)


def lines_of(findings: Iterable[Finding]) -> str:
    from asyncwatch.findings import to_dict

    return "".join(json.dumps(to_dict(one, count=1, pid=1, now=0.0)) + "\n" for one in findings)


def test_baselines_and_runs_are_put_together(tmp_path: Path) -> None:
    """`baseline` takes runs and baselines, leaves out info and what is about the watching, and goes on after a rotten line."""
    info = Finding(SLOW, "info", "starved", Frame("/srv/c.py", 1, "f"))
    fault = Finding(Rule("AW001", "watcher-fault", "warning", "", ""), "warning", "broken", evidence={"part": "x"})
    (tmp_path / "a.jsonl").write_text(lines_of([finding(1), info, fault]) + '{"timestamp": "cut off')
    (tmp_path / "b.json").write_text(baselines.dump([finding(2).fingerprint]))
    done = command("baseline", "a.jsonl", "b.json", folder=tmp_path)
    assert json.loads(done.out)["fingerprints"] == [finding(1).fingerprint, finding(2).fingerprint]
    assert "a.jsonl: 1 line cannot be read and left out (4)" in done.err
    again = command("baseline", "a.jsonl", "b.json", "--write", "b.json", folder=tmp_path)
    assert again.status == 0
    assert (tmp_path / "b.json").read_text() == done.out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no file given"),
        (["absent"], "cannot read 'absent'"),
        (["."], "cannot read '.'"),
        (["--write"], "--write needs a value"),
        (["--sorted", "x"], "does not understand '--sorted'"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    """A missing file and an unknown flag are one line and status 2."""
    done = command("baseline", *words, folder=tmp_path)
    assert (done.status, done.err.count("\n")) == (2, 1)
    assert said in done.err
