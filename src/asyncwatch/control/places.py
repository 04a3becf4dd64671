"""Where the sockets are: a directory that is ours alone, one file for each process, named after its number."""

from __future__ import annotations

import _socket
import os
import re
import stat
import struct
from collections.abc import Iterator
from typing import Any

MOST_STALE = 1_000
_NAME = re.compile(r"(\d+)\.sock")


class Refused(Exception):
    """A place or a peer that is not to be trusted; the text is a sentence."""


def folders(uid: int) -> Iterator[str]:
    """Where a process of this user may have its socket, the best place first."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        yield os.path.join(runtime, "asyncwatch")
    temporary = os.environ.get("TMPDIR", "")
    yield os.path.join(temporary if os.path.isabs(temporary) else "/tmp", f"asyncwatch-{uid}")


def prepare(folder: str) -> None:
    """Make the directory, or see that the one that is there is safe.

    Raises:
        Refused: it is a link, somebody else's, or open to others.
        OSError: it cannot be made.
    """
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    check(folder, os.geteuid())


def check(folder: str, uid: int) -> None:
    """See that a directory is this user's alone.

    Raises:
        Refused: it is a link, somebody else's, or open to others.
        OSError: it is not there.
    """
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        raise Refused(f"{folder} is no directory")
    if status.st_uid != uid:
        raise Refused(f"{folder} belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise Refused(f"{folder} is open to other users")


def remove_stale(folder: str) -> None:
    """Remove what processes that are no more have left behind."""
    try:
        names = os.listdir(folder)[:MOST_STALE]
    except OSError:
        return
    for name in names:
        match = _NAME.fullmatch(name)
        # A number may be free here and in use in another container that has the same directory.
        if match is not None and (int(match[1]) == os.getpid() or not is_alive(int(match[1]))):
            path = os.path.join(folder, name)
            try:
                if nobody_listens(path):
                    os.unlink(path)
            except OSError:
                pass


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # it is somebody else's
    return True


def nobody_listens(path: str) -> bool:
    """Whether a socket's file is left over. Raises OSError where that cannot be told."""
    # Not the `socket` module: test tools replace its class, to forbid connections.
    probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        probe.setblocking(False)
        probe.connect(path)
    except BlockingIOError:
        return False
    except ConnectionRefusedError:
        return True
    finally:
        probe.close()
    return False


def why_no_sockets() -> str:
    """Why there is no control socket on this system; empty where there is."""
    if not hasattr(_socket, "AF_UNIX"):
        return "this system has no Unix sockets"
    if not hasattr(_socket, "SO_PEERCRED") and not hasattr(_socket, "LOCAL_PEERCRED"):
        return "this system does not say which user is at the other end of a Unix socket"
    return ""


def peer(connection: Any) -> tuple[int, int]:
    """The user at the other end, and the process, 0 where that is not known. Raises OSError when it is gone."""
    if hasattr(_socket, "SO_PEERCRED"):
        raw = connection.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", raw)
        return uid, pid
    # struct xucred: version, uid, groups. The level is SOL_LOCAL.
    # https://github.com/apple-oss-distributions/xnu/blob/main/bsd/sys/ucred.h
    raw = connection.getsockopt(0, _socket.LOCAL_PEERCRED, 128)  # type: ignore[attr-defined]
    return struct.unpack("=2I", raw[:8])[1], 0
