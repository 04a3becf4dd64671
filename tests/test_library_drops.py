"""A library that drops a task: AW201 at its line, whatever has become of the parent and whoever called the library."""

from __future__ import annotations

import asyncio
from asyncio import base_subprocess
from typing import Any

import pytest

import asyncwatch
from asyncwatch.findings import Finding

SOURCE = """
import asyncio

async def work(seconds):
    await asyncio.sleep(seconds)

async def handle(seconds):
    asyncio.create_task(work(seconds))

def helper(seconds):
    return asyncio.create_task(work(seconds))

async def handle_by_helper(seconds):
    helper(seconds)
"""
LINE = 8


def library() -> dict[str, Any]:
    """Functions whose code looks like an installed package's."""
    names: dict[str, Any] = {"__name__": "library"}
    exec(compile(SOURCE, "/usr/lib/python3/site-packages/library.py", "exec"), names)
    return names


def only(findings: list[Finding]) -> Finding:
    [finding] = [finding for finding in findings if finding.rule.code.startswith("AW2")]
    return finding


def test_dropped_though_the_parent_is_done() -> None:
    """The parent's end let go of nothing: the task was dropped before."""

    async def main() -> None:
        await asyncio.create_task(library()["handle"](1.2))
        await asyncio.sleep(1)

    with asyncwatch.watch(output=()) as watch:
        asyncio.run(main())
        watch.flush()
    finding = only(watch.findings)
    assert (finding.rule.code, finding.level) == ("AW201", "info")
    assert finding.where is not None
    assert (finding.where.line, finding.where.function) == (LINE, "handle")


def test_dropped_by_the_caller_of_a_helper() -> None:
    """A helper that returns the task to a caller that drops it, both the library's."""

    async def main() -> None:
        await asyncio.create_task(library()["handle_by_helper"](1.2))
        await asyncio.sleep(1)

    with asyncwatch.watch(output=()) as watch:
        asyncio.run(main())
        watch.flush()
    finding = only(watch.findings)
    assert (finding.rule.code, finding.level) == ("AW201", "info")
    assert [frame.function for frame in finding.stack] == ["handle_by_helper", "helper"]
    assert "since handle_by_helper() dropped it" in finding.event


def test_dropped_and_pending_at_shutdown() -> None:
    """It was dropped, which is more than that the shutdown met it. The program called the library, and dropped nothing."""

    async def main() -> None:
        await library()["handle"](60)
        await asyncio.sleep(0.1)

    with asyncwatch.watch(output=()) as watch:
        asyncio.run(main())
        watch.flush()
    finding = only(watch.findings)
    assert (finding.rule.code, finding.level) == ("AW201", "info")
    assert "since handle() dropped it" in finding.event


def test_dropped_by_asyncio_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What asyncio's own statement throws away, as a subprocess's transport does, is info however long it takes: the
    program that asked for a process can change nothing."""
    transport = base_subprocess.BaseSubprocessTransport
    original = transport._connect_pipes  # type: ignore[attr-defined]

    async def slow(self: Any, waiter: Any) -> None:
        await asyncio.sleep(1.2)
        await original(self, waiter)

    async def main() -> int:
        process = await asyncio.create_subprocess_exec("true")
        return await process.wait()

    monkeypatch.setattr(transport, "_connect_pipes", slow)
    with asyncwatch.watch(output=()) as watch:
        assert asyncio.run(main()) == 0
        watch.flush()
    finding = only(watch.findings)
    assert (finding.rule.code, finding.level) == ("AW201", "info")
    assert "since __init__() dropped it" in finding.event
