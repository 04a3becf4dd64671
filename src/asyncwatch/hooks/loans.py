"""What is borrowed from a loop while its tasks are looked at from another thread, and how it is given back.

A reference of ours may become the last one when the loop drops its own: whoever drops it then runs the destructor, and
with it the loop's exception handler, weak references' callbacks, the finalisers of local variables. So everything that
is touched is put on a list, and the list is emptied on the loop's own thread: `list.clear` takes all out at one go,
whoever else still knows the list.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from asyncwatch.hooks.loops import LoopState

# References that a loop which does not turn has yet to take back. With more it is not looked at again until it did.
MOST_LENT = 500_000


class Loan:
    """What is borrowed from one loop in one look: `keep` is called with each thing before it is used."""

    def __init__(self, loop: Any, state: LoopState | None) -> None:
        self.loop = loop
        self.state = state
        self.things: list[Any] = []
        self.keep: Callable[[Any], None] = self.things.append

    def is_at_home(self) -> bool:
        """Whether the calling thread is the loop's own: what is dropped here dies where it lives."""
        if asyncio._get_running_loop() is self.loop:
            return True
        ident = self.state.ident if self.state is not None else None
        return ident == threading.get_ident() and not self.loop.is_running()


class Lender:
    """Gives back what was borrowed, and remembers what has not been taken back yet."""

    def __init__(self) -> None:
        self._out: dict[int, list[list[Any]]] = {}
        self._late: list[list[Any]] = []

    def owed(self, state: LoopState) -> int:
        """How many references this loop has yet to take back."""
        lists = [things for things in self._out.get(state.number, ()) if things]
        self._out[state.number] = lists
        return sum(map(len, lists))

    def give_back(self, loans: list[Loan], *, ours: bool) -> None:
        """Have each loop drop its own. `ours` says that the calling thread is ours and not the program's.

        What belongs to a loop that is closed goes to another that runs. Without one the program's own thread drops it,
        as it would what `asyncio.all_tasks()` gives it; a thread of ours puts it by until then.
        """
        late, self._late = self._late, []
        for loan in loans:
            if not loan.is_at_home() and _hand_over(loan.loop, loan.things):
                if loan.state is not None:
                    self._out.setdefault(loan.state.number, []).append(loan.things)
            elif loan.is_at_home():
                loan.things.clear()
            else:
                late.append(loan.things)
        running = [loan.loop for loan in loans if loan.loop.is_running()]
        for things in late:
            if any(_hand_over(loop, things) for loop in running):
                continue
            if ours:
                self._late.append(things)
            else:
                things.clear()

    def close(self) -> None:
        """Drop what nobody took; called by the thread that ends the watching."""
        late, self._late = self._late, []
        for things in late:
            things.clear()


def _hand_over(loop: Any, things: list[Any]) -> bool:
    try:
        loop.call_soon_threadsafe(things.clear)
    except RuntimeError:
        return False  # it is closed
    return True
