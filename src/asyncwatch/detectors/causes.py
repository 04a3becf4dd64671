"""Why a loop was held: one answer from what was measured, with the measure as evidence.

What is not code's doing (the collector, a machine that gave no CPU) is never a warning.
"""

from __future__ import annotations

from typing import Any

from asyncwatch.events import Account, Collection
from asyncwatch.frames import Frame, Place, called_at, is_call, resolve

# The part of the time that decides.
MOST = 0.5
# The part of the time without a CPU for which the quota must have been used up to be the reason: it is counted late.
SOME = 0.25
# Less than this part of the time on a CPU, and it did not compute.
IDLE = 0.2
# A shorter collection is nobody's stall.
WORTH_SAYING = 0.001
_DEBUGGERS = ("pdb.py", "bdb.py", "pydevd.py", "pydevd_frame.py", "debugpy", "pudb")

_STARTS = (("start", "/threading.py"), ("submit", "/concurrent/futures/thread.py"))

# What code did is for its author to change.
BLAMED = frozenset({"code", "gil"})


def cause_of(
    account: Account, duration: float, threshold: float, raws: tuple[Place, ...]
) -> tuple[str, dict[str, Any]]:
    """The cause, and the evidence for it; `raws` is the stack most often seen, innermost first.

    What would have been too long (`threshold`) without the collector and with a CPU all the time is code's doing.
    """
    evidence = _measures(account, duration)
    collections = [one for one in account.collections if not _is_asked_for(one)]
    asked_for = sum(one.seconds for one in account.collections if one not in collections)
    collecting = sum(one.seconds for one in collections)
    if collecting >= WORTH_SAYING:
        longest = max(collections, key=lambda one: one.seconds)
        evidence["gc"] = {
            "seconds": round(collecting, 4),
            "generation": longest.generation,
            "collected": sum(one.collected for one in collections),
        }
    why, taken = _taken_away(account, duration, raws)
    # What began before the first look at its thread is judged by what was seen.
    if min(duration, account.span or duration) - taken - collecting >= threshold:
        native = account.gil >= MOST * (duration - taken) and asked_for < MOST * duration
        return ("gil" if native else "code"), evidence
    if "gc" in evidence and collecting >= taken:
        return "gc", evidence
    evidence["why"] = why
    return "starved", evidence


def _measures(account: Account, duration: float) -> dict[str, Any]:
    """The evidence in numbers, none of them longer than the whole."""
    evidence: dict[str, Any] = {}
    if account.ran is not None:
        evidence["cpu"] = round(min(account.ran, duration), 4)
    if account.waited is not None:
        evidence["without_cpu"] = round(min(account.waited, duration - _ran_at_least(account, duration)), 4)
    for name in ("gil", "stopped", "throttled", "contended"):
        seconds = getattr(account, name)
        if seconds is not None and seconds >= WORTH_SAYING:
            evidence[name] = round(min(seconds, duration), 4)
    return evidence


def _ran_at_least(account: Account, duration: float) -> float:
    """CPU seconds that were this callback's for certain: what ran before and after it is in the account, too."""
    return min(duration, max(0.0, (account.ran or 0.0) - max(0.0, account.span - duration)))


def _taken_away(account: Account, duration: float, raws: tuple[Place, ...]) -> tuple[str, float]:
    """What kept the thread from running, and for how long; these overlap, so the longest counts."""
    if any(_is_debugger(raw) for raw in raws):
        return "debugger", duration
    waited, throttled, ran = account.waited or 0.0, account.throttled or 0.0, _ran_at_least(account, duration)
    known = max(waited, throttled, account.gil, account.stopped) >= MOST * duration
    if account.ran is not None and ran <= IDLE * duration and not known and raws and not is_call(raws[0]):
        # It hardly ran while it stood at an instruction that waits for nothing: other threads of the process did.
        return "other threads", duration - ran
    if any(_starts_a_thread(raw) for raw in raws):
        # It waits for the new thread's first line, which takes no time where there is a CPU.
        return ("throttled" if throttled >= SOME * duration else "other threads"), duration - ran
    # What is waited for may be another thread that the quota stopped, but for a sleep.
    least = waited if account.waited is not None and _sleeps(raws) else max(waited, throttled)
    found = {"preempted": waited, "stopped": account.stopped, "other threads": account.contended}
    most = max(least + account.contended, account.stood_still)
    # A throttled process looks from inside as one that was stopped or preempted.
    why = "throttled" if throttled >= SOME * most else max(found, key=found.__getitem__)
    return why, min(duration - ran, most)


def _is_debugger(raw: Place) -> bool:
    file = raw.file if isinstance(raw, Frame) else raw[0].co_filename
    return file.rpartition("/")[2] in _DEBUGGERS or "/debugpy/" in file


def _starts_a_thread(raw: Place) -> bool:
    """Whether it starts a thread, or waits to be let into a pool, whose locks are held no longer than that takes."""
    frame = resolve(raw)
    return any(frame.function == function and frame.file.endswith(file) for function, file in _STARTS)


def _sleeps(raws: tuple[Place, ...]) -> bool:
    called = called_at(raws[0]) if raws else None
    return called is not None and called.rpartition(".")[2] == "sleep"


def _is_asked_for(collection: Collection) -> bool:
    """Whether the program called `gc.collect()` itself: then that call is the code to change."""
    if collection.at is None:
        return False
    called = called_at(collection.at)
    return called is not None and called.rpartition(".")[2] == "collect"


def in_words(cause: str, evidence: dict[str, Any]) -> str:
    """What follows "took 400 ms" in a sentence, for a cause that is not code's doing."""
    if cause == "gc":
        gc = evidence["gc"]
        return f"{gc['seconds'] * 1000:.0f} ms of it in the garbage collector (generation {gc['generation']})"
    return {
        "throttled": "its CPU quota was used up",
        "preempted": f"{evidence.get('without_cpu', 0) * 1000:.0f} ms of it waiting for a CPU",
        "stopped": "the whole process stood still",
        "debugger": "in a debugger",
        "other threads": "other threads of the process ran instead",
    }[evidence["why"]]
