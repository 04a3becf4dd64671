"""The catalogue: a rule is in the code, in a victim, in its own page and in the README, under one code and name."""

from __future__ import annotations

import re
from types import ModuleType

import pytest
from conftest import ALL_VICTIMS, HERE, ROOT

from asyncwatch.detectors import ALWAYS, CODES, MODULES, OPT_IN, RULES
from asyncwatch.findings import LEVELS

SECTIONS = ["What it detects", "Why it matters", "Example", "Instead", "False alarms", "Settings"]
each_rule = pytest.mark.parametrize("module", MODULES, ids=[module.RULE.code for module in MODULES])

# What no program of its own can show is shown by these tests.
BY_NAMED_TEST = {
    "AW000": ("detectors/test_aw000.py", "test_aw000_lists_each_hook"),
    "AW001": ("detectors/test_aw000.py", "test_aw001_names_the_part_and_the_error"),
    "AW099": ("detectors/test_aw000.py", "test_aw099_counts"),
}


def test_every_rule_has_a_victim() -> None:
    """The codes marked in the victims are those of the rules, less the ones that named tests cover."""
    marked = {
        code for victim in ALL_VICTIMS for profile in ("light", "debug") for code, _ in victim.marks(profile)[0]
    }
    assert marked == CODES - BY_NAMED_TEST.keys()


def test_the_named_tests_exist() -> None:
    """The rules about the watching itself are covered by the tests named here."""
    assert BY_NAMED_TEST.keys() == ALWAYS
    for file, name in BY_NAMED_TEST.values():
        assert f"\ndef {name}(" in (HERE / file).read_text()


def test_every_rule_is_in_the_readme() -> None:
    """The README's table of rules has exactly the codes of the code, each with its name."""
    rows = re.findall(r"^\| *`?(AW\d+)`? *\| *`?([\w-]+)", (ROOT / "README.md").read_text(), re.M)
    assert dict(rows) == {rule.code: rule.name for rule in RULES}
    assert len(rows) == len(RULES)


@each_rule
def test_every_rule_has_a_page(module: ModuleType) -> None:
    """A rule's page has the six sections, in order, each with text of its own."""
    page = module.__doc__ or ""
    assert re.findall(r"^(\S.*)$", page, re.M)[1:] == SECTIONS
    bodies = re.split(r"^\S.*\n", page, flags=re.M)[2:]
    assert len(bodies) == len(SECTIONS)
    assert all(body.strip() for body in bodies)
    assert module.RULE.page == page


@each_rule
def test_the_files_name_is_the_rules(module: ModuleType) -> None:
    """A module is named by its rule's code and name, and its page begins with them."""
    rule = module.RULE
    assert module.__name__.rpartition(".")[2] == f"{rule.code.lower()}_{rule.name.replace('-', '_')}"
    assert (module.__doc__ or "").startswith(f"{rule.code} {rule.name}: ")


@each_rule
def test_the_row_is_complete(module: ModuleType) -> None:
    """A rule has a code of three digits, a known level and a phrase for the summary."""
    rule = module.RULE
    assert re.fullmatch(r"AW\d{3}", rule.code)
    assert rule.level in LEVELS
    assert rule.many


def test_codes_are_told_apart_and_in_order() -> None:
    """No code or name is used twice, and the table stands in the order of the codes."""
    assert [rule.code for rule in RULES] == sorted(CODES)
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_what_says_how_the_watching_goes_is_never_opt_in() -> None:
    """AW000, AW001 and AW099 are rules and are always on."""
    assert ALWAYS <= CODES
    assert not ALWAYS & OPT_IN
