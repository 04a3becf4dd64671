"""Runs each known bug at the release before its fix and at the release with it, and prints what was found.

Each release gets an environment of its own. A row is as declared when the buggy release's findings about tasks at the
library's line have just the declared codes, and the fixed release has none there, or no more than the row says.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from rows import ROWS, Row, Version

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))
import matrix  # noqa: E402

PATIENCE = 60.0
Finding = dict[str, Any]


@dataclasses.dataclass
class Run:
    """What was said about the library's line in one release, and what went wrong if something did."""

    findings: list[Finding] = dataclasses.field(default_factory=list)
    trouble: str = ""

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(finding["code"] for finding in self.findings)

    @property
    def most(self) -> int:
        """How often the most frequent finding was seen when it was last said."""
        return max((finding["count"] for finding in self.findings), default=0)


@dataclasses.dataclass
class Outcome:
    """Both runs of a row."""

    row: Row
    buggy: Run
    fixed: Run

    @property
    def trouble(self) -> str:
        return self.buggy.trouble or self.fixed.trouble

    @property
    def right(self) -> bool:
        mended = self.fixed.most <= self.row.left < self.buggy.most
        return not self.trouble and self.buggy.codes == self.row.codes and mended

    @property
    def verdict(self) -> str:
        return "yes" if self.right else f"NO, declared {' '.join(sorted(self.row.codes))} {self.row.function}"


class Environments:
    """One environment for each release, made once and found again."""

    def __init__(self, folder: Path, pythons: list[str]) -> None:
        self._folder = folder
        self._pythons = {version_of(python): python for python in pythons}

    def python_for(self, row: Row) -> Version | None:
        """The newest Python here that both releases have wheels for."""
        fitting = [version for version in self._pythons if row.pythons[0] <= version <= row.pythons[1]]
        return max(fitting, default=None)

    def ready(self, row: Row, release: str, version: Version) -> tuple[Path, str]:
        """The environment's interpreter, and what pip said if it could not install the release."""
        wanted = [f"{row.package}=={release}", *row.also, "structlog"]
        key = hashlib.sha256(" ".join([self._pythons[version], *wanted]).encode()).hexdigest()[:8]
        venv = self._folder / f"{row.package}-{release}-{version[0]}.{version[1]}-{key}"
        python = venv / "bin" / "python"
        if not (venv / "ready").exists():
            make = [self._pythons[version], "-m", "venv", "--clear", "--without-pip", str(venv)]
            pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--no-input"]
            for command in (make, [*pip, "install", "--quiet", "--only-binary", ":all:", *wanted]):
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    return python, last_line(done.stderr)
            (venv / "ready").touch()
        return python, ""


def version_of(python: str) -> Version:
    said = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=True
    ).stdout
    major, minor = map(int, said.split())
    return major, minor


def watch(row: Row, python: Path) -> Run:
    """One run of the case under asyncwatch."""

    def command(reports: Path) -> tuple[list[str], dict[str, str]]:
        options = ["--profile", "light", "--format", "json", "--output", str(reports)]
        return ["-m", "asyncwatch", *options, str(HERE / f"{row.case}.py")], {"PYTHONPATH": str(TOP / "src")}

    done = matrix.run_program(str(python), command, PATIENCE)
    if done is None:
        return Run(trouble="hung")
    process, lines = done
    return judge(row, lines, "" if process.returncode == 0 else last_line(process.stderr))


def judge(row: Row, findings: list[Finding], trouble: str) -> Run:
    """Keep what was said about tasks at the library's line."""
    codes = {finding["code"] for finding in findings}
    if not trouble and "AW099" not in codes:
        trouble = "asyncwatch did not say its summary"
    if not trouble and "AW001" in codes:
        trouble = "a part of asyncwatch failed"
    return Run([one for one in findings if one["code"].startswith("AW2") and place(row, one)], trouble)


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word"])[-1]


def place(row: Row, finding: Finding) -> Finding | None:
    """The frame of the library's guilty function, if the finding has it."""
    created = finding.get("task", {}).get("created") or finding.get("evidence", {}).get("waits_at", ())
    for frame in created:
        if frame["file"].endswith("/" + row.file) and frame["function"] == row.function:
            return dict(frame)
    return None


def told(row: Row, run: Run) -> str:
    """What a run said, for the table."""
    if run.trouble:
        return run.trouble
    parts = []
    for finding in run.findings:
        frame, where = place(row, finding), finding.get("where")
        if frame is None or finding["count"] > 1:
            continue  # the same again
        text = f"{finding['code']} {row.file}:{frame['line']} {row.function}"
        if run.most > 1:
            text += f", at least {run.most} times"
        if where != frame:
            text += f" (where: {Path(where['file']).name}:{where['line']})" if where else " (no where)"
        parts.append(text)
    return "; ".join(dict.fromkeys(parts)) or "silent"


def table(outcomes: list[Outcome]) -> str:
    head = ["package", "buggy", "found in it", "fixed", "found in it", "as declared"]
    lines = [head, ["---"] * len(head)]
    for one in outcomes:
        row = one.row
        lines.append([row.package, row.buggy, told(row, one.buggy), row.fixed, told(row, one.fixed), one.verdict])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def progress(text: str) -> None:
    print(f"knownbugs: {text}", file=sys.stderr, flush=True)


def run_row(row: Row, environments: Environments, version: Version) -> Outcome:
    runs = []
    for release in (row.buggy, row.fixed):
        python, trouble = environments.ready(row, release, version)
        runs.append(Run(trouble=trouble) if trouble else watch(row, python))
    return Outcome(row, *runs)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/knownbugs",
        description="Find known bugs of released packages, and nothing in the releases that mended them. "
        "Exit status 1 when a row is not as declared.",
    )
    names = [row.name for row in ROWS]
    parser.add_argument("--rows", metavar="NAME[,NAME...]", help=f"only these of: {', '.join(names)}")
    parser.add_argument("--envs", type=Path, default=TOP / ".venv-knownbugs", help="where the environments are made")
    parser.add_argument("--python", action="append", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rows = options.rows.split(",") if options.rows else names
    if unknown := set(options.rows) - set(names):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return options


def main() -> int:
    options = read_options()
    environments = Environments(options.envs.resolve(), options.python)
    wanted = [row for row in ROWS if row.name in options.rows]
    outcomes = []
    for number, row in enumerate(wanted, 1):
        head = f"{number} of {len(wanted)}: {row.name}, {row.package} {row.buggy} and {row.fixed}"
        version = environments.python_for(row)
        if version is None:
            progress(f"{head}: left out, its wheels are for Python 3.{row.pythons[0][1]} to 3.{row.pythons[1][1]}")
            continue
        outcome = run_row(row, environments, version)
        outcomes.append(outcome)
        word = "as declared" if outcome.right else "NOT AS DECLARED"
        progress(f"{head}, on Python {version[0]}.{version[1]}: {word}")
    print(table(outcomes))
    return 0 if outcomes and all(outcome.right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
