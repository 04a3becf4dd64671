"""The last step of a loop that has ended since the watcher looked: native code in it that was written down."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from asyncwatch.hooks.blinds import Blinds
from asyncwatch.hooks.eye import Eye
from asyncwatch.hooks.hold import Blind, Stack
from asyncwatch.hooks.loops import LoopState
from asyncwatch.hooks.pulse import TURNS
from asyncwatch.hooks.stacks import run_lines


def last_step(blinds: Blinds, eye: Eye, eyes: Iterable[Eye]) -> Blind | None:
    """What is known of it; only of the main thread, and only of the loop that ran there last."""
    gap, state = blinds.gap, eye.state
    if gap.cause != "gil" or gap.late < TURNS * sys.getswitchinterval() or state.native != os.getpid():
        return None
    stack = _stack(blinds, state)
    if not stack or _is_followed(blinds, eye, eyes, gap.due + gap.late / 2):
        return None
    loop = state.ref()
    if loop is not None:
        eye.measures(loop)
    blinds.explained = True
    return Blind(gap.late, gap.since, gap.due, "gil", stack)


def _stack(blinds: Blinds, state: LoopState) -> Stack:
    """Where native code was, if this loop can have run it."""
    # Whoever runs a loop may go on with something else: where it does is to be known.
    base = state.base if state.base is not None and run_lines(state.base) else None
    return blinds.dumped(state, base) or (
        blinds.polled(state, base) if blinds.passed and not blinds.gap.shared else ()
    )


def _is_followed(blinds: Blinds, eye: Eye, eyes: Iterable[Eye], middle: float) -> bool:
    """Whether another loop of its thread was there for most of the time and runs now, or was made later and can have
    run it: one may be made that never runs."""
    others = (one.state for one in eyes if one is not eye and one.state.ident == eye.state.ident)
    others = (one for one in others if one.born < middle)
    return any(
        getattr(one.ref(), "is_running", bool)() or (one.number > eye.state.number and _stack(blinds, one))
        for one in others
    )
