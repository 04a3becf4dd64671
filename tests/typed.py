"""What type checkers make of `not_in_async`: the function they were given. Run by mypy, in scripts/lint and in a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_type

from asyncwatch import not_in_async

if TYPE_CHECKING:

    @not_in_async
    def plain(number: int, *, name: str = "") -> list[str]:
        return [name] * number

    @not_in_async(strict=True, instead="plain_async()")
    def strict(number: int) -> str:
        return str(number)

    @not_in_async
    def numbers(limit: int) -> Iterator[int]:
        yield from range(limit)

    class Store:
        @not_in_async
        def get(self, key: str) -> int:
            return len(key)

        @not_in_async
        @classmethod
        def open(cls, path: str) -> Store:
            return cls()

        @staticmethod
        @not_in_async
        def count() -> int:
            return 0

    assert_type(plain(1, name="a"), list[str])
    assert_type(strict(1), str)
    assert_type(numbers(1), Iterator[int])
    assert_type(Store().get("a"), int)
    assert_type(Store.open("a"), Store)
    assert_type(Store.count(), int)
    plain("1")  # type: ignore[arg-type]
    strict()  # type: ignore[call-arg]
    not_in_async(1)  # type: ignore[call-overload]
