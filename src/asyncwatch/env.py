"""Facts about this interpreter, named for the behaviour and not for the version.

Nothing else compares `sys.version_info`; where something cannot be had, the reason is a sentence here.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import inspect
import itertools
import operator
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context
from types import FrameType
from typing import Any

LINUX = sys.platform.startswith("linux")

# asyncio.current_task() is C from 3.12 on; before, it is a Python function around this dictionary.
# https://github.com/python/cpython/blob/3.11/Lib/asyncio/tasks.py#L34
CURRENT_TASKS_IS_DICT = sys.version_info < (3, 12)

# /proc/<pid>/task/<tid>/schedstat: second number, nanoseconds spent runnable without a CPU.
# https://docs.kernel.org/scheduler/sched-stats.html
SCHEDSTAT = LINUX and os.access("/proc/self/schedstat", os.R_OK)

# The idents of the threads of ours that run. The collector may run the program's finalisers in one of them.
OUR_THREADS: set[int] = set()

# sys._getframemodulename(depth), from 3.12 on, names a caller's module without making a frame object of it.
# https://github.com/python/cpython/blob/3.12/Python/sysmodule.c (sys__getframemodulename_impl)
if sys.version_info >= (3, 12):
    module_at: Callable[[int], str | None] = sys._getframemodulename
else:

    def module_at(depth: int, getframe: Callable[[int], FrameType] = sys._getframe) -> str | None:
        """The name of the module `depth` callers up, counted from the function that asks."""
        return getframe(depth + 1).f_globals.get("__name__")


# From 3.15 on site.py reads `NAME.start` files, and of a `NAME.pth` beside it no import line. No public name tells of
# it. https://peps.python.org/pep-0829/
READS_START_FILES = sys.version_info >= (3, 15)

# A function that returns another's coroutine can be told to be a coroutine function from 3.12 on.
# https://docs.python.org/3/library/inspect.html#inspect.markcoroutinefunction
if sys.version_info >= (3, 12):
    mark_coroutine_function = inspect.markcoroutinefunction
else:

    def mark_coroutine_function(function: Any) -> Any:
        from asyncio import coroutines

        function._is_coroutine = coroutines._is_coroutine  # type: ignore[attr-defined]
        return function


# A task that ended in its eager step has no coroutine left. From 3.12.0 to 3.12.4 asking for it crashes it all.
# https://github.com/python/cpython/issues/122332
if not (3, 12) <= sys.version_info < (3, 12, 5):
    coro_of: Callable[[Any], Any] = operator.methodcaller("get_coro")
else:

    def coro_of(task: Any) -> Any:
        """The coroutine of a task, None where it has none any more."""
        done = getattr(task, "done", None)
        if done is None or not done():
            return task.get_coro()
        return next((one for one in gc.get_referents(task) if hasattr(one, "cr_code")), None)


def context_of(task: Any) -> Context | None:
    """The context that a task's steps run in, as the task keeps it; None where it cannot be had.

    Before 3.12 only the collector is told of it: of the two contexts that a task refers to it is the first.
    https://github.com/python/cpython/blob/3.11/Modules/_asynciomodule.c (TaskObj_traverse)
    """
    from asyncio import Task, tasks

    if isinstance(task, tasks._PyTask):  # type: ignore[attr-defined]
        found = task.__dict__.get("_context")
    elif not isinstance(task, Task):
        return None
    elif hasattr(Task, "get_context"):
        found = Task.get_context(task)
    else:
        which = map(functools.partial(operator.is_, Context), map(type, _referents(task)))
        found = in_one_go(next, itertools.compress(_referents(task), which), None)
    return found if type(found) is Context else None


def _referents(thing: Any) -> Iterator[Any]:
    """What an object refers to, not asked for before the first is taken."""
    return itertools.chain.from_iterable(map(gc.get_referents, (thing,)))


def current_task_getter() -> Callable[[Any], Any]:
    """A function from a loop to the task it is running now, None where there is none; callable in any thread."""
    from asyncio import tasks

    if CURRENT_TASKS_IS_DICT:
        getter: Callable[[Any], Any] = tasks._current_tasks.get  # type: ignore[attr-defined]
        return getter
    return tasks.current_task


if sys.version_info >= (3, 12):

    def ready(call: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        """`call(*arguments)` for a `call` of C code, to be called once: no other thread gets its turn meanwhile.

        Nor does the collector, from the moment on that it is called. Raises whatever the call raises.
        """
        return functools.partial(call, *arguments)

else:
    # The collector runs at any allocation here. What it clears away may want a lock that the call holds, as that over
    # all threads (a `threading.local` does), or give the GIL to a thread that does: then all wait for ever. Or that
    # thread's stack shrinks while the call reads it, and the process crashes (both seen). So it is off meanwhile, all
    # in one call of C code, in which no other thread gets its turn, and nothing is made that it counts.
    # https://github.com/python/cpython/issues/106883
    # https://github.com/python/cpython/blob/3.11/Python/frame.c (_PyFrame_MakeAndSetFrameObject)
    def ready(call: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
        wanted = functools.partial(call, *arguments)
        results: deque[Any] = deque()
        steps: tuple[Callable[[], Any], ...] = (gc.isenabled, gc.disable, wanted, gc.enable)
        together: map[Any] = map(operator.call, steps)

        def run() -> Any:
            if not gc.isenabled():
                return wanted()
            try:
                results.extend(together)
            except BaseException:
                gc.enable()
                raise
            if not results[0]:  # the program was faster, between these lines
                gc.disable()
            return results[2]

        return run


def in_one_go(call: Callable[..., Any], *arguments: Any) -> Any:
    """`ready`, at once."""
    return ready(call, *arguments)()


# Without it nothing of another thread's may be walked: it goes on meanwhile.
HAS_GIL = bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def other_interpreters() -> bool:
    """Whether this process has interpreters beside ours, or may have before long.

    A main thread that runs one of them answers no signal. Until 3.12 it keeps the GIL as well, for who asks does so in
    his own interpreter: there it is enough that the program has imported what makes them. Later asyncio itself does.
    https://github.com/python/cpython/blob/3.11/Python/ceval_gil.h#L77 (SET_GIL_DROP_REQUEST)
    """
    module: Any = sys.modules.get("_interpreters")
    return "_xxsubinterpreters" in sys.modules or (module is not None and len(module.list_all()) > 1)


# There `sys._current_frames()` looks at the threads of all interpreters, with the lock of one of them: it crashes.
# https://github.com/python/cpython/blob/3.13/Python/pystate.c (_PyThread_CurrentFrames)
_READS_ALL_INTERPRETERS = (3, 12) <= sys.version_info < (3, 14)


def can_read_frames() -> bool:
    """Whether the frames of other threads can be read now."""
    return not (_READS_ALL_INTERPRETERS and other_interpreters())


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


# Which functions start and which are called, told by the interpreter itself; from 3.12 on.
# https://docs.python.org/3/library/sys.monitoring.html
MONITORING: Any = getattr(sys, "monitoring", None)
# A task group may ask its task to cancel and not take that back. https://github.com/python/cpython/issues/116720
GROUPS_FORGET = sys.version_info < (3, 13)
# time.sleep has an audit event from 3.13 on. https://docs.python.org/3/library/time.html#time.sleep
SLEEP_IS_AUDITED = sys.version_info >= (3, 13)
WHY_NO_MONITORING = "" if MONITORING is not None else "this Python has no sys.monitoring (3.12 has)"
