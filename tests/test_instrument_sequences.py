"""Our instruments beside trio's: the same programs, hook for hook. The programs are in instruments/sequences.py."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import LOOPS, Runs, run_python

from asyncwatch.hooks.births import POSSIBLE
from asyncwatch.instrument import HOOKS

PROGRAM = Path(__file__).parent / "instruments" / "sequences.py"
HAS_TRIO = importlib.util.find_spec("trio") is not None
EAGER = [f"{loop}-eager" for loop in LOOPS] if POSSIBLE else []

# What trio's tests expect of the task that is recorded throughout.
STEP = ["before_task_step", "task_scheduled", "after_task_step"]
LAST = ["before_task_step", "task_exited", "after_task_step"]
START = ["before_run", "task_spawned", "task_scheduled"]
EAGER_START = ["before_run", "task_spawned"]


def seen(runs: Runs, kind: str) -> dict[str, Any]:
    """What each scenario saw with this kind of loop."""
    done = runs.get("sequences", kind, make=lambda: run_python(str(PROGRAM), kind, cwd=runs.folder))
    assert done.status == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def expected(start: list[str]) -> dict[str, Any]:
    """What all scenarios see that are about sequences."""
    return {
        "instruments": {
            "whole": [*start, *STEP * 5, *LAST, "after_run"],
            "second": [*start, *STEP * 4, "before_task_step"],
            "third": ["task_scheduled", "after_task_step", *LAST, "after_run"],
            "first is second, then third": True,
            "removed twice": "KeyError",
        },
        "interleave": {name: [*start, *STEP, *LAST, "after_run"] for name in ("left", "right")},
        "null": {"ended": [True]},
        "before_after_run": {"seen": ["before_run", "main", "after_run"]},
        "spawn_exit": {name: ["task_spawned", "task_exited"] for name in ("main", "child")},
        "crash": {"seen": ["scheduled", "main ran"], "other": [*START, *LAST, "after_run"], "faults": ["ValueError"]},
        "monkeypatch": {"counts": [0, 2, 2]},
        "raises_on_getattr": {"seen": ["oops", "KeyError"]},
    }


@pytest.mark.parametrize("kind", [*(["trio"] if HAS_TRIO else []), *LOOPS])
def test_each_scenario_sees_what_trio_sees(runs: Runs, kind: str) -> None:
    """In trio's own tests an instrument sees the same hooks in the same order on asyncio's loop and on uvloop."""
    found = seen(runs, kind)
    assert {name: found[name] for name in expected(START)} == expected(START)


@pytest.mark.parametrize("kind", EAGER)
def test_an_eager_task_is_not_scheduled_first(runs: Runs, kind: str) -> None:
    """With eager tasks the sequences differ from trio's in one thing: the first step follows the birth at once."""
    found = seen(runs, kind)
    assert {name: found[name] for name in expected(EAGER_START)} == expected(EAGER_START)


@pytest.mark.parametrize("kind", [*LOOPS, *EAGER])
def test_the_waits_are_those_of_the_loops_that_wait_in_python(runs: Runs, kind: str) -> None:
    """`before_io_wait` and `after_io_wait` come in pairs on asyncio's loop, and not at all on uvloop."""
    assert seen(runs, kind)["waits"] == {"any": kind.startswith("asyncio"), "in pairs": True}


@pytest.mark.skipif(not HAS_TRIO, reason="needs trio")
@pytest.mark.parametrize("kind", LOOPS)
def test_every_hook_of_trios_is_called(runs: Runs, kind: str) -> None:
    """Each hook trio calls is called here, but for what the loop cannot offer; where a task is current is our own."""
    theirs, ours = seen(runs, "trio")["context"], seen(runs, kind)["context"]
    missing = {"before_io_wait", "after_io_wait"} if kind == "uvloop" else set()
    assert theirs.keys() - ours.keys() == missing
    # A loop is running in each of them but the two around the run, and task_spawned and task_scheduled of the root.
    for name in ("before_task_step", "after_task_step", "task_exited"):
        assert [running for running, _ in ours[name]] == [True]
    assert set(HOOKS) - theirs.keys() == {"before_callback", "after_callback"}


def test_the_interface_is_trios() -> None:
    """Every public method of trio's abstract instrument is one of ours, with the parameters of the same names."""
    if not HAS_TRIO:
        pytest.skip("needs trio")
    code = (
        "import inspect, trio, asyncwatch\n"
        "for name, method in vars(trio.abc.Instrument).items():\n"
        "    if not name.startswith('_'):\n"
        "        ours = getattr(asyncwatch.Instrument, name)\n"
        "        print(name, list(inspect.signature(method).parameters) == list(inspect.signature(ours).parameters))\n"
    )
    done = run_python("-c", code, cwd=PROGRAM.parent)
    lines = done.out.splitlines()
    assert len(lines) == 9, done.err
    assert all(line.endswith(" True") for line in lines)
