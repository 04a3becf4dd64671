"""What debug mode asks of each callback: asked for less, answered as by asyncio."""

from __future__ import annotations

import asyncio
import functools
import inspect
import traceback
from asyncio import base_events
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

import asyncwatch
from asyncwatch.frames import PACKAGE
from asyncwatch.hooks import checks


async def coroutine_function() -> None: ...


def function(*_: object) -> None: ...


def marked(name: str, value: Any) -> Callable[..., None]:
    def callback(*_: object) -> None: ...

    setattr(callback, name, value)
    return callback


class Things:
    """Methods of all kinds."""

    def method(self) -> None: ...

    async def coroutine_method(self) -> None: ...

    partial_method = functools.partialmethod(method)
    partial_coroutine_method = functools.partialmethod(coroutine_method)

    @classmethod
    def class_method(cls) -> None: ...

    @staticmethod
    async def static_method() -> None: ...


class Called:
    """Its instances can be called."""

    def __init__(self, **names: Any) -> None:
        vars(self).update(names)

    def __call__(self) -> None: ...


class TaskStepMethWrapper:
    """Looks like a task's step and is none; it cannot be called."""


CALLBACKS: list[Any] = [
    *(function, lambda: None, print, [].append, int, Things, Called(), 7, None, TaskStepMethWrapper()),
    *(coroutine_function, functools.partial(coroutine_function), functools.partial(functools.partial(function))),
    *(Things().method, Things().coroutine_method, Things.class_method, Things.static_method, Things().static_method),
    *(Things().partial_method, Things().partial_coroutine_method, mock.Mock(), mock.AsyncMock()),
    *(marked("_is_coroutine", True), marked("_is_coroutine_marker", True), Called(_is_coroutine=True)),
    marked("_is_coroutine", getattr(asyncio.coroutines, "_is_coroutine", None)),
    marked("_is_coroutine_marker", getattr(inspect, "_is_coroutine_mark", getattr(inspect, "_is_coroutine_marker", None))),
    marked("__partialmethod__", functools.partialmethod(coroutine_function)),
]


def answer(callback: Any) -> str:
    loop = asyncio.new_event_loop()
    try:
        for ask in (loop.call_soon, functools.partial(loop.call_later, 9)):
            try:
                ask(callback)
            except TypeError as error:
                entries = traceback.extract_tb(error.__traceback__)
                assert not any(entry.filename.startswith(PACKAGE) for entry in entries)
                return str(error)
        return "taken"
    finally:
        loop.close()


@pytest.mark.parametrize("number", range(len(CALLBACKS)))
def test_each_callback_is_taken_or_refused_as_by_asyncio(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same are refused, with the same words and without a frame of ours."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    bare = answer(CALLBACKS[number])
    with asyncwatch.watch(profile="debug", output=()):
        assert hasattr(base_events.BaseEventLoop._check_callback, "__wrapped__")  # type: ignore[attr-defined]
        assert answer(CALLBACKS[number]) == bare


def test_both_answers_are_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list above has callbacks that asyncio takes and such as it refuses."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    found = [answer(callback) for callback in CALLBACKS]
    assert found.count("taken") >= 8
    assert len(set(found)) >= 4


def test_only_in_debug_and_only_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profile light leaves the check alone, and a check that asks something else is left alone in every profile."""
    name = checks.NAME
    before = vars(base_events.BaseEventLoop)[name]
    with asyncwatch.watch(profile="light", output=()):
        assert vars(base_events.BaseEventLoop)[name] is before

    def another(self: Any, callback: Any, method: str) -> None:
        print(callback)

    monkeypatch.setattr(base_events.BaseEventLoop, name, another)
    with asyncwatch.watch(profile="debug", output=()):
        assert vars(base_events.BaseEventLoop)[name] is another
