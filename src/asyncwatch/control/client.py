"""The asking end: finds a process's socket, sees whose it is, and takes one answer."""

from __future__ import annotations

import _socket
import json
import os
from collections.abc import Iterator
from typing import Any

from asyncwatch.config import ConfigError
from asyncwatch.control import places

# Seconds without a byte after which whoever was asked does not answer.
PATIENCE = 30.0
LONGEST = 512 * 1024 * 1024


def ask(pid: int, question: str) -> Any:
    """The answer of a watched process to a question that `server` knows.

    Raises:
        ConfigError: with one sentence, when there is no such process, socket, or answer.
    """
    if why := places.why_no_sockets():
        raise ConfigError(why)
    if not places.is_alive(pid):
        raise ConfigError(f"there is no process {pid}")
    connection = _connect(pid)
    try:
        connection.settimeout(PATIENCE)
        connection.sendall(json.dumps({"ask": question}).encode() + b"\n")
        answer = _line(connection)
    except OSError as error:
        raise ConfigError(f"process {pid} did not answer: {error.strerror or error}") from None
    finally:
        connection.close()
    try:
        found = json.loads(answer)
    except ValueError:
        raise ConfigError(f"process {pid} broke its answer off; ask again") from None
    if not isinstance(found, dict) or question not in found:
        said = found.get("error") if isinstance(found, dict) else None
        raise ConfigError(f"process {pid} answered: {said or 'nothing that is understood here'}")
    return found[question]


def _connect(pid: int) -> Any:
    uid = _owner(pid)
    reasons = []
    for path in dict.fromkeys(_paths(pid, uid)):
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            places.check(os.path.dirname(path), uid)
            connection.settimeout(PATIENCE)
            connection.connect(path)
            theirs, number = places.peer(connection)
            if theirs == uid and number in (pid, 0):
                return connection
            reasons.append(f"{path} is not its socket")
        except FileNotFoundError:
            pass
        except places.Refused as error:
            reasons.append(str(error))
        except OSError as error:
            reasons.append(f"{path}: {error.strerror or error}")
        connection.close()
    if reasons:
        raise ConfigError(f"process {pid} cannot be asked: {'; '.join(reasons)}")
    raise ConfigError(
        f"process {pid} has no control socket: it is not watched, or runs no loop yet, or --socket is off"
        " (as it is in profile light)"
    )


def _owner(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return os.geteuid()


def _paths(pid: int, uid: int) -> Iterator[str]:
    """Where the socket may be: its directories may be named otherwise in that process's environment than in ours."""
    for folder in (*places.folders(uid), f"/run/user/{uid}/asyncwatch", f"/tmp/asyncwatch-{uid}"):
        yield os.path.join(folder, f"{pid}.sock")
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
            for line in file:
                path = line.rstrip("\n").partition(" /")[2]
                if path.endswith((f"/asyncwatch/{pid}.sock", f"/asyncwatch-{uid}/{pid}.sock")):
                    yield "/" + path
    except OSError:
        return


def _line(connection: Any) -> bytes:
    parts = []
    size = 0
    while size < LONGEST:
        part = connection.recv(1 << 16)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if part.endswith(b"\n"):
            break
    return b"".join(parts)
