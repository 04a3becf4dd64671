"""AW104 blocking-call: a call known to block, or of a function marked `@not_in_async`, was made on a loop's thread.

What it detects
    Opt-in, by `--extend-select AW104`: a call of a function of the standard library that waits for something other
    than the loop, made inside a task, however short it was this time. Always, unless AW104 is ignored: a call of a
    function that its author marked `@asyncwatch.not_in_async`, also from a callback. The line is the call in your code;
    the evidence has the function that blocks (`call`) and what to write instead (`instead`). Each line is said once.

        time.sleep(s)
            await asyncio.sleep(s)
        open, read, readline, write of a file or pipe
            asyncio.to_thread, anyio.open_file, aiofiles
        glob, os.walk, Path.glob, shutil, tempfile, os.fsync
            asyncio.to_thread around all of it
        os.stat, listdir, mkdir, rename, remove … (level info)
            asyncio.to_thread, anyio.Path
        socket connect, accept, recv, send; ssl.SSLSocket
            asyncio.open_connection, start_server, loop.sock_*
        socket.getaddrinfo, gethostbyname, gethostbyaddr, getnameinfo
            loop.getaddrinfo, loop.getnameinfo
        urllib.request, http.client, requests, urllib3
            httpx.AsyncClient, aiohttp
        smtplib, ftplib, imaplib, poplib
            an asynchronous client, asyncio.to_thread
        ssl.create_default_context, load_verify_locations
            one context, made before the loop runs
        subprocess.run, Popen, wait, communicate; os.system, waitpid
            asyncio.create_subprocess_exec
        sqlite3 connect, execute, fetch, commit
            aiosqlite, asyncio.to_thread
        Lock.acquire, Condition.wait, Event.wait, Queue.get
            the same of asyncio, or asyncio.to_thread
        Future.result, concurrent.futures.wait
            asyncio.wrap_future
        Thread.join, Barrier.wait, Semaphore.acquire
            asyncio.to_thread, asyncio.Barrier, Semaphore
        select.select, os.read, os.write of a blocking descriptor
            loop.add_reader, asyncio's streams
        fcntl.flock, fcntl.lockf
            asyncio.to_thread
        input
            asyncio.to_thread

Why it matters
    AW101 reports what was slow; this reports what can be. The file was in the cache and the server next door when you
    tried it. On a network file system, with a name server that does not answer, the same line stops every task.

Example
        async def charge(order):
            time.sleep(0.01)                      # <- AW104

    Also `requests.get(…)`, `open(…).read()`, `lock.acquire()`; and what you mark yourself, always:

        @asyncwatch.not_in_async(instead="load_async()")
        def load(number):
            return f"order {number}"

        async def charge(order):
            return load(order)                    # <- AW104

Instead
    What does not block:

        async def charge(order):
            await asyncio.sleep(0.01)

    Or the same call in a thread:

        async def charge(order):
            terms = await asyncio.to_thread(Path("terms.txt").read_text)
            return terms.replace("ORDER", str(order))

    Mark what of your own must not run on a loop's thread; it costs nothing when nothing watches (on Python 3.11 and
    with `strict` it is a wrapper). `strict=True` raises `asyncwatch.NotInAsyncError` there, watched or not:

        @asyncwatch.not_in_async(instead="load_async()")
        def load(number):
            return f"order {number}"

        async def charge(order):
            return await asyncio.to_thread(load, order)

    In source: flake8-async and ruff ASYNC210, ASYNC212 (HTTP), ASYNC220 to ASYNC222 (processes), ASYNC230, ASYNC240
    (files, paths), ASYNC250 (input) and ASYNC251 (sleep), flake8-async alone ASYNC200, ASYNC211, ASYNC231 and ASYNC232.
    They see the call that stands in the async function itself; this sees those behind it.

False alarms
    Only what would wait: not a lock that is free, a queue that has an item, a future that is done, a socket in
    non-blocking mode or for datagrams, a timeout of 0, an address that needs no name server, a file in memory or below
    /proc, /sys and /dev. A call whose arguments do not show whether it waits is not reported. Not what asyncio and
    uvloop do themselves, nor imports, tracebacks, debuggers, coverage; not logging, whose handlers write where they are
    called (`logging.handlers.QueueHandler` does not). Not a thread's start, nor the end of a `ThreadPoolExecutor`.
    Not `os.getcwd`, `os.path.abspath` and others that touch no disk. A call that no line of yours leads to is info.
    Not seen: native code other than the standard library's; `for line in file`, and `with lock` before Python 3.14;
    on 3.11 also reads and writes of files, locks, SQL statements and `os.stat`. AW000 says what is armed.

Settings
    `--extend-select AW104`; `--ignore AW104` also for marked functions. `--allow-blocking CALL[:PLACE],…` allows calls
    by the name that `call` in the evidence has, with the wildcards of the shell: `time.sleep:shop.legacy` in a module,
    or what a module or function has called in turn; `open:*/templates/*` in files, or of files, with such a path;
    `sqlite3.*` everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asyncwatch.blocking_calls import CALLED_AS, CALLS, THREAD, TWINS
from asyncwatch.call_events import CallBlocked, MarkedCalled
from asyncwatch.detectors.places import level_for, outermost_first
from asyncwatch.events import Event, TaskFacts
from asyncwatch.findings import Finding, Rule
from asyncwatch.frames import Frame, RawFrame, Scope, resolve

RULE = Rule("AW104", "blocking-call", "warning", "calls that block were made on a loop's thread", __doc__, opt_in=True)


class Detector:
    """Words one call."""

    listens = (CallBlocked, MarkedCalled)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def observe(self, event: Event) -> Iterator[Finding]:
        if isinstance(event, MarkedCalled):
            yield self._marked(event)
        elif isinstance(event, CallBlocked):
            yield self._blocked(event)

    def _blocked(self, event: CallBlocked) -> Finding:
        stack = outermost_first(event.frames)
        where = self._scope.innermost(stack)
        call = CALLS[event.call]
        asked, instead = self._asked(event.frames)
        if event.call.startswith("ssl."):
            instead = ""  # an asynchronous client makes its context in the same way
        evidence: dict[str, object] = {"call": event.call, "instead": instead or call.instead}
        text = f"{_who(event.task)} called {event.call}() on the loop's thread"
        if asked and not event.call.endswith(asked):
            evidence["by"] = asked
            text += f", by {asked}()"
        level = level_for(call.level, where, self._scope)
        return Finding(RULE, level, text, where, stack, event.task, evidence, event.loop)

    def _asked(self, frames: Sequence[RawFrame]) -> tuple[str, str]:
        """What the application called, if the blocking call is deeper down, and its asynchronous twin if it has one."""
        outer = file = ""
        for code, _ in frames:
            if self._scope.is_app(code.co_filename):
                break
            outer, file = code.co_qualname, code.co_filename
            package = _package(code.co_filename)
            if package in TWINS:
                return f"{package}.{outer}", TWINS[package]
        else:
            return "", ""
        return (_dotted(file, outer), CALLED_AS.get(outer, "")) if outer else ("", "")

    def _marked(self, event: MarkedCalled) -> Finding:
        stack = outermost_first(event.frames)
        where, line_is = self._scope.innermost(stack), "called"
        defined: Frame | None = None if event.defined is None else resolve((event.defined[0], 0))
        if where is None or not self._scope.is_app(where.file):
            where, line_is = defined or where, "defined" if defined else "called"
        evidence: dict[str, object] = {"call": event.function, "instead": event.instead or THREAD, "line_is": line_is}
        if defined is not None:
            evidence["defined_at"] = defined.to_dict()
        text = f"{_who(event.task)} called {event.function}(), marked @not_in_async, on the loop's thread"
        return Finding(
            RULE, level_for(RULE.level, where, self._scope), text, where, stack, event.task, evidence, event.loop
        )


def _who(task: TaskFacts | None) -> str:
    return f"task {task.name!r}" if task is not None else "a callback"


def _dotted(file: str, name: str) -> str:
    """A function of the standard library as programs write it."""
    module = file.removeprefix("<frozen ").removesuffix(">").rpartition("/")[2].removesuffix(".py")
    module = {"genericpath": "os.path", "posixpath": "os.path", "_local": "pathlib", "__init__": ""}.get(module, module)
    return f"{module}.{name}" if module and "." not in name else name


def _package(file: str) -> str:
    """The installed package that a file belongs to."""
    parts = file.replace("\\", "/").split("/")
    for folder in ("site-packages", "dist-packages"):
        if folder in parts[:-1]:
            return parts[parts.index(folder) + 1].removesuffix(".py")
    return ""
