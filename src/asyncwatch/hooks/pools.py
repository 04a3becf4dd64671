"""A loop's default thread pool, seen from outside: which one it is, how full, and what its threads are doing.

Nothing of it is replaced or locked: the length of its queue is read, and its threads are looked at as the loops'
threads are. A call's own future in the pool is reached through asyncio's future for it.
"""

from __future__ import annotations

import gc
import sys
from asyncio import futures
from collections import Counter
from types import CodeType, FrameType
from typing import Any

from asyncwatch.frames import RawFrame
from asyncwatch.hooks import walks

MOST_FRAMES = 128
# A thread between two pieces of work looks idle; with more than half of them idle, it is a CPU that is missing.
BUSY = 0.5

Stack = tuple[RawFrame, ...]
_ABSENT = object()


def _check_cancel() -> tuple[CodeType | None, int]:
    """The function by which asyncio ties its future to the pool's, and which of its variables is the pool's.

    https://github.com/python/cpython/blob/3.13/Lib/asyncio/futures.py (_chain_future)
    """
    chain: Any = getattr(futures, "_chain_future", None)
    for const in getattr(getattr(chain, "__code__", None), "co_consts", ()):
        if isinstance(const, CodeType) and const.co_name == "_call_check_cancel" and "source" in const.co_freevars:
            return const, const.co_freevars.index("source")
    return None, 0


CHECK_CANCEL, SOURCE = _check_cancel()


def blind() -> str:
    """Why nothing can be seen here; empty where it can."""
    return "" if CHECK_CANCEL is not None else "asyncio ties its futures to a pool's in a way not known yet"


def default_pool(loop: Any) -> Any:
    """The thread pool behind `run_in_executor(None, …)`; None where there is none yet, or it is something else.

    asyncio's loops have it in an attribute. uvloop has it in a C field, which Python cannot name but the garbage
    collector's view of the loop contains; what stands in the loop's own dictionary was put there by the program.
    """
    module = sys.modules.get("concurrent.futures.thread")
    if module is None:
        return None
    pool: Any = getattr(loop, "_default_executor", _ABSENT)
    if pool is _ABSENT:
        programs = [id(value) for value in list(getattr(loop, "__dict__", {}).values())]
        found = [one for one in gc.get_referents(loop) if issubclass(type(one), module.ThreadPoolExecutor)]
        found = [one for one in found if id(one) not in programs]
        pool = found[0] if len(found) == 1 else None
    if not issubclass(type(pool), module.ThreadPoolExecutor):
        return None  # None, or a pool of processes, where the loop's version lets one through
    known = all(hasattr(pool, name) for name in ("_work_queue", "_threads", "_max_workers"))
    return pool if known and hasattr(pool._work_queue, "qsize") else None


def occupation(pool: Any) -> Counter[Stack] | None:
    """What the pool's threads run now and how many run it; None unless it has all its threads and they are at work."""
    threads = list(pool._threads)
    if len(threads) < pool._max_workers:
        return None
    file = sys.modules["concurrent.futures.thread"].__dict__["_worker"].__code__.co_filename
    frames = walks.current_frames()
    stacks = [_work(frames.get(thread.ident), file) for thread in threads]
    del frames
    busy = Counter(stack for stack in stacks if stack is not None)
    return busy if busy.total() >= BUSY * len(threads) else None


def _work(frame: FrameType | None, file: str) -> Stack | None:
    """The stack above the pool's own frames, innermost first; empty for a built-in function, None for a free thread."""
    found: list[RawFrame] = []
    for one in walks.frames_from(frame)[:MOST_FRAMES]:
        code = one.f_code
        if code.co_filename == file:
            return tuple(found) if found or code.co_name != "_worker" else None
        found.append((code, one.f_lasti))
    return None
