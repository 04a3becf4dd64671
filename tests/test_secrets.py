"""Values of the program: planted in every function of a victim of each rule, and looked for in all that is written.

Names are not values: a task's, a thread's and a function's name are shown, and so is the text of an exception, cut at
300 characters, as a traceback would show it.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from conftest import ALL_VICTIMS, SRC, VICTIMS, Victim, run_watched

SECRET = "swordfish"


class Plant(ast.NodeTransformer):
    """Gives each function a parameter, a variable and a nested value that nobody asked for."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        self._plant(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self.generic_visit(node)
        self._plant(node)
        return node

    def _plant(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        node.args.kwonlyargs.append(ast.arg("planted_argument"))
        node.args.kw_defaults.append(ast.Constant(f"{SECRET}-argument"))
        start = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body[start:start] = ast.parse(f"planted = {{'password': ['{SECRET}-local', planted_argument]}}").body


def planted(text: str) -> str:
    tree = ast.parse(text)
    after = next(i for i, node in enumerate(tree.body) if not isinstance(node, ast.ImportFrom | ast.Expr))
    tree.body[after:after] = ast.parse(
        "import contextvars, os\n"
        f"PLANTED = '{SECRET}-global'\n"
        f"contextvars.ContextVar('planted').set('{SECRET}-context')\n"
        f"os.environ['PLANTED_TOO'] = '{SECRET}-environment'\n"
    ).body
    return ast.unparse(ast.fix_missing_locations(Plant().visit(tree)))


def chosen() -> list[tuple[str, Victim]]:
    """For each rule the shortest victim that shows it and can run here."""
    found: dict[str, Victim] = {}
    for victim in sorted(ALL_VICTIMS, key=lambda victim: (len(victim.text), victim.name)):
        if not victim.why_not():
            for code, _ in victim.marks("debug")[0]:
                found.setdefault(code, victim)
    return sorted(found.items())


@pytest.mark.parametrize(("code", "victim"), chosen(), ids=[f"{code}-{victim.name}" for code, victim in chosen()])
def test_no_value_of_the_program_is_written(code: str, victim: Victim, tmp_path: Path) -> None:
    """No argument, variable, global, context or environment value is in the finding of this rule or any line beside it."""
    path = tmp_path / victim.path.name
    path.write_text(planted(victim.text))
    run = run_watched(
        path,
        "asyncio",
        folder=tmp_path,
        profile="debug",
        options=victim.options,
        PLANTED=f"{SECRET}-environment",
        PYTHONPATH=os.pathsep.join([str(SRC), str(VICTIMS)]),
    )
    assert code in {line["code"] for line in run.lines}, run.err
    (written,) = tmp_path.glob("*.jsonl")
    assert SECRET not in written.read_text()
    assert SECRET in path.read_text()
