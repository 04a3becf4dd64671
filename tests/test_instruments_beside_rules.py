"""The rules go on as they do: programs of the victims', played again with an instrument that has every hook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import ALL_VICTIMS, VICTIMS, Victim, each_loop, is_busy, run_python, run_watched
from test_victims import compare

WRAPPED = """
import runpy, sys
import asyncwatch
from asyncwatch.instrument import HOOKS

class Every(asyncwatch.Instrument):
    calls = 0

def hook(self, *args):
    self.calls += 1

for name in HOOKS:
    setattr(Every, name, hook)
every = Every()
if "--bare" in sys.argv:
    sys.argv.remove("--bare")
else:
    asyncwatch.add_instrument(every)
del sys.argv[0]
sys.argv[0] = f"{VICTIMS}/{sys.argv[0]}.py"
sys.path.insert(0, VICTIMS)
runpy.run_path(sys.argv[0], run_name="__main__")
if asyncwatch.hooks.instruments._open:
    asyncwatch.remove_instrument(every)
    assert every.calls
"""
NAMES = [
    "aw101_callbacks",
    "aw101_eager",
    "aw201_ways",
    "aw202_parents",
    "aw204_failures",
    "aw207_deadlocks",
    "aw209_cancelled",
    "aw403_callbacks",
    "healthy_factories",
    "healthy_holders",
    "healthy_patterns",
    "healthy_storm",
]


@each_loop
@pytest.mark.parametrize("victim", [one for one in ALL_VICTIMS if one.name in NAMES], ids=lambda victim: victim.name)
def test_what_is_said_is_what_is_marked(victim: Victim, kind: str, program: Any, tmp_path: Path) -> None:
    """With every hook implemented each finding is where it is without, the program's output, too."""
    if victim.why_not():
        pytest.skip(victim.why_not())
    path = program(f"import asyncwatch.hooks.instruments\nVICTIMS = {str(VICTIMS)!r}\n" + WRAPPED)
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        run = run_watched(path, victim.name, kind, folder=folder, options=victim.options)
        difference = compare(run, victim, "light")
        if not difference or not is_busy():
            break
    assert not difference, difference
    bare = run_python(str(path), "--bare", victim.name, kind, cwd=tmp_path)
    assert (run.status, run.out) == (bare.status, bare.out), run.err
