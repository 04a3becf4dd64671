"""The table of servers and children: each started in every way, with the toggle in every position, ended by signals.

A cell is "ok" when the program did all that it does without us (answered, ended with the same status, left no process),
and each process that did the blocking work was watched once and named the line under its own process id; with the
toggle off, when nothing of ours was said at all. The exit status is 1 when a cell is not ok.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent.parent / "src"
sys.path[:0] = [str(HERE.parent)]
import cell  # noqa: E402
import kinds  # noqa: E402
import matrix  # noqa: E402
import render  # noqa: E402

WAYS = ["command", "auto", "hook"]
TOGGLES = ["off", "light", "debug"]
QUICK = [("bare", ""), ("command", "light"), ("auto", "light"), ("hook", "light"), ("hook", "off")]
AT_ONCE = 3
MODULES = ("uvicorn", "gunicorn", "uvicorn_worker", "hypercorn", "granian", "celery", "arq", "taskiq", "ipykernel")
MODULES += ("pytest_asyncio",)


class Column:
    """One way of starting, with the toggle in one position."""

    def __init__(self, python: matrix.Python, way: str, toggle: str) -> None:
        self.python, self.way, self.toggle = python, way, toggle

    @property
    def label(self) -> str:
        return f"{self.way} {self.toggle}".strip()

    @property
    def watches(self) -> bool:
        return self.toggle in ("light", "debug")


class Result:
    """What became of a cell; `outcome` where there was one."""

    def __init__(self, why: str, outcome: cell.Outcome | None = None) -> None:
        self.why, self.outcome, self.attempts = why, outcome, 1

    @property
    def right(self) -> bool:
        return self.why in ("ok", "not watched") or self.why.startswith("needs ")


class Table:
    """What the cells share: interpreters, a Redis, the statuses of the bare programs."""

    def __init__(self, hooked: str, redis: int | None) -> None:
        self.hooked, self.redis = hooked, redis
        self.bare: dict[str, int] = {}

    def run(self, row: kinds.Row, column: Column) -> Result:
        """A cell that came out wrong is tried again, twice: the machine may have been busy."""
        found: Result = matrix.repeated(lambda: self.once(row, column), lambda one: one.right, 2, float("inf"))
        return found

    def once(self, row: kinds.Row, column: Column) -> Result:
        have = {*column.python.modules, *(["redis-server"] if self.redis else [])}
        missing = [name for name in row.needs if name not in have]
        if missing:
            return Result(f"needs {', '.join(missing)}")
        with tempfile.TemporaryDirectory(prefix="servers-") as name:
            folder = Path(name)
            prepare(folder, auto=column.way == "auto")
            python = self.hooked if column.way == "hook" else column.python.path
            start = ["-m", "asyncwatch"] if column.way == "command" else []
            if start and row.words[0].endswith(".py"):
                start.append("--")
            try:
                outcome = cell.run(row, python, start, self.environ(column, folder), folder)
            except cell.Failed as error:
                return Result(str(error))
            return Result(self.judge(row, column, outcome, folder), outcome)

    def environ(self, column: Column, folder: Path) -> dict[str, str]:
        settings = {"PYTHONPATH": os.pathsep.join([str(SOURCE), str(folder)]), "DONE": str(folder / "done")}
        settings |= {"QUEUE": str(folder / "queue"), "REDIS": str(self.redis), "PYTHONWARNINGS": "ignore"}
        if column.toggle:
            settings |= {"ASYNCWATCH": column.toggle, "ASYNCWATCH_OUTPUT": str(folder / "findings")}
        return matrix.clean_environment(settings)

    def judge(self, row: kinds.Row, column: Column, outcome: cell.Outcome, folder: Path) -> str:
        if column.way == "bare":
            self.bare[row.name] = outcome.status
            return "ok" if not outcome.left else f"left {len(outcome.left)} processes"
        faults = list(manners(outcome))
        if row.name in self.bare and outcome.status != self.bare[row.name]:
            faults.append(f"status {outcome.status}, bare {self.bare[row.name]}")
        if not column.watches:
            faults += ["said something"] if outcome.lines or "asyncwatch" in outcome.err else []
            return "; ".join(faults) or "ok"
        if row.only_by_hook and column.way == "command":
            unseen = not any(line["pid"] in outcome.workers for line in outcome.lines)
            return "; ".join(faults) or ("not watched" if unseen else "watched, by whom?")
        return "; ".join([*faults, *findings(row, outcome, folder)]) or "ok"


def manners(outcome: cell.Outcome) -> list[str]:
    """What we did to the program."""
    faults = [f"left {len(outcome.left)} processes"] if outcome.left else []
    if "asyncwatch" in outcome.out or "AW0" in outcome.out:
        faults.append("our words on stdout")
    if "src/asyncwatch" in outcome.err:
        faults.append("our traceback")
    return faults


def findings(row: kinds.Row, outcome: cell.Outcome, folder: Path) -> list[str]:
    """What is wrong with what was said of the processes that did the work."""
    faults = []
    planted = {
        (path.name, number)
        for path in folder.glob("*.py")
        for number, text in enumerate(path.read_text().splitlines(), 1)
        if "# PLANTED" in text
    }
    if not outcome.workers:
        faults.append("no work was done")
    for pid in outcome.workers:
        mine = [line for line in outcome.lines if line["pid"] == pid]
        slow = [line for line in mine if line["code"] == "AW101" and line["level"] == "warning"]
        places = {(os.path.basename(line["where"]["file"]), line["where"]["line"]) for line in slow if "where" in line}
        if not mine:
            faults.append("a worker not watched")
        elif sum(line["code"] == "AW000" for line in mine) != 1:
            faults.append("a worker announced twice")
        elif row.stdin or row.kind == "kernel":
            faults += [] if slow else ["block not found"]
        elif not places & planted:
            faults.append("line not found")
        if sum(line["code"] == "AW099" for line in mine) > 1:
            faults.append("two summaries")
    if any(line["code"] == "AW001" for line in outcome.lines):
        faults.append("a part of ours failed")
    return sorted(set(faults))


def prepare(folder: Path, *, auto: bool) -> None:
    for path in (HERE / "apps").iterdir():
        if path.suffix == ".py":
            shutil.copy(path, folder)
    for name in ("app.py", "work.py") if auto else ():
        text = (folder / name).read_text()
        (folder / name).write_text(f"import asyncwatch.auto\n{text}")
    for name in ("done", "queue"):
        (folder / name).mkdir()


def hooked(python: str, folder: Path) -> str:
    """A Python that has what `python` has, and the start-up hook."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
    own = str(folder / "bin" / "python")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    theirs, ours = (
        subprocess.run([one, "-c", where], capture_output=True, text=True, check=True).stdout.strip()
        for one in (python, own)
    )
    Path(ours, "_theirs.pth").write_text(theirs + "\n")
    env = matrix.clean_environment({"PYTHONPATH": str(SOURCE)})
    subprocess.run([own, "-m", "asyncwatch", "hook", "install"], check=True, env=env, stdout=subprocess.DEVNULL)
    return own


def start_redis(folder: Path) -> tuple[subprocess.Popen[bytes] | None, int | None]:
    program = shutil.which("redis-server")
    if program is None:
        return None, None
    port = cell.free_port()
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL), port


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/servers", description="Make the table of servers and children.")
    parser.add_argument("--quick", action="store_true", help="a row of each kind, five columns; under 3 minutes")
    parser.add_argument("--rows", default="", metavar="TEXT[,TEXT...]", help="only rows whose name has one of these")
    parser.add_argument("--columns", default="", metavar="TEXT[,TEXT...]", help="only these, as 'hook light'")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write every cell with its findings to this file")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    here = matrix.Python(sys.executable, MODULES)
    pairs = QUICK if options.quick else [("bare", ""), *((way, toggle) for way in WAYS for toggle in TOGGLES)]
    columns = [Column(here, *pair) for pair in pairs]
    if options.columns:
        columns = [one for one in columns if one.way == "bare" or one.label in options.columns.split(",")]
    rows = [row for row in kinds.every() if row.quick or not options.quick]
    rows = [row for row in rows if not options.rows or any(text in row.name for text in options.rows.split(","))]
    began, before = time.monotonic(), os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="servers-") as name:
        redis, port = start_redis(Path(name))
        try:
            table = Table(hooked(sys.executable, Path(name, "hooked")), port)
            bare = matrix.run_all("servers", rows, columns[:1], table.run, AT_ONCE)
            results = bare | matrix.run_all("servers", rows, columns[1:], table.run, AT_ONCE)
        finally:
            if redis is not None:
                redis.terminate()
                redis.wait()
    facts = {"seconds": time.monotonic() - began, "cores": os.cpu_count(), "load": [before, os.getloadavg()]}
    print(render.table(rows, columns, results, facts))
    if options.json:
        options.json.write_text(json.dumps(render.plain(rows, columns, results), indent=1) + "\n")
    sys.exit(not all(result.right for result in results.values()))


if __name__ == "__main__":
    main()
