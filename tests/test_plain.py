"""Records without generated code behave as the dataclasses that they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from asyncwatch import plain


@plain.record
class Base:
    number: int


@plain.record
class Row(Base):
    name: str = "one"
    tags: tuple[str, ...] = ()

    @property
    def long(self) -> str:
        return f"{self.name} {self.number}"


def test_it_is_a_record() -> None:
    """Fields of base and class, defaults, equality, hash, text and methods are as a dataclass has them."""
    one = Row(1)
    assert (one.number, one.name, one.tags, one.long) == (1, "one", (), "one 1")
    assert one == Row(1, "one", tags=()) != Row(2)
    assert one != Base(1) != (1,)
    assert hash(one) == hash(Row(number=1))
    assert repr(one) == "Row(number=1, name='one', tags=())"
    assert isinstance(one, Base)
    assert repr(Base(3)) == "Base(number=3)"


def test_a_copy_differs_where_it_is_told_to() -> None:
    """`replace` keeps the other fields, defaults too, and refuses what is no field."""
    assert plain.replace(Row(1, tags=("a",)), name="two") == Row(1, "two", ("a",))
    with pytest.raises(TypeError, match="no such arguments"):
        plain.replace(Row(1), nome="two")


@pytest.mark.parametrize("wrong", [lambda: Row(), lambda: Row(name="x")])
def test_what_is_missing_is_named(wrong: Any) -> None:
    """A field without a default has to be given."""
    with pytest.raises(TypeError, match=r"Row\(number, name, tags\) lacks number"):
        wrong()


@pytest.mark.parametrize("wrong", [lambda: Row(1, "a", (), 4), lambda: Row(1, number=2), lambda: Row(1, nome="x")])
def test_too_much_is_refused(wrong: Any) -> None:
    """A field given twice, one more than there are, and one that is none."""
    with pytest.raises(TypeError, match="no such arguments"):
        wrong()
