"""blockbuster's own test programs under asyncwatch: each is run by itself, without blockbuster's own watch.

What a test expects to be stopped must be reported in it, what it expects to pass must not. The file says which:
a test that waits for `BlockingError` expects to be stopped.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from matrix import clean_environment

# What they stop and we do not report, on purpose.
NO_WAIT = {
    "test_os_getcwd": "touches no disk",
    "test_os_path_abspath": "touches no disk",
    "test_os_path_samestat": "compares two results",
    "test_os_path_sameopenfile": "asks about open files",
    "test_blocking_error_trace_includes_virtual_callsite": "sleeps for 0 s",
    "test_os_read": "reads /dev/null",
    "test_os_write": "writes /dev/null",
    "test_os_scandir": "the open iterator; os.scandir itself is reported",
    "test_sqlite_connnection_execute": "",
}
DRIVER = """
import asyncio, inspect, os, signal, sys, tempfile
name, folder = sys.argv[1:]
sys.path.insert(0, folder)
os.chdir(folder)
sys.stdin = open(os.devnull)
from tests import test_blockbuster as module
from blockbuster import BlockBuster
def give_up(*_): raise TimeoutError
signal.signal(signal.SIGALRM, give_up)
test = getattr(module, name)
def value(parameter):
    if parameter == "blockbuster":
        return BlockBuster()
    made = getattr(module, parameter)
    made = getattr(made, "_fixture_function", None) or made.__wrapped__
    fixtures.append(made())
    return next(fixtures[-1])
fixtures = []
given = {parameter: value(parameter) for parameter in inspect.signature(test).parameters}
async def main():
    signal.alarm(5)
    try:
        await asyncio.create_task(test(**given), name="theirs")
    except BaseException as error:
        print(type(error).__name__)
    finally:
        signal.alarm(0)
    await asyncio.sleep(0.05)
asyncio.run(main())
"""


def programs(path: Path) -> dict[str, tuple[int, int, bool]]:
    """Each asynchronous test by name: its first and last line, and whether it expects to be stopped."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_"):
            raises = any(isinstance(one, ast.Name) and one.id == "BlockingError" for one in ast.walk(node))
            parameters = {argument.arg for argument in node.args.args}
            if parameters <= {"test_file", "tar_member"}:
                found[node.name] = node.lineno, node.end_lineno or node.lineno, raises
    return found


def one(python: str, folder: Path, watch: Sequence[str], name: str, first: int, last: int) -> list[str] | None:
    """What asyncwatch reports inside the test, None when it could not be run."""
    with tempfile.TemporaryDirectory() as here:
        driver, output = Path(here, "driver.py"), Path(here, "findings.jsonl")
        driver.write_text(DRIVER)
        command = [python, *watch, str(output), str(driver), name, str(folder)]
        done = subprocess.run(
            command, env=clean_environment({}), capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode != 0 or not output.exists():
            print(done.stderr[-300:], file=sys.stderr)
            return None
        lines = [json.loads(line) for line in output.read_text().splitlines()]
    return [
        line["evidence"]["call"]
        for line in lines
        if line["code"] == "AW104"
        and line.get("where", {}).get("file", "").endswith("test_blockbuster.py")
        and first <= line["where"]["line"] <= last
    ]


def report(python: str, folder: Path, watch: Sequence[str]) -> None:
    """Print what became of each of their programs."""
    tests = programs(folder / "tests" / "test_blockbuster.py")
    with ThreadPoolExecutor(2) as pool:
        said = dict(
            zip(
                tests,
                pool.map(lambda item: one(python, folder, watch, item[0], *item[1][:2]), tests.items()),
                strict=True,
            )
        )
    print(f"\nblockbuster's own asynchronous tests: {len(tests)} programs")
    stopped = [name for name, (_, _, raises) in tests.items() if raises]
    print(f"  of {len(stopped)} that expect to be stopped, reported: {sum(bool(said[name]) for name in stopped)}")
    for name in stopped:
        if not said[name]:
            print(f"    not: {name}: {NO_WAIT.get(name) or ('did not run' if said[name] is None else 'missed')}")
    passing = [name for name in tests if name not in stopped]
    print(f"  of {len(passing)} that expect to pass, reported: {sum(bool(said[name]) for name in passing)}")
    for name in passing:
        if said[name]:
            print(f"    {name}: {', '.join(dict.fromkeys(said[name] or ()))}")
