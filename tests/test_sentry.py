"""Beside Sentry's SDK: it hears what it would hear without us, each exception as often, and we say it in a finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import run_python, run_watched

PROGRAM = """
import asyncio, gc, json, logging, re, sys, time
import sentry_sdk
from sentry_sdk.integrations.asyncio import AsyncioIntegration
from sentry_sdk.transport import Transport

EVENTS = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        EVENTS.extend(item.payload.json for item in envelope.items if item.type == "event")

def begin(*integrations):
    sentry_sdk.init(dsn="https://key@localhost/1", transport=Kept, integrations=integrations)

async def fail():
    raise ValueError("nobody asks")

async def asked():
    raise LookupError("somebody asks")

def broken():
    raise KeyError("callback")

async def main():
    if sys.argv[1] == "asyncio":
        begin(AsyncioIntegration())
    failing = asyncio.create_task(fail(), name="fails")
    await asyncio.wait([failing])
    del failing
    gc.collect()
    await asyncio.gather(asyncio.create_task(asked(), name="asked"), return_exceptions=True)
    asyncio.get_running_loop().call_soon(broken)
    await asyncio.sleep(0.01)
    logging.getLogger("shop").error("the program's own")

if sys.argv[1] != "asyncio":
    begin()
asyncio.run(main())
for event in EVENTS:
    text = (event.get("logentry") or {}).get("message", "")
    text = text if "Task exception" not in text else re.sub(r" (created at|coro=).*", "", text)
    exceptions = event.get("exception", {}).get("values", [])
    raised = [[one["type"], one["value"], one["mechanism"]["type"]] for one in exceptions]
    print(json.dumps([event.get("logger"), event.get("level"), text.partition(" at ")[0], raised]))
"""


@pytest.mark.parametrize("integration", ["logging", "asyncio"])
@pytest.mark.parametrize("profile", ["light", "debug"])
def test_sentry_hears_each_exception_as_often_as_without_us(
    program: Any, tmp_path: Path, integration: str, profile: str
) -> None:
    """The events that reach Sentry's transport are those of the bare program: none swallowed, none of ours added."""
    path = program(PROGRAM)
    mode = ["-X", "dev"] if profile == "debug" else []
    bare = run_python(*mode, str(path), integration, cwd=tmp_path)
    watched = run_watched(path, integration, folder=tmp_path, profile=profile)
    heard = [json.loads(line) for line in bare.out.splitlines()]
    kinds = [kind for *_, raised in heard for kind, _, _ in raised]
    assert kinds.count("ValueError") >= 1, bare.err
    assert kinds.count("KeyError") == 1
    assert watched.out == bare.out
    codes = sorted(one["code"] for one in watched.findings if one["code"] in ("AW204", "AW403"))
    assert codes == ["AW204", "AW403"]
    assert "nobody asks" not in watched.err


def test_our_own_findings_are_no_events(program: Any, tmp_path: Path) -> None:
    """A finding about what asyncio says nothing of reaches our output and not Sentry."""
    text = PROGRAM.replace("async def main():\n", "async def main():\n    time.sleep(0.3)\n")
    watched = run_watched(program(text), "logging", folder=tmp_path)
    assert "AW101" in {one["code"] for one in watched.findings}
    assert not [line for line in watched.out.splitlines() if "AW101" in line or "held the loop" in line]
    assert watched.out == run_python(str(tmp_path / "program.py"), "logging", cwd=tmp_path).out
