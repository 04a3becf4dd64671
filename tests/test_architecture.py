"""The shape of the source, read from its syntax alone: imports run one way, and nothing grows too long to read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import SRC

PACKAGE = SRC / "asyncwatch"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
each_file = pytest.mark.parametrize("path", FILES, ids=NAMES)

VOCABULARY = {"blocking_calls", "call_events", "cleanups", "config", "coroutine_events", "env", "events", "findings"}
VOCABULARY |= {"frames", "ignores", "instrument", "measures", "parsers", "paths", "project", "records", "resource_events"}
VOCABULARY |= {"plain", "task_events", "task_tree", "tree_text"}
MOST_LINES = 260
MOST_FUNCTION_LINES = 40

# What each part of the package may import; the doors may import all.
MAY_IMPORT = {
    **dict.fromkeys(VOCABULARY, VOCABULARY),
    "marks": set(),
    "hooks": {*VOCABULARY, "hooks", "marks"},
    "detectors": {*VOCABULARY, "detectors"},
    "suppress": {*VOCABULARY, "detectors"},
    "baselines": VOCABULARY,
    "pipeline": {*VOCABULARY, "detectors", "suppress", "baselines"},
    "sinks": {*VOCABULARY, "sinks", "detectors", "workers"},
    "workers": {"env"},
    "identity": set(),
    "instruments": {"instrument", "instruments"},
    "control": {*VOCABULARY, "control", "workers"},
    "session": {*VOCABULARY, "control", "workers", "identity", "hooks", "detectors", "pipeline", "sinks"},
}
DOORS = {"__init__", "__main__", "auto", "cli", "startup"}


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


MODULES = {module_name(path): path for path in FILES}


def part_of(module: str) -> str:
    """The first level below the package: `asyncwatch.hooks.bus` is `hooks`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from at_run_time(child)


def imported(path: Path) -> set[str]:
    """Everything a file imports, wherever in the file, submodules named in full."""
    found: set[str] = set()
    for node in at_run_time(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in {path}"
            assert node.module is not None
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in full if name in MODULES} or {node.module}
    return found


def own(path: Path) -> set[str]:
    return {name for name in imported(path) if name.split(".")[0] == "asyncwatch"}


def foreign(part: str) -> set[str]:
    """The top-level names that a part imports from outside."""
    files = [path for name, path in MODULES.items() if part_of(name) == part]
    assert files
    return {name.split(".")[0] for path in files for name in imported(path)} - {"asyncwatch"}


def test_each_part_has_its_place() -> None:
    """Every module belongs to a part whose place in the order is written down here."""
    assert {part_of(name) for name in MODULES} == MAY_IMPORT.keys() | DOORS


@each_file
def test_imports_run_one_way(path: Path) -> None:
    """A module imports only from its own part and from those below it."""
    part = part_of(module_name(path))
    if part not in DOORS:
        assert {part_of(name) for name in own(path)} <= MAY_IMPORT[part]


def test_there_are_no_cycles() -> None:
    """No module imports itself through others, not even inside a function."""
    graph = {name: own(path) - {name} for name, path in MODULES.items() if part_of(name) not in DOORS}
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph)


def test_detectors_are_pure() -> None:
    """No detector can reach a loop, a thread, a clock, a file or an output."""
    assert not foreign("detectors") & {"asyncio", "threading", "_thread", "time", "structlog", "os", "sys", "logging"}


def test_hooks_only_observe() -> None:
    """No hook can reach a detector, a sink or the logger."""
    assert "structlog" not in foreign("hooks")


def test_the_logger_is_the_sinks_only() -> None:
    """structlog is imported by the sinks and nobody else, and there not at import time."""
    users = {name for name, path in MODULES.items() if any(n.split(".")[0] == "structlog" for n in imported(path))}
    assert {part_of(name) for name in users} == {"sinks"}
    for name in users:
        top = [node for node in ast.parse(MODULES[name].read_text()).body if isinstance(node, ast.Import)]
        assert "structlog" not in {alias.name for node in top for alias in node.names}


def test_sinks_know_the_rules_names_and_nothing_else_of_detectors() -> None:
    """Of the detectors a sink imports the table of rules only."""
    for name, path in MODULES.items():
        if part_of(name) == "sinks":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asyncwatch.detectors"):
                    assert [alias.name for alias in node.names] == ["RULES"], name


@each_file
def test_versions_are_compared_in_one_file(path: Path) -> None:
    """Only env.py asks which Python this is; everything else asks env.py what it can do."""
    asked = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
    }
    if path.name != "env.py":
        assert not asked & {"version_info", "hexversion", "python_version_tuple"}


@each_file
def test_files_and_functions_stay_short(path: Path) -> None:
    """A file is at most 260 lines and a function at most 40."""
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_FUNCTION_LINES
    ]
    assert not long


@each_file
def test_each_file_says_what_it_is(path: Path) -> None:
    """Every module has a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text()))
