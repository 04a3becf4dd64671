"""The last step of a loop that has ended since the watcher looked: native code in it that was written down."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from asyncwatch.hooks.blinds import Blinds
from asyncwatch.hooks.eye import Eye
from asyncwatch.hooks.hold import Blind
from asyncwatch.hooks.pulse import TURNS
from asyncwatch.hooks.stacks import ASYNCIO


def last_step(blinds: Blinds, eye: Eye, eyes: Iterable[Eye]) -> Blind | None:
    """What is known of it; only of the main thread, and only of the loop that ran there last."""
    gap, state = blinds.gap, eye.state
    if gap.cause != "gil" or gap.late < TURNS * sys.getswitchinterval() or state.native != os.getpid():
        return None
    if not (eye.runs or state.born >= gap.since) or _is_followed(eye, eyes):
        return None
    # Whoever calls `run_until_complete` may go on with something else: only the library's own callers end with it.
    base = state.base if state.base is not None and state.base.co_filename.startswith(ASYNCIO) else None
    stack = blinds.dumped(state, base) or (blinds.polled(state, base) if blinds.passed and not gap.shared else ())
    if not stack:
        return None
    loop = state.ref()
    if loop is not None:
        eye.measures(loop)
    blinds.explained = True
    return Blind(gap.late, gap.since, gap.due, "gil", stack)


def _is_followed(eye: Eye, eyes: Iterable[Eye]) -> bool:
    """Whether another loop of its thread may be the one that ran last: it runs, or was made later."""
    others = (one.state for one in eyes if one is not eye and one.state.ident == eye.state.ident)
    return any(getattr(one.ref(), "is_running", bool)() or one.number > eye.state.number for one in others)
