"""A cache in the process: one lock for each key, so that a miss is filled once; and one flight shared by many."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable

MOST = 64
FRESH = 0.05


class Cache:
    """The newest `MOST` values, each for `FRESH` seconds."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        # A lock lives as long as somebody is inside or waits.
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._flights: dict[str, asyncio.Task[str]] = {}

    async def get(self, key: str, fill: Callable[[], Awaitable[str | None]]) -> str | None:
        """The value, filled by the first who misses it while the others wait."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        async with lock:
            found = self._values.get(key)
            if found is not None and time.monotonic() - found[0] < FRESH:
                self._values.move_to_end(key)
                return found[1]
            value = await fill()
            self._values[key] = (time.monotonic(), value)
            while len(self._values) > MOST:
                self._values.popitem(last=False)
            return value

    async def fly(self, key: str, make: Callable[[], Awaitable[str]]) -> str:
        """One call for all who ask at once. Who gives up does not end it for the others."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(make())
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)
