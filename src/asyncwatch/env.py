"""Facts about this interpreter, named for the behaviour and not for the version.

Nothing else compares `sys.version_info`; where something cannot be had, the reason is a sentence here.
"""

from __future__ import annotations

import _thread
import functools
import gc
import importlib.util
import itertools
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType
from typing import Any

LINUX = sys.platform.startswith("linux")

# asyncio.current_task() is C from 3.12 on; before, it is a Python function around this dictionary.
# https://github.com/python/cpython/blob/3.11/Lib/asyncio/tasks.py#L34
CURRENT_TASKS_IS_DICT = sys.version_info < (3, 12)

# /proc/<pid>/task/<tid>/schedstat: second number, nanoseconds spent runnable without a CPU.
# https://docs.kernel.org/scheduler/sched-stats.html
SCHEDSTAT = LINUX and os.access("/proc/self/schedstat", os.R_OK)

# sys._getframemodulename(depth), from 3.12 on, names a caller's module without making a frame object of it.
# https://github.com/python/cpython/blob/3.12/Python/sysmodule.c (sys__getframemodulename_impl)
if sys.version_info >= (3, 12):
    module_at: Callable[[int], str | None] = sys._getframemodulename
else:

    def module_at(depth: int, getframe: Callable[[int], FrameType] = sys._getframe) -> str | None:
        """The name of the module `depth` callers up, counted from the function that asks."""
        return getframe(depth + 1).f_globals.get("__name__")


def current_task_getter() -> Callable[[Any], Any]:
    """A function from a loop to the task it is running now, None where there is none; callable in any thread."""
    from asyncio import tasks

    if CURRENT_TASKS_IS_DICT:
        getter: Callable[[Any], Any] = tasks._current_tasks.get  # type: ignore[attr-defined]
        return getter
    return tasks.current_task


if sys.version_info >= (3, 12):

    def in_one_go(call: Callable[..., Any], *arguments: Any) -> Any:
        """`call(*arguments)` for a `call` of C code: no other thread gets its turn meanwhile, nor does the collector.

        Raises whatever the call raises.
        """
        return call(*arguments)

else:
    # The collector runs at any allocation here. What it clears away may want a lock that the call holds, as that over
    # all threads (a `threading.local` does), or give the GIL to a thread that does: then all wait for ever. Or that
    # thread's stack shrinks while the call reads it, and the process crashes (both seen). So it is off meanwhile, all
    # in one call of C code, in which no other thread gets its turn.
    # https://github.com/python/cpython/issues/106883
    # https://github.com/python/cpython/blob/3.11/Python/frame.c (_PyFrame_MakeAndSetFrameObject)
    def in_one_go(call: Callable[..., Any], *arguments: Any) -> Any:
        if not gc.isenabled():
            return call(*arguments)
        wanted = functools.partial(call, *arguments)
        steps: tuple[Callable[[], Any], ...] = (gc.isenabled, gc.disable, wanted, gc.enable)
        try:
            enabled, _, found, _ = list(map(operator.call, steps))
        except BaseException:
            gc.enable()
            raise
        if not enabled:  # the program was faster, between these lines
            gc.disable()
        return found


def current_frames() -> dict[int, FrameType]:
    """The frame of each other thread, by its ident. One of ours would refer to what it is kept in."""
    found: dict[int, FrameType] = in_one_go(sys._current_frames)
    del found[_thread.get_ident()]
    return found


def _outwards(frames: Iterable[FrameType | None]) -> Iterator[FrameType]:
    """The first of these and those that called it, innermost first."""
    steps: Iterator[Any] = itertools.chain(frames, itertools.repeat("f_back"))
    return itertools.takewhile(bool, itertools.accumulate(steps, getattr))


def frames_from(frame: FrameType | None) -> tuple[FrameType, ...]:
    """A frame and those that called it, as they are at one moment: the thread whose stack it is gets no turn."""
    found: tuple[FrameType, ...] = in_one_go(tuple, _outwards((frame,)))
    return found


def stack_of_thread(ident: int) -> tuple[tuple[CodeType, int], ...]:
    """Each frame of a thread as its code and position, innermost first; empty when there is no such thread.

    No frame object leaves the one call of C code that reads them: a function that ends while its frame is held leaves
    its variables to whoever holds it.
    """
    frame = map(dict.get, map(operator.call, (sys._current_frames,)), (ident,))
    found: tuple[tuple[CodeType, int], ...] = in_one_go(tuple, map(_POSITION, _outwards(frame)))
    return found


_POSITION = operator.attrgetter("f_code", "f_lasti")

# Without it nothing of another thread's may be walked: it goes on meanwhile.
HAS_GIL = bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def task_references() -> list[Any]:
    """Weak references to the tasks that asyncio has in a `WeakSet`, of all loops; callable in any thread.

    Each set is read in one call of C code, and no task is held. From 3.14 on asyncio's own tasks are not in it.
    https://github.com/python/cpython/blob/3.13/Lib/asyncio/tasks.py (_scheduled_tasks); 3.11: _all_tasks
    """
    from asyncio import tasks

    sets = (getattr(tasks, name, None) for name in ("_all_tasks", "_scheduled_tasks"))
    return [ref for one in sets if one is not None for ref in list(one.data)]


def tasks_by_loop(loop: Any) -> list[Any]:
    """The tasks of a loop that asyncio keeps elsewhere: in their eager step; from 3.14 on in a list for each thread.

    That list is read with all threads stopped, by the function that `asyncio.all_tasks` is without us.
    https://github.com/python/cpython/blob/3.14/Modules/_asynciomodule.c (_asyncio_all_tasks_impl)
    """
    from asyncio import tasks

    every = getattr(tasks, "_c_all_tasks", None)
    return list(every(loop) if every is not None else getattr(tasks, "_eager_tasks", ()))


def thread_switches() -> Callable[[], int] | None:
    """A function that counts the calling thread's voluntary context switches; None where nobody counts them."""
    try:
        import resource

        who = resource.RUSAGE_THREAD
    except (ImportError, AttributeError):
        return None
    return lambda: resource.getrusage(who).ru_nvcsw


def why_no_dumps() -> str:
    """Why native code that holds the GIL cannot be looked into here; empty where it can."""
    if not LINUX:
        return "kernel timers on a thread's CPU clock are Linux's"
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "this Python has no GIL: a thread in native code cannot be told from one that computes"
    if importlib.util.find_spec("ctypes") is None or importlib.util.find_spec("_ctypes") is None:
        return "this Python has no ctypes"
    return ""


def cpu_clock(native: int) -> int:
    """The clock of a thread's CPU time by its native id; the kernel refuses the id of a thread that is no more.

    https://github.com/torvalds/linux/blob/master/include/linux/posix-timers_types.h (MAKE_THREAD_CPUCLOCK)
    """
    return (~native << 3) | 6


def tick_clock(native: int) -> int:
    """The same, counted by the kernel's ticks that meet the thread running (CPUCLOCK_PROF).

    Timers on any CPU clock are looked at when a tick meets the thread. On the exact clock two of them may be due at one
    tick, however far apart, if the machine is busy and the thread is put off before each tick (seen: 12 ms apart); on
    this one as many ticks lie between them as their distance says.
    https://github.com/torvalds/linux/blob/master/kernel/time/posix-cpu-timers.c (run_posix_cpu_timers)
    """
    return (~native << 3) | 4
