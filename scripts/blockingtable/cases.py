"""The rows: one call each, named as the tools name it, with what it needs made beforehand, and whether it can wait.

Each call stands on the line of its lambda, which is where a finding must point.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import fcntl
import ftplib
import glob
import http.client
import imaplib
import io
import os
import pathlib
import poplib
import queue
import select
import shutil
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

FOLDER = pathlib.Path(tempfile.mkdtemp())
CLOSED = ("127.0.0.1", 9)
PYTHON = [sys.executable, "-S", "-c", "pass"]


@dataclasses.dataclass
class Case:
    """`call` is given what `make` made, in another thread; `waits` is False for a call that must not be reported."""

    name: str
    call: Callable[[Any], Any]
    make: Callable[[], Any] = lambda: None
    waits: bool = True

    @property
    def line(self) -> int:
        return self.call.__code__.co_firstlineno


def file(name: str = "file") -> pathlib.Path:
    path = FOLDER / name
    path.write_bytes(b"0123456789" * 10)
    return path


def opened(mode: str, **more: Any) -> Callable[[], Any]:
    return lambda: open(file(), mode, **more)


def folder() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(dir=FOLDER))


def pair() -> tuple[socket.socket, socket.socket]:
    left, right = socket.socketpair()
    right.send(b"x" * 100)
    left.settimeout(0.5)
    return left, right


def non_blocking() -> tuple[socket.socket, socket.socket]:
    left, right = pair()
    left.setblocking(False)
    return left, right


def server() -> tuple[socket.socket, socket.socket]:
    listening = socket.create_server(("127.0.0.1", 0))
    return listening, socket.create_connection(listening.getsockname())


def tls() -> ssl.SSLSocket:
    left, right = socket.socketpair()
    right.close()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(left, do_handshake_on_connect=False)


def base() -> sqlite3.Connection:
    return sqlite3.connect(FOLDER / "base", check_same_thread=False)


def cursor() -> sqlite3.Cursor:
    return base().execute("select 1 union select 2 union select 3")


def taken() -> Any:
    lock = threading.Lock()
    lock.acquire()
    threading.Timer(0.1, lock.release).start()
    return lock


def held() -> Any:
    lock = threading.Lock()
    lock.acquire()
    return lock


def sleeping() -> threading.Thread:
    thread = threading.Thread(target=time.sleep, args=(0.2,))
    thread.start()
    return thread


def working() -> concurrent.futures.Future[None]:
    return concurrent.futures.ThreadPoolExecutor(1).submit(time.sleep, 0.2)


def pipe() -> tuple[int, int]:
    inner, outer = os.pipe()
    os.write(outer, b"x" * 10)
    return inner, outer


def quiet_pipe() -> tuple[int, int]:
    inner, outer = pipe()
    os.set_blocking(inner, False)
    os.set_blocking(outer, False)
    return inner, outer


def lines(text: str) -> Any:
    return io.StringIO(text)


CASES = [
    Case("time.sleep", lambda _: time.sleep(0.001)),
    Case("builtins.input", lambda _: input()),
    Case("open", lambda path: open(path).close(), file),
    Case("io.TextIOWrapper.read", lambda one: one.read(1), opened("r+")),
    Case("io.TextIOWrapper.write", lambda one: one.write("x"), opened("r+")),
    Case("io.BufferedReader.read", lambda one: one.read(1), opened("rb")),
    Case("io.BufferedWriter.write", lambda one: one.write(b"x"), opened("wb")),
    Case("io.BufferedRandom.read", lambda one: one.read(1), opened("r+b")),
    Case("io.BufferedRandom.write", lambda one: one.write(b"x"), opened("r+b")),
    Case("io.FileIO.read", lambda one: one.read(1), opened("rb", buffering=0)),
    Case("Path.read_text", lambda path: path.read_text(), file),
    Case("os.read", lambda ends: os.read(ends[0], 1), pipe),
    Case("os.write", lambda ends: os.write(ends[1], b"x"), pipe),
    Case("os.fsync", lambda one: os.fsync(one.fileno()), opened("wb")),
    Case("os.sendfile", lambda one: os.sendfile(os.dup(one[1]), os.open(FOLDER / "file", os.O_RDONLY), 0, 1), pipe),
    Case("os.stat", lambda _: os.stat("/1")),
    Case("os.statvfs", lambda _: os.statvfs("/")),
    Case("os.access", lambda _: os.access("/1", os.F_OK)),
    Case("os.readlink", lambda _: os.readlink("/1")),
    Case("os.listdir", lambda _: os.listdir("/")),
    Case("os.scandir", lambda _: os.scandir("/")),
    Case("os.mkdir", lambda path: os.mkdir(path / "new"), folder),
    Case("os.rmdir", lambda path: os.rmdir(path), folder),
    Case("os.remove", lambda path: os.remove(path), file),
    Case("os.unlink", lambda path: os.unlink(path), file),
    Case("os.rename", lambda path: os.rename(path, f"{path}2"), file),
    Case("os.replace", lambda path: os.replace(path, f"{path}2"), file),
    Case("os.link", lambda path: os.link("/1", path / "link"), folder),
    Case("os.symlink", lambda path: os.symlink("/1", path / "link"), folder),
    Case("os.truncate", lambda path: os.truncate(path, 1), file),
    Case("os.path.exists", lambda _: os.path.exists("/1")),
    Case("os.path.islink", lambda _: os.path.islink("/1")),
    Case("os.path.ismount", lambda _: os.path.ismount("/1")),
    Case("os.walk", lambda path: list(os.walk(path)), folder),
    Case("os.fwalk", lambda path: list(os.fwalk(path)), folder),
    Case("glob.glob", lambda path: glob.glob(f"{path}/*"), folder),
    Case("pathlib.Path.glob", lambda path: list(path.glob("*")), folder),
    Case("pathlib.Path.rglob", lambda path: list(path.rglob("*")), folder),
    Case("tempfile.mkstemp", lambda path: tempfile.mkstemp(dir=path), folder),
    Case("tempfile.mkdtemp", lambda path: tempfile.mkdtemp(dir=path), folder),
    Case("shutil.copyfile", lambda path: shutil.copyfile(path, f"{path}3"), file),
    Case("shutil.copymode", lambda path: shutil.copymode(path, path.parent), file),
    Case("shutil.copystat", lambda path: shutil.copystat(path, path.parent), file),
    Case("shutil.move", lambda path: shutil.move(path, f"{path}4"), file),
    Case("shutil.copytree", lambda path: shutil.copytree(path, f"{path}5"), folder),
    Case("shutil.rmtree", lambda path: shutil.rmtree(path), folder),
    Case("fcntl.flock", lambda one: fcntl.flock(one, fcntl.LOCK_EX), opened("rb")),
    Case("fcntl.lockf", lambda one: fcntl.lockf(one, fcntl.LOCK_EX), opened("r+b")),
    Case("socket.getaddrinfo", lambda _: socket.getaddrinfo("localhost", 80)),
    Case("socket.gethostbyname", lambda _: socket.gethostbyname("localhost")),
    Case("socket.gethostbyaddr", lambda _: socket.gethostbyaddr("127.0.0.1")),
    Case("socket.getnameinfo", lambda _: socket.getnameinfo(CLOSED, 0)),
    Case("socket.socket.connect", lambda one: one.connect(CLOSED), socket.socket),
    Case("socket.socket.connect_ex", lambda one: one.connect_ex(CLOSED), socket.socket),
    Case("socket.create_connection", lambda _: socket.create_connection(CLOSED)),
    Case("socket.socket.accept", lambda ends: ends[0].accept(), server),
    Case("socket.socket.send", lambda ends: ends[0].send(b"x"), pair),
    Case("socket.socket.sendall", lambda ends: ends[0].sendall(b"x"), pair),
    Case("socket.socket.sendto", lambda ends: ends[0].sendto(b"x", "x"), pair),
    Case("socket.socket.sendmsg", lambda ends: ends[0].sendmsg([b"x"]), pair),
    Case("socket.socket.recv", lambda ends: ends[0].recv(1), pair),
    Case("socket.socket.recv_into", lambda ends: ends[0].recv_into(bytearray(1)), pair),
    Case("socket.socket.recvfrom", lambda ends: ends[0].recvfrom(1), pair),
    Case("socket.socket.recvfrom_into", lambda ends: ends[0].recvfrom_into(bytearray(1)), pair),
    Case("socket.socket.recvmsg", lambda ends: ends[0].recvmsg(1), pair),
    Case("ssl.SSLSocket.send", lambda one: one.send(b"x"), tls),
    Case("ssl.SSLSocket.write", lambda one: one.write(b"x"), tls),
    Case("ssl.SSLSocket.recv", lambda one: one.recv(1), tls),
    Case("ssl.SSLSocket.read", lambda one: one.read(1), tls),
    Case("ssl.SSLSocket.do_handshake", lambda one: one.do_handshake(), tls),
    Case("ssl.create_default_context", lambda _: ssl.create_default_context()),
    Case("select.select", lambda ends: select.select([ends[0]], [], [], 1), pipe),
    Case("http.client.connect", lambda _: http.client.HTTPConnection(*CLOSED).connect()),
    Case("urllib.Request", lambda _: urllib.request.urlopen("http://127.0.0.1:9/")),
    Case("ftplib.connect", lambda _: ftplib.FTP("127.0.0.1")),
    Case("smtplib.connect", lambda _: smtplib.SMTP(*CLOSED)),
    Case("poplib.connect", lambda _: poplib.POP3(*CLOSED)),
    Case("imaplib.open", lambda _: imaplib.IMAP4(*CLOSED)),
    Case("os.system", lambda _: os.system("true")),
    Case("os.spawn", lambda _: os.spawnv(os.P_WAIT, sys.executable, PYTHON)),
    Case("os.posix_spawn", lambda _: os.waitpid(os.posix_spawn(sys.executable, PYTHON, os.environ), 0)),
    Case("subprocess.Popen", lambda _: subprocess.run(PYTHON, check=True)),
    Case("Popen.wait", lambda one: one.wait(), lambda: subprocess.Popen(PYTHON)),
    Case("sqlite3.connect", lambda _: sqlite3.connect(FOLDER / "base")),
    Case("sqlite3.Connection.execute", lambda one: one.execute("select 1"), base),
    Case("sqlite3.Connection.executemany", lambda one: one.executemany("delete from x", []), base),
    Case("sqlite3.Connection.executescript", lambda one: one.executescript("select 1"), base),
    Case("sqlite3.Connection.commit", lambda one: one.commit(), base),
    Case("sqlite3.Connection.rollback", lambda one: one.rollback(), base),
    Case("sqlite3.Cursor.execute", lambda one: one.execute("select 1"), cursor),
    Case("sqlite3.Cursor.executemany", lambda one: one.executemany("delete from x", []), cursor),
    Case("sqlite3.Cursor.executescript", lambda one: one.executescript("select 1"), cursor),
    Case("sqlite3.Cursor.fetchone", lambda one: one.fetchone(), cursor),
    Case("sqlite3.Cursor.fetchmany", lambda one: one.fetchmany(), cursor),
    Case("sqlite3.Cursor.fetchall", lambda one: one.fetchall(), cursor),
    Case("threading.Lock.acquire", lambda lock: lock.acquire(), taken),
    Case("threading.Lock.acquire_lock", lambda lock: lock.acquire_lock(), taken),
    Case("threading.Event.wait", lambda event: event.wait(0.001), threading.Event),
    Case("threading.Thread.join", lambda thread: thread.join(), sleeping),
    Case("queue.Queue.get", lambda one: one.get(timeout=0.001), queue.Queue),
    Case("Future.result", lambda future: future.result(), working),
    # What waits for nothing.
    Case("time.sleep(0)", lambda _: time.sleep(0), waits=False),
    Case("os.getcwd", lambda _: os.getcwd(), waits=False),
    Case("os.path.abspath", lambda _: os.path.abspath("1"), waits=False),
    Case("os.path.samestat", lambda two: os.path.samestat(two, two), lambda: os.stat("/"), waits=False),
    Case("os.path.sameopenfile", lambda _: os.path.sameopenfile(0, 0), waits=False),
    Case("os.kill", lambda _: os.kill(os.getpid(), 0), waits=False),
    Case("socket.socket.bind", lambda one: one.bind(("127.0.0.1", 0)), socket.socket, waits=False),
    Case("getaddrinfo of an address", lambda _: socket.getaddrinfo("127.0.0.1", 80), waits=False),
    Case("connect of a datagram socket", lambda _: socket.socket(type=socket.SOCK_DGRAM).connect(CLOSED), waits=False),
    Case("send, non-blocking", lambda ends: ends[0].send(b"x"), non_blocking, waits=False),
    Case("recv, non-blocking", lambda ends: ends[0].recv(1), non_blocking, waits=False),
    Case("os.read, non-blocking", lambda ends: os.read(ends[0], 1), quiet_pipe, waits=False),
    Case("os.write, non-blocking", lambda ends: os.write(ends[1], b"x"), quiet_pipe, waits=False),
    Case("select with timeout 0", lambda ends: select.select([ends[0]], [], [], 0), pipe, waits=False),
    Case("read of a StringIO", lambda one: one.read(), lambda: lines("text"), waits=False),
    Case("write to standard error", lambda _: sys.stderr.write(""), waits=False),
    Case("open below /proc", lambda _: open("/proc/self/stat").close(), waits=False),
    Case("Lock.acquire, free", lambda lock: lock.acquire(), threading.Lock, waits=False),
    Case("Lock.acquire(blocking=False)", lambda lock: lock.acquire(blocking=False), held, waits=False),
    Case("Lock.acquire(timeout=0)", lambda lock: lock.acquire(timeout=0), held, waits=False),
    Case("Event.wait(0)", lambda event: event.wait(0), threading.Event, waits=False),
    Case("Thread.start", lambda _: threading.Thread(target=int).start(), waits=False),
    Case("Queue.get(block=False)", lambda one: one.get(block=False), queue.Queue, waits=False),
]
