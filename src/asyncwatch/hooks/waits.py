"""Whether a call of a function that can block would: asked on the loop's thread, so cheap, and in no lock's way.

What cannot be known is no wait: a missed alarm is better than a false one. Nothing here calls the program's own code.
`first` is the first argument as the call has it, `given` those that are known, by name or number; `code` and `lasti`
are the calling instruction, whose constant arguments can be read where the call itself does not show them.
"""

from __future__ import annotations

import dis
import functools
import io
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

# File systems in memory, and devices that answer at once.
_NO_DISK = ("/proc/", "/sys/", "/dev/")
_UNKNOWN = object()
_BUFFERED = (io.BufferedReader, io.BufferedWriter, io.BufferedRandom)
_LOADS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONSTANT"})

Question = Callable[[Any, Mapping[str, Any], CodeType, int], bool]


def seconds(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    """`sleep(0)` only lets other threads run."""
    return isinstance(first, int | float) and first > 0


def path(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    """A descriptor is open already, and what is not on a disk costs nothing."""
    if isinstance(first, bytes):
        return not first.startswith(tuple(map(str.encode, _NO_DISK)))
    return not isinstance(first, int) and not (isinstance(first, str) and first.startswith(_NO_DISK))


def database(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    return first not in (":memory:", b":memory:") if isinstance(first, str | bytes) else True


def host(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    """An address needs no name server."""
    if first is None:
        return False
    text = first.decode(errors="replace") if isinstance(first, bytes) else first
    if not isinstance(text, str):
        return True
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text.partition("%")[0])
            return False
        except (OSError, ValueError):
            pass
    return bool(text)


def has_timeout(sock: Any) -> bool:
    """Whether a socket waits: one in non-blocking mode has timeout 0."""
    return isinstance(sock, socket.SocketType) and socket.SocketType.gettimeout(sock) != 0


def sock(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    return has_timeout(first)


def sends(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    return has_timeout(first) and not _is_datagram(first)


def _is_datagram(one: Any) -> bool:
    # `socket.type` of the C class is the bare number.
    return int(socket.SocketType.type.__get__(one)) == socket.SOCK_DGRAM


def file(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    """A file on a disk, or a pipe: not a buffer in memory, a socket's file, or what is printed to."""
    raw = first
    if isinstance(raw, io.TextIOWrapper):
        if any(raw is one for one in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
            return False
        raw = io.TextIOWrapper.buffer.__get__(raw)
    if type(raw) in _BUFFERED:
        raw = raw.raw
    if type(raw) is not io.FileIO or raw.closed:
        return False
    name = getattr(raw, "name", None)
    return not (isinstance(name, str) and name.startswith(_NO_DISK)) and _waits(raw.fileno())


def _waits(descriptor: int) -> bool:
    return descriptor > 2 and os.get_blocking(descriptor)


def descriptor(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    return type(first) is int and _waits(first)


def no_flags(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    """`waitpid(pid, 0)`; a flag may be WNOHANG."""
    said = given if "0" in given else constants(code, lasti)
    return said is not None and said.get("1") == 0


def file_lock(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    import fcntl

    operation = given.get("1")
    return isinstance(operation, int) and not operation & (fcntl.LOCK_NB | fcntl.LOCK_UN)


def select(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    said = given if "0" in given else constants(code, lasti)
    return said is not None and said.get("3", said.get("timeout")) not in (0, _UNKNOWN)


def lock(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    """Only if another thread has it, and the call says to wait."""
    locked = getattr(type(first), "locked", None)  # RLock has had it since 3.14
    if locked is None or not locked(first):
        return False
    owned = getattr(type(first), "_is_owned", None)
    return not (owned is not None and owned(first)) and _says_to_wait(code, lasti)


def queue(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    return bool(type(first).empty(first)) and _says_to_wait(code, lasti)


def _says_to_wait(code: CodeType, lasti: int) -> bool:
    """Whether a call has no arguments `(wait, timeout)`, or constants that mean to wait."""
    said = constants(code, lasti)
    if said is None or not said.keys() <= {"0", "1", "blocking", "block", "timeout"}:
        return False
    waits = said.get("0", said.get("blocking", said.get("block", True)))
    return waits in (True, 1) and said.get("1", said.get("timeout")) not in (0, _UNKNOWN)


def timeout(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    limit = given.get("timeout")
    return limit is None or (isinstance(limit, int | float) and limit > 0)


def thread(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    return timeout(first, given, code, lasti) and isinstance(first, threading.Thread) and _is_alive(first)


def _is_alive(one: threading.Thread) -> bool:
    # Not asked before its start, nor of itself: `join` raises then.
    return one is not threading.current_thread() and one._started.is_set() and threading.Thread.is_alive(one)  # type: ignore[attr-defined]


def child(first: Any, given: Mapping[str, Any], code: CodeType, lasti: int) -> bool:
    return timeout(first, given, code, lasti) and getattr(first, "returncode", 0) is None


QUESTIONS: dict[str, Question] = {
    "seconds": seconds,
    "path": path,
    "database": database,
    "host": host,
    "socket": sock,
    "sends": sends,
    "connects": sends,
    "file": file,
    "descriptor": descriptor,
    "no_flags": no_flags,
    "file_lock": file_lock,
    "select": select,
    "lock": lock,
    "queue": queue,
    "timeout": timeout,
    "thread": thread,
    "child": child,
}


@functools.lru_cache(maxsize=512)
def constants(code: CodeType, lasti: int) -> dict[str, Any] | None:
    """The arguments of the call at an instruction, by number or name; what is no constant is not known.

    None for a call with unpacked arguments, or with more than one instruction for any that is not the first.
    """
    before: list[dis.Instruction] = []
    for one in dis.get_instructions(code):
        if one.offset == lasti:
            return _arguments(one, before)
        before.append(one)
    return None


def _arguments(call: dis.Instruction, before: list[dis.Instruction]) -> dict[str, Any] | None:
    if call.opname not in ("CALL", "CALL_KW"):
        return None
    names: tuple[str, ...] = ()
    if call.opname == "CALL_KW" or (before and before[-1].opname == "KW_NAMES"):  # the latter is 3.12's
        names = before.pop().argval
    count = call.arg or 0
    loads = before[len(before) - count :] if count else []
    values = [load.argval if load.opname in _LOADS else _UNKNOWN for load in loads]
    keys = [str(number) for number in range(count - len(names))] + list(names)
    return dict(zip(keys, values, strict=True))
