"""Records as `dataclasses` makes them, without code that is generated for each: there are many kinds, and few happen.

To generate a dataclass's methods takes a good part of a millisecond, and for all kinds of event together more than a
start-up may cost. And it cannot be put off: a program may have a module of its own called `typing` by then.
"""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

_Class = TypeVar("_Class", bound=type)
_Record = TypeVar("_Record")


@dataclass_transform(frozen_default=True)
def record(cls: _Class) -> _Class:
    """A class with a field for each annotation, those of its base first, compared and shown by them.

    What changes one is an error for the type checker alone. A default has to be immutable.
    """
    fields: tuple[str, ...] = (*getattr(cls, "_fields", ()), *cls.__annotations__)
    needed = frozenset(name for name in fields if not hasattr(cls, name))
    body: dict[str, Any] = {"_fields": fields, "_known": frozenset(fields), "_needed": needed}
    body.update((function.__name__, function) for function in (__init__, __eq__, __hash__, __repr__))
    for name, value in body.items():
        setattr(cls, name, value)
    return cls


def replace(one: _Record, **changes: Any) -> _Record:
    """A copy with other values in some fields."""
    return type(one)(**{**{name: getattr(one, name) for name in one._fields}, **changes})  # type: ignore[attr-defined]


def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
    values = self.__dict__
    values.update(zip(self._fields, args, strict=False), **kwargs)
    if len(values) != len(args) + len(kwargs) or not self._needed <= values.keys() <= self._known:
        _refuse(self, values)


def _refuse(one: Any, values: dict[str, Any]) -> None:
    missing = ", ".join(sorted(one._needed - values.keys()))
    wrong = f"lacks {missing}" if missing else "takes no such arguments"
    raise TypeError(f"{type(one).__name__}({', '.join(one._fields)}) {wrong}")


def __eq__(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def __hash__(self: Any) -> int:
    return hash(_values(self))


def __repr__(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self._fields)})"


def _values(one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name in one._fields)
