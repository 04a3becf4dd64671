"""The rows of the table: a program, the engine's options, what is done to it, what becomes of it without us."""

from __future__ import annotations

import dataclasses

HOSTILE = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "64")


@dataclasses.dataclass(frozen=True)
class Row:
    """One container. `status` is what it ends with, whoever watches."""

    name: str
    words: tuple[str, ...]  # the program's, after `python` or the entry point
    status: int = 0
    options: tuple[str, ...] = ()  # of the engine
    signals: tuple[str, ...] = ()  # sent one after another, once it is ready
    environ: tuple[str, ...] = ()  # settings besides the toggle
    image: str = "app"
    says: str = "planted"  # planted: the line is named as a warning; see judge.py for the others
    quick: bool = False


def _work(name: str, program: str, status: int = 0, *options: str, **more: object) -> Row:
    return Row(name, ("work.py", program), status, options, **more)  # type: ignore[arg-type]


UVICORN = ("-m", "uvicorn", "--log-level", "warning", "web:application")

ROWS = (
    _work("ends well", "exit-0", quick=True),
    _work("sys.exit(3)", "exit-3", 3, quick=True),
    _work("sys.exit(text)", "exit-text", 1),
    _work("uncaught exception", "exception", 1, quick=True),
    _work("crash in C", "crash", 139),
    _work("kills itself, process 1", "kills-itself"),
    _work("kills itself, --init", "kills-itself", 143, "--init"),
    _work("TERM, handled", "handles", 7, signals=("TERM",), quick=True),
    _work("INT, handled", "handles", 7, signals=("INT",)),
    _work("TERM, handled, --init", "handles", 7, "--init", signals=("TERM",)),
    # The kernel keeps from a process 1 what it has no handler for.
    _work("TERM, not handled, then KILL", "waits", 137, signals=("TERM", "KILL"), quick=True),
    _work("TERM, not handled, --init", "waits", 143, "--init", signals=("TERM",), quick=True),
    _work("INT, not handled", "waits", 130, signals=("INT",)),
    _work("INT, not handled, --init", "waits", 130, "--init", signals=("INT",)),
    _work("KILL", "waits", 137, signals=("KILL",)),
    Row("uvicorn, TERM", UVICORN, 0, signals=("TERM",), image="web", quick=True),
    Row("uvicorn, INT", UVICORN, 0, signals=("INT",), image="web"),
    Row("uvicorn, TERM, --init", UVICORN, 143, ("--init",), ("TERM",), image="web"),
    _work("children left to process 1", "orphans", quick=True),
    _work("children left to --init", "orphans", 0, "--init"),
    _work("no process of ours", "alone", quick=True),
    _work("a megabyte on stdout", "writes", quick=True),
    _work("--read-only", "alone", 0, "--read-only", quick=True),
    _work("--user 12345", "alone", 0, "--user", "12345:12345", quick=True),
    _work("--user 0", "alone", 0, "--user", "0"),
    _work("no rights", "alone", 0, *HOSTILE),
    _work("no rights, --read-only, --user", "handles", 7, *HOSTILE, "--read-only", "--user", "99", signals=("TERM",)),
    _work("--pids-limit 1", "exit-3", 3, "--pids-limit", "1", says="unseen"),
    _work("--cpus 0.5", "starved", 0, "--cpus", "0.5", says="starved", quick=True),
    _work("--memory 128m", "memory", 0, "--memory", "128m", "--memory-swap", "128m", quick=True),
    _work("--memory 32m", "exit-0", 0, "--memory", "32m", "--memory-swap", "32m"),
    _work("a terminal (-t)", "exit-3", 3, "-t", says="console"),
    _work("a setting by variable", "exit-0", environ=("ASYNCWATCH_SLOW_CALLBACK_DURATION=5",), says="nothing"),
    _work("a file by variable", "exit-0", environ=("ASYNCWATCH_OUTPUT=/run/asyncwatch/found",), says="file"),
    _work("a wrong variable", "exit-0", 2, environ=("ASYNCWATCH_LEVEL=loud",), says="refused"),
)
