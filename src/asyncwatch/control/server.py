"""The watched process's end: one line of JSON asks, `{"ask": "tree"}`, one line of JSON answers.

A thread of ours waits in the kernel for somebody to connect; an idle program does not notice. Whoever connects has few
seconds and few bytes to ask, and must be the same user, or root, who could look into the process anyway.
"""

from __future__ import annotations

import _socket
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from asyncwatch.config import SOCKETS, Config
from asyncwatch.control import places
from asyncwatch.control.descriptors import Descriptor
from asyncwatch.workers import Worker

PART = "control"
MOST_REQUEST = 4096
# Seconds that whoever asks has to ask, and to take each part of the answer.
PATIENCE = 5.0
BACKLOG = 16

Answers = Mapping[str, Callable[[], Any]]


class Server:
    """The control socket of one process. Nothing it does raises; `row` says what became of it."""

    def __init__(self, config: Config, answers: Answers, failed: Callable[[str, Exception], None]) -> None:
        self.wanted = config.profile == "debug" if config.socket == "auto" else config.socket != "off"
        # The one that the user has named; made full here, for the program may change its directory.
        self._folder = os.path.abspath(config.socket) if config.socket not in SOCKETS else ""
        self._answers = answers
        self._failed = failed
        self._worker = _Waiter(self._turn, self._wake)
        self._listener: Descriptor | None = None
        self._pipe: tuple[Descriptor, Descriptor] | None = None
        self._identity = (0, 0)
        self.path = ""
        self.why = places.why_no_sockets()

    def row(self) -> tuple[str, str, str]:
        """What `AW000` and `doctor` say of it."""
        if not self.wanted:
            return ("control-socket", "off", "--socket on opens it")
        if self.why:
            return ("control-socket", "blind", self.why)
        return ("control-socket", "armed", self.path or "opened when a loop runs")

    # -- life --

    def start(self) -> None:
        """Begin the thread, before the socket: where a first loop is also the last, there are no more threads.

        A program that counts its threads finds as many after its loop as before.
        """
        if not self.wanted or self.why:
            return
        try:
            if self._pipe is not None and self._pipe[0].is_ours:
                os.read(self._pipe[0].fd, 64)  # what `stop` left there
        except OSError:
            pass
        try:
            self._worker.start()
        except RuntimeError as error:
            self._remove_file()
            self.forget()
            self.why = str(error)

    def open(self) -> None:
        """Open the socket, once."""
        if self.wanted and not self.why and self._listener is None and self._open():
            self._worker.serve()

    def stop(self, timeout: float) -> None:
        """End the thread; who connects meanwhile waits for it to come back."""
        self._worker.stop(timeout)

    def close(self, timeout: float) -> None:
        """End the thread, remove the file."""
        self.stop(timeout)
        self._remove_file()
        self.forget()

    def forget(self) -> None:
        """Close what is open and leave the file, which after a fork is the parent's."""
        for one in (self._listener, *(self._pipe or ())):
            if one is not None:
                one.close()
        self._listener = self._pipe = None
        self.path = ""

    def _open(self) -> bool:
        reasons = []
        for folder in (self._folder,) if self._folder else places.folders(os.geteuid()):
            try:
                self._open_in(folder)
                return True
            except places.Refused as error:
                reasons.append(str(error))
            except OSError as error:
                reasons.append(f"{folder}: {error.strerror or error}")
            self._remove_file()
            self.forget()
        self.why = "; ".join(reasons)
        return False

    def _open_in(self, folder: str) -> None:
        places.prepare(folder)
        places.remove_stale(folder)
        path = os.path.join(folder, f"{os.getpid()}.sock")
        listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            listener.bind(path)
            self.path = path
            status = os.lstat(path)
            self._identity = (status.st_dev, status.st_ino)
            # Nobody else can get here before: the directory is closed to them.
            os.chmod(path, 0o600)
            listener.listen(BACKLOG)
            self._listener = Descriptor(listener.detach())
        finally:
            listener.close()
        reads, writes = os.pipe()
        self._pipe = (Descriptor(reads), Descriptor(writes))
        os.set_blocking(self._pipe[0].fd, False)
        os.set_blocking(self._listener.fd, False)

    def _remove_file(self) -> None:
        try:
            status = os.lstat(self.path)
            if (status.st_dev, status.st_ino) == self._identity:
                os.unlink(self.path)
                os.rmdir(os.path.dirname(self.path))
        except OSError:
            pass  # it was never there, or others have theirs in the same directory

    # -- service, in our thread --

    def _wake(self) -> None:
        """Have the thread come out of its wait."""
        try:
            if self._pipe is not None and self._pipe[1].is_ours:
                os.write(self._pipe[1].fd, b".")
            elif self.path:
                places.nobody_listens(self.path)  # the program closed our pipe; a connection wakes, too
        except OSError:
            pass

    def _turn(self) -> float | None:
        """Serve one who asks; None when there will be no more."""
        listener = self._listener
        if listener is None or not listener.is_ours or not self._wait(listener.fd) or not listener.is_ours:
            return None
        try:
            fd = Descriptor(_accept(listener.fd)).fd
        except OSError:
            # Too many open files, or whoever it was has gone; not to be asked at full speed.
            return 0.1
        connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, fd)
        try:
            connection.setblocking(False)
            self._serve(connection)
        except OSError:
            pass  # it has gone
        except Exception as error:
            listener.close()  # who asks from now on is told that nobody listens
            self._failed(PART, error)
            return None
        finally:
            connection.close()
        return 0.0

    def _wait(self, fd: int, *, writing: bool = False, until: float | None = None) -> bool:
        """Until something can be read or written; False when the time is over or the thread is to end."""
        from select import POLLIN, POLLOUT, poll

        if self._pipe is None:
            return False
        wake = self._pipe[0].fd
        poller = poll()
        poller.register(wake, POLLIN)
        poller.register(fd, POLLOUT if writing else POLLIN)
        ready = poller.poll(None if until is None else max(0.0, until - time.monotonic()) * 1000)
        return bool(ready) and all(one != wake for one, _ in ready)

    def _serve(self, connection: Any) -> None:
        uid, _ = places.peer(connection)
        if uid not in (os.geteuid(), 0):
            answer: dict[str, Any] = {"error": "this process belongs to another user"}
        else:
            line = self._request(connection)
            if line is None:
                return
            answer = self._answer(line)
        # Not `dumps`: in one call of C code it would keep the program's threads waiting, ten thousand tasks long.
        data = memoryview(("".join(json.JSONEncoder().iterencode(answer)) + "\n").encode())
        while data and self._wait(connection.fileno(), writing=True, until=time.monotonic() + PATIENCE):
            data = data[connection.send(data) :]

    def _request(self, connection: Any) -> bytes | None:
        end = time.monotonic() + PATIENCE
        line = b""
        while b"\n" not in line and len(line) <= MOST_REQUEST:
            if not self._wait(connection.fileno(), until=end):
                return None
            part = connection.recv(MOST_REQUEST)
            if not part:
                break
            line += part
        return line

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line) if len(line) <= MOST_REQUEST else None
        except (ValueError, RecursionError):
            request = None
        ask = request.get("ask") if isinstance(request, dict) else None
        answer = self._answers.get(ask) if isinstance(ask, str) else None
        if answer is None:
            known = ", ".join(json.dumps({"ask": name}) for name in self._answers)
            return {"error": f"not understood, expected one line: {known}"}
        return {str(ask): answer()}


class _Waiter(Worker):
    """A worker whose turn waits for others: to poke it is to end that wait."""

    def __init__(self, turn: Callable[[], float | None], wake: Callable[[], None]) -> None:
        super().__init__(turn)
        self._wake = wake

    def poke(self) -> None:
        super().poke()
        self._wake()

    def serve(self) -> None:
        """Have it take its first turn that waits for somebody."""
        super().poke()


def _accept(listener: int) -> int:
    """The next connection's descriptor."""
    borrowed = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, listener)
    try:
        fd: int = borrowed._accept()[0]  # type: ignore[attr-defined]
        return fd
    finally:
        borrowed.detach()
