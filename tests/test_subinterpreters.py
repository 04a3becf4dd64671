"""Other interpreters in the process: the watcher neither reads their threads' frames nor asks what cannot answer."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from conftest import RUN, each_loop, run_watched

NAME = "_interpreters" if importlib.util.find_spec("_interpreters") else "_xxsubinterpreters"
pytestmark = pytest.mark.skipif(importlib.util.find_spec(NAME) is None, reason="this Python shows no other interpreters")

TEXT = f"""
import {NAME} as interpreters
from asyncwatch.hooks import dumps
take, made = dumps.DumpFile.take, []
def taken(self):
    found = take(self)
    made.extend(found)
    return found
dumps.DumpFile.take = taken

COMPUTES = '''
import time
end = time.monotonic() + 0.5
while time.monotonic() < end:
    for _ in range(1000):
        pass
'''

def computes():
    other = interpreters.create()
    run = getattr(interpreters, "exec", None) or interpreters.run_string
    run(other, COMPUTES)
    interpreters.destroy(other)

async def main():
    await asyncio.to_thread(computes)
    computes()

"""


@each_loop
@pytest.mark.parametrize("text", ["run(main())\n", "loop = loops.new_event_loop()\ncomputes()\nloop.close()\n", "computes()\n"])
def test_another_interpreter_computes_in_peace(program: Any, tmp_path: Path, kind: str, text: str) -> None:
    """In a thread, on the loop and beside it another interpreter computes: the program ends well, and no stack is
    written down while the main thread runs what answers no signal."""
    run = run_watched(program(TEXT.join((RUN, text + "print(made)\n"))), kind, folder=tmp_path)
    assert (run.status, run.out) == (0, "[]\n"), run.err
    assert [line for line in run.findings if line["code"] == "AW001"] == []
