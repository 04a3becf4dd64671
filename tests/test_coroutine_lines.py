"""AW301 without origin tracking: what is found in the code afterwards, held against what the interpreter remembers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ALL_VICTIMS, LOOPS, Runs, Victim, each_loop, run_python, run_watched

FORGOTTEN = [victim for victim in ALL_VICTIMS if victim.name.startswith("aw301_")]


@pytest.mark.parametrize("kind", LOOPS)
@pytest.mark.parametrize("victim", FORGOTTEN, ids=lambda victim: victim.name)
def test_a_line_called_the_creating_one_is_that(runs: Runs, victim: Victim, kind: str) -> None:
    """In light, each place said to be that of the creation is the one that origin tracking gives in debug."""
    found = {}
    for profile in ("light", "debug"):
        make = lambda profile=profile: run_watched(victim.path, kind, folder=runs.folder, profile=profile)  # noqa: E731
        run = runs.get(victim.name, kind, profile, make=make)
        lines = [line for line in run.findings if line["code"] == "AW301"]
        found[profile] = {
            (one["evidence"]["coroutine"], one["where"]["line"], one["evidence"]["line_is"]) for one in lines
        }
    created = {one for one in found["light"] if one[2] == "created"}
    assert created
    assert created <= found["debug"]
    assert {line_is for _, _, line_is in found["debug"]} == {"created"}


def forgotten(path: Path, *options: str) -> list[dict[str, Any]]:
    run = run_watched(path, *options, folder=path.parent)
    assert run.status == 0, run.err
    assert "was never awaited" not in run.err
    return [line for line in run.findings if line["code"] == "AW301"]


def test_a_registry_makes_it_unprovable(program: Any) -> None:
    """A function that something else holds may be called by that: its one call in the code is a candidate, no more."""
    text = """
import asyncio, gc

registry = set()

def register(function):
    registry.add(function)
    return function

@register
async def job():
    pass

async def proper():
    one = job()
    await one

async def main():
    await proper()
    for function in registry:
        box = [function()]
        box.append(box)
    del box
    gc.collect()

asyncio.run(main())
"""
    [finding] = forgotten(program(text))
    assert (finding["evidence"]["line_is"], finding["where"]["function"]) == ("defined", "job")
    assert [one["line"] for one in finding["evidence"]["candidates"]] == [15]


def test_the_one_call_of_a_program_of_several_modules(program: Any) -> None:
    """The collector tells no line; the only call, in another module and under another name, is where it was created."""
    program("async def job():\n    pass\n", "jobs.py")
    program(
        "import jobs as j\n\nclass Node:\n    def __init__(self):\n        self.own = self\n        self.job = j.job()\n",
        "nodes.py",
    )
    main = program(
        "import asyncio, gc\nimport nodes\n\nasync def main():\n    nodes.Node()\n    gc.collect()\n\nasyncio.run(main())\n"
    )
    [finding] = forgotten(main)
    assert Path(finding["where"]["file"]).name == "nodes.py"
    assert (finding["where"]["line"], finding["evidence"]["line_is"]) == (6, "created")


def test_a_decorated_function_is_the_one_that_its_author_wrote(program: Any) -> None:
    """Of an async wrapper around a function the definition is the function's, and its call is found by its own name."""
    text = """
import asyncio, functools

def retried(function):
    @functools.wraps(function)
    async def attempt(*args):
        return await function(*args)
    return attempt

@retried
async def fetch():
    pass

async def main():
    fetch()

asyncio.run(main())
"""
    [finding] = forgotten(program(text))
    assert finding["evidence"]["defined_at"]["function"] == "fetch"
    assert (finding["where"]["line"], finding["evidence"]["line_is"]) == (15, "created")


@each_loop
def test_a_flood_from_one_line_is_counted(program: Any, tmp_path: Path, kind: str) -> None:
    """Ten thousand drops in a row are one finding with its count; the program's own loop is not kept by the search."""
    text = """
import asyncio, sys

async def job():
    pass

async def main():
    for _ in range(100):
        for _ in range(100):
            job()
        await asyncio.sleep(0)

if sys.argv[1:] == ["uvloop"]:
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""
    run = run_watched(program(text), kind, folder=tmp_path)
    found = [line for line in run.lines if line["code"] == "AW301"]
    assert {(line["where"]["line"], line["evidence"]["line_is"]) for line in found} == {(10, "created")}
    assert run.lines[-1]["evidence"]["findings"]["AW301"] + run.lines[-1]["evidence"]["dropped_events"] >= 10_000


def test_one_dropped_by_the_last_line_of_the_program_is_said(program: Any, tmp_path: Path) -> None:
    """What is dropped just before the watching ends is still looked into."""
    text = """
import asyncwatch, asyncio

async def job():
    pass

watch = asyncwatch.install(output=(), format="json")
asyncio.run(asyncio.sleep(0))
job()
watch.uninstall()
print([(one.where.line, one.evidence["line_is"]) for one in watch.findings if one.rule.code == "AW301"])
"""
    done = run_python(str(program(text)), cwd=tmp_path)
    assert done.out == "[(9, 'created')]\n", done.err


def test_errors_stay_errors(program: Any, tmp_path: Path) -> None:
    """With `-W error` the interpreter's own exception is raised and ignored as without us, and the finding stands."""
    text = "import asyncio\n\nasync def job():\n    pass\n\nasync def main():\n    job()\n\nasyncio.run(main())\n"
    path = program(text)
    out = tmp_path / "out"
    own = ["-m", "asyncwatch", "--profile", "light", "--format", "json", "--output", str(out)]
    done = run_python("-W", "error", *own, str(path), cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert [
        line["where"]["line"] for line in map(json.loads, out.read_text().splitlines()) if line["code"] == "AW301"
    ] == [7]
