"""The tree of all tasks, grown on demand in any thread: who created whom, who waits for whom, what runs now.

Tasks come from the ledger and from asyncio's own books, so that those from before our time, and those that came too
fast to be recorded, are there too. Nothing that is returned refers to an object of the program.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from typing import Any

from asyncwatch import env, plain
from asyncwatch.frames import Frame, RawFrame, Scope, resolve
from asyncwatch.hooks import hearers
from asyncwatch.hooks.bus import Bus
from asyncwatch.hooks.loans import MOST_LENT, Lender, Loan
from asyncwatch.hooks.loops import Loops, LoopState, loop_kind
from asyncwatch.hooks.reading import read, stack_now
from asyncwatch.hooks.sprouts import Sprout, nest
from asyncwatch.hooks.stacks import thread_name
from asyncwatch.hooks.tasks import Ledger
from asyncwatch.task_tree import LoopNode, Tree

MOST_TASKS = 10_000
NO_GIL = "this Python has no GIL: the tasks of another thread cannot be read"
OWES = "it has not turned since it was looked at many times: its tasks are read again when it has"


class Forest:
    """Grows a tree whenever it is asked."""

    def __init__(self, loops: Loops, ledger: Ledger, bus: Bus, scope: Scope) -> None:
        self._loops = loops
        self._ledger = ledger
        self._bus = bus
        self._scope = scope
        self._lender = Lender()

    def tree(self, *, ours: bool = False, most: int = MOST_TASKS) -> Tree:
        """All tasks now, `most` at most. `ours` says that the calling thread is not the program's."""
        look = _Look(self._loops, self._ledger, self._bus, self._scope, self._lender, most)
        try:
            return look.tree()
        except Exception as error:
            # What stands in its frames is borrowed, too.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            loans = list(look.loans.values())
            look.forget()
            self._lender.give_back(loans, ours=ours)

    def close(self) -> None:
        self._lender.close()


class _Look:
    """One look at all loops. What it touches is on a loan; `forget` lets go of the rest before that is given back."""

    def __init__(self, loops: Loops, ledger: Ledger, bus: Bus, scope: Scope, lender: Lender, most: int) -> None:
        self._loops = loops
        self._ledger = ledger
        self._now = bus.now
        self._scope = scope
        self._lender = lender
        self._most = most
        self._current = env.current_task_getter()
        self._places: dict[RawFrame, Frame] = {}
        self._notes: dict[int, str] = {}
        self._left_out = self._unreadable = 0
        self._taken: set[int] = set()
        self.loans: dict[int, Loan] = {}
        self.sprouts: dict[int, Sprout] = {}

    def forget(self) -> None:
        self.sprouts.clear()
        self.loans.clear()

    def tree(self) -> Tree:
        for state in self._loops:
            loop = state.ref()
            if loop is not None:
                self._lend(loop, state)
        self._collect()
        for sprout in list(self.sprouts.values()):
            self._read(sprout)
        self._link()
        nodes = [self._loop_node(loan) for loan in self.loans.values()]
        # A loop that has ended is of interest for the tasks it has left only.
        loops = tuple(node for node in nodes if node.running or node.count or node.note)
        return Tree(os.getpid(), loops, self._left_out, self._unreadable)

    def _lend(self, loop: Any, state: LoopState | None) -> Loan:
        loan = self.loans[id(loop)] = Loan(loop, state)
        if not env.HAS_GIL and not loan.is_at_home():
            self._notes[id(loop)] = NO_GIL
        elif state is not None and self._lender.owed(state) > MOST_LENT:
            self._notes[id(loop)] = OWES
        return loan

    # -- which tasks there are --

    def _collect(self) -> None:
        """Find the tasks. No two looks of ours at one set: each is copied in one call, and every task lent at once."""
        references = list(self._ledger.records.values())
        seen = set(map(id, references))
        recorded = len(references)
        references += [ref for ref in env.task_references() if id(ref) not in seen]
        for reference in references:
            if len(self.sprouts) >= self._most:
                # Most tasks are in both books.
                self._left_out += max(1, max(recorded, len(references) - recorded) - self._most)
                return
            self._take(reference())
        for loan in list(self.loans.values()):
            if id(loan.loop) not in self._notes:
                more = env.tasks_by_loop(loan.loop)
                loan.keep(more)
                for task in more:
                    self._take(task)

    def _take(self, task: Any) -> None:
        if task is None or id(task) in self._taken:
            return
        try:
            loop = task.get_loop()
            loan = self.loans.get(id(loop))
            if loan is None or loan.loop is not loop:
                loan = self._lend(loop, self._loops.known(loop))
            loan.keep(task)
            self._taken.add(id(task))
            if id(loop) in self._notes or len(self.sprouts) >= self._most:
                self._left_out += 1
                return
            self.sprouts[id(task)] = Sprout(task, loan, self._ledger.record_of(task))
        except Exception:
            self._unreadable += 1

    # -- what each does --

    def _read(self, sprout: Sprout) -> None:
        try:
            sprout.reading = read(sprout.task, sprout.loan.keep)
            if sprout.reading is None:
                del self.sprouts[id(sprout.task)]
                return
            parent = sprout.record.parent if sprout.record is not None else None
            if parent is not None:
                sprout.parent = parent()
                sprout.loan.keep(sprout.parent)
                sprout.parent_facts = parent.facts
        except Exception:
            # A task of the program's own making, without what asyncio's have.
            del self.sprouts[id(sprout.task)]
            self._unreadable += 1

    def _link(self) -> None:
        """Who waits for whom, from the callbacks of those that are waited for."""
        for number, sprout in enumerate(self.sprouts.values(), 1):
            sprout.number = number
        for sprout in self.sprouts.values():
            for waiter in self._waiters(sprout):
                if waiter is not sprout and waiter.waits_for_tasks(sprout.task) and sprout not in waiter.awaits[-64:]:
                    waiter.awaits.append(sprout)

    def _waiters(self, sprout: Sprout) -> Iterator[Sprout]:
        keep = sprout.loan.keep
        try:
            for waiter in hearers.waiters(sprout.task, keep=keep):
                keep(waiter)
                found = self.sprouts.get(id(waiter.task))
                if found is not None:
                    yield found
        except Exception:
            return

    # -- what is said of it --

    def _loop_node(self, loan: Loan) -> LoopNode:
        loop, state = loan.loop, loan.state
        ident = getattr(loop, "_thread_id", None) or (state.ident if state is not None else 0)
        base = state.base if state is not None else None
        running = bool(loop.is_running())
        own = [sprout for sprout in self.sprouts.values() if sprout.loan is loan]
        stack: tuple[RawFrame, ...] = ()
        if running:
            stack = self._run(loan, own, ident, base)
        notes = self._notes.get(id(loop), "")
        roots = nest(own, self._now(), self._frames, self._scope)
        facts = state.facts if state is not None else None
        return LoopNode(
            facts.kind if facts is not None else loop_kind(loop),
            thread_name(ident) if running or facts is None else facts.thread,
            facts.number if facts is not None else 0,
            running,
            len(own),
            roots,
            self._frames(stack),
            notes,
        )

    def _run(self, loan: Loan, own: list[Sprout], ident: int, base: Any) -> tuple[RawFrame, ...]:
        """Give the running tasks their stack; that of the running callback if it is no task's."""
        current = self._current_task(loan)
        known = self.sprouts.get(id(current)) if current is not None else None
        if known is not None and known.reading is not None and known.reading.state != "running":
            known.reading = plain.replace(known.reading, state="running", kind=None, stack=(), future=None)
        running = [sprout for sprout in own if sprout.reading is not None and sprout.reading.state == "running"]
        for sprout in running:
            found = stack_now(ident, sprout.task, base)
            if sprout.reading is not None:
                sprout.reading = plain.replace(sprout.reading, stack=found)
        if running or current is not None:
            return ()
        return stack_now(ident, None, base)

    def _current_task(self, loan: Loan) -> Any:
        try:
            current = self._current(loan.loop)
        except RuntimeError:
            return None
        loan.keep(current)
        return current

    def _frames(self, raws: tuple[RawFrame, ...]) -> tuple[Frame, ...]:
        """Outermost first; a place that many tasks share is looked up once."""
        found = []
        for raw in reversed(raws):
            frame = self._places.get(raw)
            if frame is None:
                frame = self._places[raw] = resolve(raw)
            found.append(frame)
        return tuple(found)
