"""The ledger's table in C: it is a dictionary of records, its records are weak references, and both are small."""

from __future__ import annotations

import gc
import random
import sys
import weakref
from typing import Any

import pytest
from conftest import COMPILED

from asyncwatch.hooks import twins
from asyncwatch.hooks.sites import Site

pytestmark = pytest.mark.skipif(not COMPILED, reason="not compiled here")
C: Any = twins.COMPILED

# What `pass_over` is told: when the sweep began, seconds since the last, from which age on Python looks, and when.
NUMBERS = (100.0, 0.25, 5.0, 0.5, 32.0)


class Thing:
    """Something with room for weak references; as a task, for as far as the sweep asks."""

    def done(self) -> bool:
        return False

    def cancelling(self) -> int:
        return 0

    def get_loop(self) -> str:
        return "loop"


def put(table: Any, thing: object, born: float = 99.9, *, discards: bool = False) -> Any:
    record = C.Record(thing)
    record.born, record.site = born, Site((), discards, True)
    table[id(thing)] = record
    return record


@pytest.mark.parametrize("seed", range(5))
def test_it_holds_what_a_dictionary_would(seed: int) -> None:
    """Records put, replaced and taken out at random, ten thousand times, are those of a dictionary, in its order."""
    chance = random.Random(seed)
    table, twin, things = C.Records(), {}, [Thing() for _ in range(3_000)]
    for step in range(10_000):
        thing = chance.choice(things[: 50 if step % 4_000 < 1_000 else 3_000])
        if chance.random() < (0.3 if step % 3_000 < 2_000 else 0.9) and id(thing) in twin:
            del table[id(thing)], twin[id(thing)]
        else:
            twin[id(thing)] = put(table, thing)
        assert len(table) == len(twin)
    assert table.items() == list(twin.items())
    assert table.values() == list(twin.values())
    for thing in things:
        assert table.get(id(thing)) is twin.get(id(thing))
        assert (id(thing) in table) == (id(thing) in twin)
    table.clear()
    assert (len(table), table.values(), table.get(id(things[0]), 5)) == (0, [], 5)


def test_a_record_is_a_weak_reference() -> None:
    """It keeps nothing alive, is gone from the list of its object's when it goes first, and knows when that is gone."""
    thing, table = Thing(), C.Records()
    other = weakref.ref(thing)
    records = [put(table, thing) for _ in range(3)]  # only the last is still in the table
    assert weakref.getweakrefcount(thing) == 4
    assert all(record() is thing for record in records)
    del records[1]
    assert weakref.getweakrefcount(thing) == 3
    waits = C.Waits(thing)
    assert waits() is thing
    del records
    assert set(weakref.getweakrefs(thing)) == {other, waits, table[id(thing)]}
    record = table[id(thing)]
    del thing
    assert (record(), waits(), other()) == (None, None, None)
    assert (len(table), record.waits, record.parent) == (1, None, None)


def test_what_the_collector_clears_away_is_gone_for_its_records() -> None:
    """Of objects in a cycle, too; and no collection comes earlier for the records."""
    table = C.Records()
    gc.collect()
    gc.disable()
    try:
        things = [Thing() for _ in range(500)]
        for thing in things:
            thing.itself = thing  # type: ignore[attr-defined]
        before = gc.get_count()[0]
        records = [C.Record(thing) for thing in things]
        for thing, record in zip(things, records, strict=True):
            table[id(thing)] = record
        assert gc.get_count()[0] - before < 50
        assert not any(map(gc.is_tracked, records))
        del thing, things, record
    finally:
        gc.enable()
    gc.collect()
    assert all(record() is None for record in records)
    assert len(table) == 500


def test_a_cursor_means_the_same_when_records_move() -> None:
    """Each record that is there all the time is visited once, though the table grows and shrinks meanwhile."""
    table, things = C.Records(), [Thing() for _ in range(2_000)]
    for number, thing in enumerate(things):
        put(table, thing, born=1.0 if number % 5 == 0 else 99.9)  # every fifth is so old that Python looks at it
    cursor = table.cursor()
    assert not cursor.left
    cursor.rewind()
    seen, more = [], []
    while cursor.left:
        key, _, _ = cursor.pass_over((), "loop", *NUMBERS)
        seen.append(key)
        more += [Thing() for _ in range(40)]
        for thing in more[-40:]:
            put(table, thing)
        if len(seen) % 50 == 0:
            for thing in more:
                del table[id(thing)]
            more.clear()
    assert [key for key in seen if key is not None] == [id(thing) for thing in reversed(things[::5])]
    del cursor
    table.clear()


def test_only_what_is_gone_and_nowhere_else_is_dropped() -> None:
    """The sweep stops at a task that Python knows more of or is to look at; it counts those that were thrown away."""
    table, here = C.Records(), [Thing() for _ in range(3)]
    gone = [Thing() for _ in range(10)]
    kept = [put(table, thing, discards=number % 2 == 0) for number, thing in enumerate(gone)]
    keys = [id(thing) for thing in gone]
    for thing, born in zip(here, (99.9, 90.0, 99.4), strict=True):
        put(table, thing, born)  # young; old; due
    del gone, thing
    cursor = table.cursor()
    cursor.rewind()
    known = {keys[4]: kept[4]}
    found = [cursor.pass_over(({}, known), "loop", *NUMBERS) for _ in range(4)]
    assert found == [(id(here[2]), 0, 0), (id(here[1]), 0, 0), (keys[4], 2, 1), (None, 2, 0)]
    assert not cursor.left
    assert [key for key, _ in table.items()] == [keys[4], *map(id, here)]


def test_what_it_does_not_know_is_refused() -> None:
    """Anything but records by the address of their task, and anything but dictionaries and numbers, is an error."""
    table, thing = C.Records(), Thing()
    put(table, thing)
    for key, value in ((id(table), C.Record(thing)), (id(thing), weakref.ref(thing)), ("key", C.Record(thing))):
        with pytest.raises(TypeError):
            table[key] = value
    for missing in (1, id(table)):
        with pytest.raises(KeyError):
            table[missing]
        with pytest.raises(KeyError):
            del table[missing]
    for wrong in ((), (1, 2), (None,), (Thing,), (5,)):
        with pytest.raises(TypeError):
            C.Record(*wrong)
    with pytest.raises(TypeError):
        C.Waits(int)
    cursor = table.cursor()
    for arguments in ((), ([], "loop", *NUMBERS), ((), "loop", *NUMBERS[:4]), ((), "loop", *NUMBERS[:4], "x")):
        with pytest.raises(TypeError):
            cursor.pass_over(*arguments)
    with pytest.raises(TypeError):
        type(cursor)()


def test_an_exception_of_a_task_goes_on_where_it_is_no_fault() -> None:
    """A task that raises what is no Exception, as a signal's handler does, raises it; any other is Python's to look at."""
    table, thing = C.Records(), Thing()
    put(table, thing)
    cursor = table.cursor()
    for error, end in ((ValueError, None), (KeyboardInterrupt, KeyboardInterrupt)):

        def done(self: Thing, error: type[BaseException] = error) -> bool:
            raise error

        cursor.rewind()
        kind = type("Raises", (Thing,), {"done": done})
        thing.__class__ = kind
        if end is None:
            assert cursor.pass_over((), "loop", *NUMBERS) == (id(thing), 0, 0)
        else:
            with pytest.raises(end):
                cursor.pass_over((), "loop", *NUMBERS)


def test_times_of_a_wait_are_exact_enough() -> None:
    """They are kept in four bytes each, since the module was loaded: to a hundredth of a second within a day."""
    record = C.Record(Thing())
    start = C.Record(Thing()).since
    for after in (0.0, 0.25, 59.9, 86_400.0):
        record.since = record.due = start + after
        assert record.since == record.due == pytest.approx(start + after, abs=0.01)
    record.due = float("inf")
    assert record.due == float("inf")
    with pytest.raises(AttributeError):
        del record.since


def test_a_record_and_its_wait_are_small() -> None:
    """112 and 64 bytes, and at most 24 for a place in the table however many there are: 200 for a task that waits."""
    thing = Thing()
    assert sys.getsizeof(C.Record(thing)) == 112
    assert sys.getsizeof(C.Waits(thing)) == 64
    assert not gc.is_tracked(C.Record(thing))
