"""The asking end: finds a process's socket, sees whose it is, and takes one answer."""

from __future__ import annotations

import _socket
import json
import os
from typing import Any

from asyncwatch.config import ConfigError
from asyncwatch.control import places, processes

# Seconds without a byte after which whoever was asked does not answer.
PATIENCE = 30.0
LONGEST = 512 * 1024 * 1024


def ask(whom: int | str, question: str) -> Any:
    """The answer of a watched process to a question that `server` knows.

    Args:
        whom: its process id, or the path of its socket, or of a directory with no other socket in it.

    Raises:
        ConfigError: with one sentence, when there is no such process, socket, or answer.
    """
    if why := places.why_no_sockets():
        raise ConfigError(why)
    name = f"process {whom}" if isinstance(whom, int) else str(whom)
    connection = _connect(whom) if isinstance(whom, int) else _connect_to(whom)
    try:
        connection.settimeout(PATIENCE)
        connection.sendall(json.dumps({"ask": question}).encode() + b"\n")
        answer = _line(connection)
    except OSError as error:
        raise ConfigError(f"{name} did not answer: {error.strerror or error}") from None
    finally:
        connection.close()
    try:
        found = json.loads(answer)
    except ValueError:
        raise ConfigError(f"{name} broke its answer off; ask again") from None
    if not isinstance(found, dict) or question not in found:
        said = found.get("error") if isinstance(found, dict) else None
        raise ConfigError(f"{name} answered: {said or 'nothing that is understood here'}")
    return found[question]


def _connect(pid: int) -> Any:
    if not places.is_alive(pid):
        raise ConfigError(f"there is no process {pid}")
    uid = processes.owner(pid)
    reasons = []
    for path in dict.fromkeys(processes.sockets(pid, uid)):
        try:
            return _open(path, uid, pid)
        except FileNotFoundError:
            pass
        except places.Refused as error:
            reasons.append(str(error))
        except OSError as error:
            reasons.append(f"{path}: {error.strerror or error}")
    if reasons:
        raise ConfigError(f"process {pid} cannot be asked: {'; '.join(reasons)}")
    why = "it is not watched, or runs no loop yet, or --socket is off (as it is in profile light)"
    if processes.is_closed(pid):
        why += f", or it is in a container that only its own user (uid {uid}) can look into"
    raise ConfigError(f"process {pid} has no control socket: {why}{others()}")


def others() -> str:
    """Who could be asked instead, as the rest of a sentence; empty where there is nobody."""
    found = processes.watched()
    return f"; watched here: {', '.join(map(str, found))}" if found else ""


def _connect_to(path: str) -> Any:
    try:
        path = _only_socket(path)
        owner = os.lstat(path).st_uid
        # Root may ask everybody.
        uid = os.geteuid() or owner
        return _open(path, uid, 0)
    except places.Refused as error:
        raise ConfigError(f"{path} cannot be asked: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be asked: {error.strerror or error}") from None


def _only_socket(path: str) -> str:
    if not os.path.isdir(path):
        return path
    names = sorted(name for name in os.listdir(path) if name.endswith(".sock"))
    if len(names) != 1:
        what = f"there are {', '.join(names)} in it; name one" if names else "there is no socket in it"
        raise places.Refused(what)
    return os.path.join(path, names[0])


def _open(path: str, uid: int, pid: int) -> Any:
    """A connection to a process of this user, and with this number unless it is 0.

    Raises:
        Refused: the place, or who listens there, is not to be trusted.
        OSError: nobody listens there.
    """
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        places.check(os.path.dirname(os.path.abspath(path)), uid)
        connection.settimeout(PATIENCE)
        connection.connect(path)
        theirs, number = places.peer(connection)
        # 0 is a process in a namespace that is closed to us: its number there says nothing here.
        if theirs != uid or (pid and number not in (pid, 0)):
            raise places.Refused(f"{path} is not its socket" if pid else "it belongs to another user")
    except BaseException:
        connection.close()
        raise
    return connection


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
