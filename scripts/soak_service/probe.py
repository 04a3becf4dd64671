"""What the process holds at this moment: its memory, its tasks, and every container that the watcher has in it.

The watcher is not asked: everything that is reachable from its session and its modules is counted, by the names of
the attributes on the way.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import sys
from collections import Counter, deque
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from fastapi import APIRouter

router = APIRouter()
WATCHER = "asyncwatch"
CONTAINERS = (dict, list, set, frozenset, tuple, deque)


@router.get("/probe")
async def look() -> dict[str, Any]:
    """Counted in a thread, so that the loop is not held."""
    tasks = len(asyncio.all_tasks())
    return {"tasks": tasks, "rss": rss(), "cpu": cpu(), "ours": await asyncio.to_thread(Census().take)}


def rss() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def cpu() -> float:
    used = os.times()
    return used.user + used.system


class Census:
    """Walks from the watcher's modules through everything that is its own."""

    def __init__(self) -> None:
        self.lengths: Counter[str] = Counter()
        self.objects: Counter[str] = Counter()
        self.bytes = 0
        self._seen: set[int] = set()
        self._todo: deque[tuple[str, Any]] = deque()

    def take(self) -> dict[str, Any]:
        sessions = [thing for thing in gc.get_objects() if type(thing).__module__ == f"{WATCHER}.session"]
        self._todo.extend(("session", thing) for thing in sessions)
        for name, module in list(sys.modules.items()):
            if module is not None and name.split(".")[0] == WATCHER:
                for key, value in list(vars(module).items()):
                    if not key.startswith("__"):
                        self._todo.append((f"{name}.{key}", value))
        while self._todo:
            path, thing = self._todo.popleft()
            if id(thing) not in self._seen:
                self._seen.add(id(thing))
                self._visit(path, thing)
        return {"lengths": dict(self.lengths), "objects": dict(self.objects), "bytes": self.bytes}

    def _visit(self, path: str, thing: Any) -> None:
        kind = type(thing)
        if isinstance(thing, CONTAINERS):
            self._container(path, thing)
        elif isinstance(thing, MethodType):
            self._todo.append((path, thing.__self__))
        elif isinstance(thing, FunctionType):
            for cell in thing.__closure__ or ():
                self._todo.append((path + "()", contents(cell)))
        elif hasattr(thing, "cache_info"):
            self.lengths[path + " cached"] += thing.cache_info().currsize
        elif kind.__module__.split(".")[0] == WATCHER and not isinstance(thing, type | ModuleType):
            self.objects[f"{kind.__module__}.{kind.__qualname__}"] += 1
            self.bytes += sys.getsizeof(thing)
            for key, value in attributes(thing):
                self._todo.append((f"{kind.__qualname__}.{key}", value))

    def _container(self, path: str, thing: Any) -> None:
        if len(thing) == 0 or not self._is_ours(path, thing):
            return
        self.bytes += sys.getsizeof(thing)
        if not isinstance(thing, tuple):
            most = getattr(thing, "maxlen", None)
            self.lengths[path if most is None else f"{path} (at most {most})"] += len(thing)
        try:
            inside = [*thing.items()] if isinstance(thing, dict) else [*thing]
        except RuntimeError:  # it changed meanwhile; its length is known
            return
        for one in inside:
            parts = one if isinstance(thing, dict) else (one,)
            self._todo.extend((path + "[]", part) for part in parts if is_of_interest(part))

    def _is_ours(self, path: str, thing: Any) -> bool:
        """Not the interpreter's own tables that a module of ours has a name for."""
        return thing is not sys.modules and thing is not os.environ


def is_of_interest(thing: Any) -> bool:
    return not isinstance(thing, str | bytes | int | float | CodeType | ModuleType | type | None)


def contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty one
        return None


def attributes(thing: Any) -> list[tuple[str, Any]]:
    """By name, from the dictionary and from slots."""
    found = list(getattr(thing, "__dict__", {}).items())
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(thing, name):
                found.append((name, getattr(thing, name)))  # noqa: PERF401
    return found
