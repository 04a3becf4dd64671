"""The functions of the standard library that block, how each can be seen, and what to write instead.

Three ways to see one, none of which wraps a C type: an audit event where the interpreter raises one; `sys.monitoring`
(Python 3.12 and later) for a function of C code at the line that calls it, or for one of Python code at its start.
On Python 3.11 a function that is an attribute of a module or of a Python class is replaced there, if the row says so.
https://docs.python.org/3/library/audit_events.html
https://docs.python.org/3/library/sys.monitoring.html
"""

from __future__ import annotations

import dataclasses

THREAD = "await asyncio.to_thread(...)"
FILE = "await asyncio.to_thread(...), anyio.open_file() or aiofiles"
TREE = "await asyncio.to_thread(...) around the whole walk, or anyio.Path"
STREAM = "asyncio.open_connection(), or loop.sock_recv() and its kin on a non-blocking socket"
NAMES = "await loop.getaddrinfo(...) or loop.getnameinfo(...)"
PROCESS = "await asyncio.create_subprocess_exec(...)"
CHILD = "await process.wait() or process.communicate() of asyncio.create_subprocess_exec(...)"
HTTP = "an asynchronous client: httpx.AsyncClient, aiohttp"
CLIENT = "an asynchronous client, or await asyncio.to_thread(...)"
SQLITE = "aiosqlite, or await asyncio.to_thread(...) with a connection of its own"
TLS = "make the context once before the loop runs, or await asyncio.to_thread(ssl.create_default_context)"
LOCK = "asyncio.Lock among tasks; against threads await asyncio.to_thread(...) around what needs the lock"
WAIT = "asyncio.Event, Condition, Queue or Future, set from threads by loop.call_soon_threadsafe(...)"


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One function: its public name, what to write instead, and when a call of it is no wait.

    `waits` names the question of `hooks/waits.py` that must be answered with yes; without one every call counts.
    Level info is for what takes microseconds on a local disk and as long as the network on a remote one.
    `replace` when it may be replaced on Python 3.11 without anybody noticing.
    """

    name: str
    instead: str
    waits: str = ""
    level: str = "warning"
    replace: bool = False


def _all(names: str, instead: str, waits: str = "", level: str = "warning") -> list[tuple[str, Call]]:
    """Rows of audit events that are named as their functions."""
    return [(name, Call(name, instead, waits, level)) for name in names.split()]


def _methods(owner: str, names: str, instead: str, waits: str = "", replace: bool = False) -> list[Call]:
    return [Call(f"{owner}.{name}", instead, waits, replace=replace) for name in names.split()]


# By audit event. `time.sleep` has had one since 3.13.
AUDITED: dict[str, Call] = dict(
    [
        ("time.sleep", Call("time.sleep", "await asyncio.sleep(seconds)", "seconds")),
        ("builtins.input", Call("input", "await asyncio.to_thread(input)")),
        ("open", Call("open", FILE, "path")),
        ("socket.connect", Call("socket.socket.connect", STREAM, "connects")),
        *_all("socket.getaddrinfo socket.gethostbyname", NAMES, "host"),
        *_all("socket.gethostbyaddr socket.getnameinfo", NAMES),
        *_all("subprocess.Popen os.posix_spawn os.spawn pty.spawn", PROCESS),
        ("os.system", Call("os.system", "await asyncio.create_subprocess_shell(...)")),
        ("urllib.Request", Call("urllib.request.urlopen", HTTP)),
        *_all("http.client.connect", HTTP),
        *_all("smtplib.connect ftplib.connect poplib.connect imaplib.open", CLIENT),
        *_all("telnetlib.Telnet.open nntplib.connect", CLIENT),
        ("sqlite3.connect", Call("sqlite3.connect", SQLITE, "database")),
        *_all("fcntl.flock fcntl.lockf", THREAD, "file_lock"),
        *_all("shutil.copyfile shutil.copytree shutil.rmtree shutil.move shutil.make_archive", THREAD),
        *_all("shutil.unpack_archive", THREAD),
        *_all("glob.glob os.walk os.fwalk pathlib.Path.glob pathlib.Path.rglob pathlib.Path.walk", TREE),
        *_all("tempfile.mkstemp tempfile.mkdtemp", FILE),
        *_all("os.listdir os.scandir os.mkdir os.rename os.remove os.rmdir os.link", THREAD, "path", "info"),
        *_all("os.symlink os.truncate os.chmod os.chown os.utime", THREAD, "path", "info"),
        *_all("shutil.copymode shutil.copystat shutil.chown", THREAD, "", "info"),
    ]
)

# Functions of C code, seen where Python code calls them.
NATIVE: tuple[Call, ...] = (
    Call("time.sleep", "await asyncio.sleep(seconds)", "seconds", replace=True),
    *_methods("socket.socket", "recv recv_into recvfrom recvfrom_into recvmsg", STREAM, "socket", replace=True),
    *_methods("socket.socket", "send sendall sendmsg sendto", STREAM, "sends", replace=True),
    *_methods("io.TextIOWrapper", "read readline readlines write writelines", FILE, "file"),
    *_methods("io.BufferedReader", "read read1 readinto readline readlines", FILE, "file"),
    *_methods("io.BufferedWriter", "write writelines", FILE, "file"),
    *_methods("io.BufferedRandom", "read read1 readinto readline readlines write writelines", FILE, "file"),
    *_methods("io.FileIO", "read readall readinto write", FILE, "file"),
    *_methods("os", "read write", THREAD, "descriptor", replace=True),
    *_methods("os", "fsync fdatasync sendfile", THREAD),
    Call("os.wait", CHILD, replace=True),
    Call("os.waitpid", CHILD, "no_flags", replace=True),
    *[
        Call(f"os.{name}", "await asyncio.to_thread(...), or anyio.Path", "path", "info")
        for name in ("stat", "lstat", "access", "statvfs", "readlink")
    ],
    Call("select.select", "loop.add_reader(...), or asyncio's streams", "select", replace=True),
    *_methods("sqlite3.Connection", "execute executemany executescript commit rollback backup", SQLITE),
    *_methods("sqlite3.Cursor", "execute executemany executescript fetchone fetchmany fetchall", SQLITE),
    Call("threading.Lock.acquire", LOCK, "lock"),
    Call("threading.Lock.acquire_lock", LOCK, "lock"),
    Call("threading.Lock.__enter__", LOCK, "lock"),
    Call("_thread.RLock.acquire", LOCK, "lock"),
    Call("_thread.RLock.__enter__", LOCK, "lock"),
    Call("_queue.SimpleQueue.get", WAIT, "queue"),
    *_methods("ssl.SSLContext", "load_verify_locations load_cert_chain set_default_verify_paths", TLS, replace=True),
)

# Functions of Python code, seen when they start, with their arguments.
PYTHON: tuple[Call, ...] = (
    Call("threading.Condition.wait", WAIT, "timeout", replace=True),
    Call("threading.Thread.join", "await asyncio.to_thread(thread.join)", "thread", replace=True),
    Call("subprocess.Popen.wait", CHILD, "child", replace=True),
    Call("socket.socket.accept", "asyncio.start_server(), or await loop.sock_accept(...)", "socket", replace=True),
    *_methods("ssl.SSLSocket", "read write send recv recv_into do_handshake", STREAM, "socket", replace=True),
    Call("ssl.create_default_context", TLS, replace=True),
)

CALLS: dict[str, Call] = {call.name: call for call in (*PYTHON, *NATIVE, *AUDITED.values())}

# What a program calls, when what blocks is deeper down in it: by the name of the function in its module.
CALLED_AS: dict[str, str] = {
    "Future.result": "await asyncio.wrap_future(future)",
    "Future.exception": "await asyncio.wrap_future(future)",
    "Event.wait": "asyncio.Event, set from threads by loop.call_soon_threadsafe(event.set)",
    "Queue.get": "asyncio.Queue, or await asyncio.to_thread(queue.get)",
    "Queue.put": "asyncio.Queue, or await asyncio.to_thread(queue.put, item)",
    "Semaphore.acquire": "asyncio.Semaphore",
    "Barrier.wait": "asyncio.Barrier",
    "Popen.communicate": CHILD,
    "run": PROCESS,
    "check_output": PROCESS,
}

# Libraries that have an asynchronous twin, by the name of the package whose line called the function.
TWINS: dict[str, str] = {
    "requests": HTTP,
    "urllib3": HTTP,
    "httpx": "httpx.AsyncClient, made once",
    "redis": "redis.asyncio",
    "pymongo": "pymongo.AsyncMongoClient",
    "pymysql": "aiomysql or asyncmy",
    "psycopg": "psycopg.AsyncConnection",
    "botocore": "aiobotocore",
    "paramiko": "asyncssh",
    "dns": "dns.asyncresolver",
}
