"""Where another process may have its socket: its directories may be named otherwise than ours, or be in a container."""

from __future__ import annotations

import os
from collections.abc import Iterator

from asyncwatch.control import places

# Rows of a list that any process of the machine makes longer.
MOST_ROWS = 100_000


def owner(pid: int) -> int:
    """The user of a process; our own where nobody says."""
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return os.geteuid()


def sockets(pid: int, uid: int) -> Iterator[str]:
    """Paths, the likeliest first; the same again as that process's own root directory has them, if it has another.

    Looking there takes what looking into the process would: the same user, or root with CAP_SYS_PTRACE.
    https://man7.org/linux/man-pages/man5/proc_pid_root.5.html
    """
    name = f"{_number_inside(pid)}.sock"
    found = [os.path.join(folder, name) for folder in folders(uid)]
    found += _listening(pid, name)
    if name == f"{pid}.sock":
        yield from found
    root = f"/proc/{pid}/root"
    try:
        if not os.path.samestat(os.stat(f"{root}/"), os.stat("/")):
            yield from (root + path for path in found)
    except OSError:
        pass


def folders(uid: int) -> Iterator[str]:
    yield from places.folders(uid)
    yield from (f"/run/user/{uid}/asyncwatch", f"/tmp/asyncwatch-{uid}")


def watched(most: int = 8) -> list[int]:
    """Processes that have a socket where we can see it, the lowest numbers first."""
    found: list[int] = []
    try:
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return found
    for pid in pids:
        if len(found) < most and any(map(os.path.exists, sockets(pid, owner(pid)))):
            found.append(pid)
    return found


def is_closed(pid: int) -> bool:
    """Whether we may not look into that process's root directory."""
    try:
        os.stat(f"/proc/{pid}/root/")
    except PermissionError:
        return True
    except OSError:
        pass
    return False


def _number_inside(pid: int) -> int:
    """The process's id as it knows it itself.

    https://man7.org/linux/man-pages/man5/proc_pid_status.5.html (NSpid)
    """
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("NSpid:"):
                    return int(line.split()[-1])
    except (OSError, ValueError, IndexError):
        pass
    return pid


def _listening(pid: int, name: str) -> Iterator[str]:
    """Paths as they were bound in that process's network namespace. Who really listens there is asked of the kernel."""
    try:
        with open(f"/proc/{pid}/net/unix", encoding="utf-8", errors="replace") as file:
            for _, line in zip(range(MOST_ROWS), file, strict=False):
                path = line.rstrip("\n").partition(" /")[2]
                if path.endswith(f"/{name}"):
                    yield "/" + path
    except OSError:
        return
