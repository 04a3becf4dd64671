"""Starting the program in this process, so that it cannot tell the difference from bare Python."""

from __future__ import annotations

import atexit
import importlib.machinery
import importlib.util
import os
import runpy
import sys
from collections.abc import Sequence, Set
from importlib.machinery import PathFinder, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType, TracebackType
from typing import Any, Protocol

from asyncwatch.cli.targets import Target
from asyncwatch.config import ConfigError

# Characters of a sentence of ours.
LONGEST = 2_000
# Seconds that the report of an uncaught exception waits for what was found before it.
SETTLE = 0.5


class Watcher(Protocol):
    """What the launcher needs of a session that has been started."""

    @property
    def failures(self) -> tuple[str, ...]: ...

    def program_ends(self) -> None: ...

    def flush(self, timeout: float) -> object: ...


def complain(text: str) -> None:
    """One line on stderr, whatever names are in the text."""
    from asyncwatch.frames import plain

    if sys.stderr is not None:
        print("asyncwatch: " + plain(" ".join(text[:LONGEST].splitlines())), file=sys.stderr, flush=True)


class Interrupt:
    """Keeps an unhandled Ctrl-C what it is: death by SIGINT, which shells and supervisors look for.

    CPython before 3.14 forgets it when any text is evaluated after it, as the import of a dataclass does, and
    ends with status 1. The session's last words may do that, so it is said again after them.
    """

    seen = False

    @classmethod
    def guard(cls) -> None:
        """To be called before the session starts: exit handlers run last in, first out."""
        atexit.register(cls._repeat)

    @classmethod
    def _repeat(cls) -> None:
        if cls.seen:
            try:
                exec("raise KeyboardInterrupt")
            except KeyboardInterrupt:
                pass


class Program:
    """A program about to run in this process: everything is decided, nothing of its own has happened."""

    def __init__(self, target: Target, args: Sequence[str], before: Set[str] = frozenset()) -> None:
        """Read what can be read without running it; `before` are the modules that are not of our importing.

        Raises:
            ConfigError: a script cannot be read.
        """
        self.target = target
        self.before = before
        self.watch: Watcher | None = None
        self.can_fail = False
        self.argv = [target.argv0, *args]
        self.main = _fresh_main()
        self.code = _load(target, self.main)

    def run(self) -> None:
        """Run it to its end. Its exit, its exception, its interrupt pass through as bare Python has them."""
        sys.argv[:] = self.argv
        if self.target.path0 is not None:
            _forget_shadowed(self.target.path0, self.before)
            sys.path.insert(0, self.target.path0)
        # Never put back: exit handlers, threads and pickle go on asking for the program's own __main__.
        sys.modules["__main__"] = self.main
        try:
            _enter(self.target, self.code, self.main.__dict__)
        except SystemExit as error:
            _say_not_found(error)
            if error.code is None or (isinstance(error.code, int) and error.code == 0):
                self._finish()
            raise
        except BaseException as error:
            Interrupt.seen = isinstance(error, KeyboardInterrupt)
            _hide_our_frames(self.watch)
            raise
        self._finish()

    def _finish(self) -> None:
        if self.watch is None or not self.can_fail:
            return
        import threading

        # The program's threads end before the verdict, as they would before the interpreter does.
        threading._shutdown()  # type: ignore[attr-defined]
        self.watch.program_ends()
        self.watch.flush(2.0)
        if self.watch.failures:
            complain(f"exit status 3, seen: {', '.join(self.watch.failures)}")
            raise SystemExit(3) from None


def _enter(target: Target, code: bytes | CodeType | None, namespace: dict[str, Any]) -> None:
    """The last frame of ours: everything inside belongs to bare Python's picture of the program."""
    if code is None:
        # What the interpreter itself calls, for -m and for a directory; so are its frames in a traceback.
        runpy._run_module_as_main(  # type: ignore[attr-defined]
            target.name if target.kind == "module" else "__main__", target.kind == "module"
        )
    elif isinstance(code, bytes):
        exec(compile(code, namespace["__file__"], "exec", dont_inherit=True), namespace)
    else:
        exec(code, namespace)


def _fresh_main() -> ModuleType:
    """An empty `__main__`, as the interpreter makes it before it knows what to run."""
    main = ModuleType("__main__")
    main.__loader__ = importlib.machinery.BuiltinImporter
    if "__annotations__" in vars(sys.modules["__main__"]):  # not on every Python
        main.__annotations__ = {}
    vars(main)["__builtins__"] = sys.modules["builtins"]
    return main


def _load(target: Target, main: ModuleType) -> bytes | CodeType | None:
    """Read a script and describe it in `main`; None for what runpy loads and describes itself."""
    if target.kind == "entry-point":
        name, _, attribute = target.name.partition(":")
        code = f"import sys\nfrom {name} import {attribute.partition('.')[0]}\nsys.exit({attribute}())\n"
        return compile(code, f"<console script {target.argv0}>", "exec", dont_inherit=True)
    if target.kind != "script":
        return None
    path = target.name if os.path.isabs(target.name) else os.path.join(os.getcwd(), target.name)
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise ConfigError(f"can't open {target.name!r}: {error.strerror}") from None
    compiled = path.endswith(".pyc") or content[:4] == importlib.util.MAGIC_NUMBER
    main.__loader__ = (SourcelessFileLoader if compiled else SourceFileLoader)("__main__", path)
    main.__file__ = path
    if "__cached__" in globals():  # not on every Python
        vars(main)["__cached__"] = None
    return _compiled(content, target.name) if compiled else content


def _compiled(content: bytes, name: str) -> CodeType:
    import marshal

    if content[:4] != importlib.util.MAGIC_NUMBER:
        raise ConfigError(f"can't run {name!r}: compiled by another version of Python")
    code: CodeType = marshal.loads(content[16:])
    return code


def _forget_shadowed(folder: str, before: Set[str]) -> None:
    """Let the program find its own `queue.py` or `types.py` although we imported the library's.

    Only what was imported since our start, and only where a file in the program's own directory would have
    been found first; our own modules keep what they have.
    """
    try:
        nearby = {name.partition(".")[0] for name in os.listdir(folder)}
    except OSError:
        return
    ours = {name.partition(".")[0] for name in sys.modules.keys() - before} - {"asyncwatch", "__main__"}
    for top in ours & nearby - before:
        spec = PathFinder.find_spec(top, [folder])
        loaded = getattr(sys.modules.get(top), "__file__", None) or ""
        if spec is not None and spec.origin and os.path.realpath(loaded) != os.path.realpath(spec.origin):
            for name in [name for name in sys.modules if name == top or name.startswith(top + ".")]:
                del sys.modules[name]


def _say_not_found(error: SystemExit) -> None:
    """Turn runpy's own "No module named x" into our one line; anything the program raised is left alone."""
    if isinstance(error.__context__, runpy._Error):  # type: ignore[attr-defined]
        inner = _inside(error.__traceback__)
        if inner is not None and inner.tb_next is None:  # raised by runpy, not by something the program ran
            complain(str(error.__context__))
            raise SystemExit(2) from None


def _inside(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is the program's; all of it where we have no part in it."""
    entry = trace
    while entry is not None:
        if entry.tb_frame.f_code is _enter.__code__:
            return entry.tb_next
        entry = entry.tb_next
    return trace


def _hide_our_frames(watch: Watcher | None) -> None:
    """Have the interpreter report the exception that is on its way out without the frames that are ours.

    The report stays the interpreter's or the program's own: only what it is shown is cut. What was found before is said
    before: the report is written piece by piece, and a line of ours must not come in the middle of one.
    """
    previous = getattr(sys, "excepthook", sys.__excepthook__)

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if sys.excepthook is hook:
            sys.excepthook = previous
        try:
            if watch is not None:
                watch.flush(SETTLE)
        except BaseException:  # whatever comes now, another Ctrl-C too: the report has to come
            pass
        trace = _inside(trace)
        error.__traceback__ = trace
        sys.last_traceback = trace
        previous(kind, error, trace)

    sys.excepthook = hook
