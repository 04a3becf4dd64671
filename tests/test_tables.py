"""Dictionaries that other threads change, and what was found by walking stacks."""

from __future__ import annotations

import gc
import sys
from types import FrameType
from typing import Any

from asyncwatch.hooks.tables import CHUNK, chunks_of, items_of
from asyncwatch.hooks.ways import MOST_STEPS, Ways


def test_items_are_those_of_one_moment() -> None:
    """A collection in the middle, in which the dictionary is changed as by another thread, breaks nothing."""
    table = dict.fromkeys(range(100), 0)

    def change(phase: str, info: object) -> None:
        table[len(table)] = 1

    before = gc.get_threshold()
    gc.callbacks.append(change)
    gc.set_threshold(1)
    try:
        found = [items_of(table) for _ in range(20)]
    finally:
        gc.callbacks.remove(change)
        gc.set_threshold(*before)
    assert all([key for key, _ in one] == list(range(len(one))) for one in found)
    assert gc.isenabled()


def test_chunks_are_all_there_is() -> None:
    """In the order of the table, each as large as a chunk, the last filled up; nothing of nothing."""
    assert chunks_of({}) == []
    for number in (1, CHUNK, 2 * CHUNK + 1):
        found = chunks_of(dict.fromkeys(range(number)))
        assert {len(chunk) for chunk in found} == {CHUNK}
        assert [key for chunk in found for key in chunk if key is not None] == list(range(number))


def bottom(ways: Ways, last: FrameType, root: FrameType | None, found: str) -> object:
    """What was found before by way of these frames; `found` is learned where nothing was."""
    frame = sys._getframe(1)
    known = ways.find(frame, root)
    if known is None and found:
        ways.learn(frame, last, root, found)
    return known


def down(depth: int, ways: Ways, last: FrameType, root: FrameType | None, found: str) -> object:
    return down(depth - 1, ways, last, root, found) if depth else bottom(ways, last, root, found)


def test_a_way_is_found_by_the_frames_that_led_there() -> None:
    """The same frames lead to the same end, others to none; where a task's outermost frame is the end, only such do."""
    ways, own = Ways(str), sys._getframe()
    found = []
    for root, end in [(None, "plain"), (None, "-"), (own, "ended"), (None, ""), (own, "")]:
        found.append(down(3, ways, own, root, end))
    assert found == [None, "plain", None, "plain", "ended"]
    assert down(3, ways, own, None, "") is None, "another place in this function"
    for depth in (2, 4):
        assert [down(depth, ways, own, None, "other") for _ in range(2)] == [None, "other"]


def test_ways_are_forgotten_when_there_are_too_many() -> None:
    """Who reads the steps keeps the same dictionary, and it does not grow for ever."""
    ways = Ways(str)
    steps = ways.steps
    for number in range(MOST_STEPS + 2):
        space: dict[str, Any] = {"sys": sys}
        exec(compile("def one(): return sys._getframe()", f"{number}", "exec"), space)
        frame = space["one"]()
        ways.learn(frame, frame, None, "end")
    assert ways.steps is steps
    assert len(ways._codes) < MOST_STEPS
