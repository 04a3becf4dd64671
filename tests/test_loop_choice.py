"""`--loop uvloop`: a program that asks for no loop gets it, one that asks keeps its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from launching.harness import BOOT, python, watched

uvloop = pytest.importorskip("uvloop")

ASKED = "import asyncio, uvloop\nasync def kind(): return type(asyncio.get_running_loop()).__module__.split('.')[0]\n"

NONE_ASKED = {
    "run": "print(asyncio.run(kind()))",
    "runner": "with asyncio.Runner() as r: print(r.run(kind()))",
    "new loop": "loop = asyncio.new_event_loop(); print(loop.run_until_complete(kind())); loop.close()",
    "thread": "import threading; t = threading.Thread(target=lambda: print(asyncio.run(kind()))); t.start(); t.join()",
    "default policy": "import warnings; warnings.simplefilter('ignore')\n"
    "asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy()); print(asyncio.run(kind()))",
}
ASKED_FOR_ASYNCIO = {
    "factory": "with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as r: print(r.run(kind()))",
    "class": "loop = asyncio.SelectorEventLoop(); print(loop.run_until_complete(kind())); loop.close()",
    "policy": "import warnings; warnings.simplefilter('ignore')\n"
    "class P(asyncio.DefaultEventLoopPolicy):\n    def new_event_loop(self): return asyncio.SelectorEventLoop()\n"
    "asyncio.set_event_loop_policy(P()); print(asyncio.run(kind()))",
}


def kind_of(tmp_path: Path, text: str, *options: str) -> str:
    """The package of the loop that the program ran on; it must not have been warned of anything."""
    (tmp_path / "app.py").write_text(ASKED + text)
    found = watched(*options, "app.py", profile="light", cwd=tmp_path, flags=["-W", "error"])
    assert (found.status, found.err) == (0, "")
    return found.out.strip()


@pytest.mark.parametrize("way", NONE_ASKED)
def test_a_program_that_asks_for_no_loop_gets_the_chosen_one(tmp_path: Path, way: str) -> None:
    """Every way to a default loop leads to uvloop with the option, and to asyncio's without."""
    assert kind_of(tmp_path, NONE_ASKED[way], "--loop", "uvloop") == "uvloop"
    assert kind_of(tmp_path, NONE_ASKED[way], "--loop", "asyncio") == "asyncio"


@pytest.mark.parametrize("way", ASKED_FOR_ASYNCIO)
def test_a_program_that_asks_keeps_its_loop(tmp_path: Path, way: str) -> None:
    """A factory, a class or a policy of the program's own wins over the option."""
    assert kind_of(tmp_path, ASKED_FOR_ASYNCIO[way], "--loop", "uvloop") == "asyncio"


def test_the_loop_that_a_program_chooses_beats_the_option(tmp_path: Path) -> None:
    """uvloop chosen by the program stays, whatever --loop says."""
    text = "with asyncio.Runner(loop_factory=uvloop.new_event_loop) as r: print(r.run(kind()))"
    assert kind_of(tmp_path, text, "--loop", "asyncio") == "uvloop"


def test_off_leaves_the_loop_alone(tmp_path: Path) -> None:
    """The option means nothing in profile off."""
    (tmp_path / "app.py").write_text(ASKED + NONE_ASKED["run"])
    assert watched("--loop", "uvloop", "app.py", profile="off", cwd=tmp_path).out == "asyncio\n"


def test_a_missing_uvloop_is_one_line_and_status_2(tmp_path: Path) -> None:
    """Without uvloop the option cannot be had, and the program does not start."""
    (tmp_path / "app.py").write_text("print('started')")
    setup = "import sys; sys.modules['uvloop'] = None"
    args = ["--profile=light", "--loop=uvloop", "app.py"]
    found = python("-c", f"{setup}\n{BOOT}", *args, cwd=tmp_path)
    assert (found.status, found.out) == (2, "")
    assert found.err == "asyncwatch: --loop uvloop: uvloop is not installed (pip install uvloop)\n"


@pytest.mark.parametrize("policies", [True, False], ids=["policies", "no policies"])
def test_the_undo_leaves_asyncio_as_it_was(policies: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the undo new loops are asyncio's again, also on a Python that has no policies any more."""
    from asyncwatch.hooks import loop_choice

    if not policies:
        monkeypatch.setattr(loop_choice, "_default_policies", lambda: iter(()))
    kinds = []
    before = (asyncio.new_event_loop, asyncio.events.new_event_loop)
    undo = loop_choice.choose("uvloop")
    for step in (undo, lambda: None):
        with asyncio.Runner() as runner:
            kinds.append(type(runner.get_loop()).__module__.split(".")[0])
        step()
    assert kinds == ["uvloop", "asyncio"]
    assert (asyncio.new_event_loop, asyncio.events.new_event_loop) == before
