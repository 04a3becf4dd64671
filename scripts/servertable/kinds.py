"""The rows of the table: servers with a signal each, workers of job queues, programs that end by themselves."""

from __future__ import annotations

import dataclasses

UVICORN = ["-m", "uvicorn", "app:app", "--port", "{port}"]
GUNICORN = ["-m", "gunicorn", "app:app", "-b", "127.0.0.1:{port}", "-k", "uvicorn_worker.UvicornWorker"]
GUNICORN += ["--graceful-timeout", "3", "-w", "2", "--no-control-socket"]
HYPERCORN = ["-m", "hypercorn", "app:app", "-b", "127.0.0.1:{port}", "-w", "2"]
GRANIAN = ["-m", "granian", "--interface", "asgi", "--port", "{port}", "--workers", "2", "app:app"]
TASKIQ = ["-m", "taskiq", "worker", "jobs_taskiq:broker", "--workers", "2"]
CELERY = ["-m", "celery", "-A", "jobs_celery", "worker", "-P", "prefork", "-c", "2", "-l", "WARNING"]
REPL = "import time, work\ntime.sleep(0.25)\nwork.done()\n"


@dataclasses.dataclass(frozen=True)
class Row:
    """One program, started one way, ended one way. KILL ends a worker with -9, and the whole with TERM later."""

    what: str
    words: tuple[str, ...]
    kind: str  # server, queue, program
    workers: int = 1  # processes that do the work
    signal: str = ""  # what the main process gets; empty where it ends by itself
    needs: tuple[str, ...] = ()
    stdin: str = ""
    only_by_hook: bool = False  # the work is done in a process that inherits nothing but the environment
    quick: bool = False

    @property
    def name(self) -> str:
        return f"{self.what} {self.signal}".strip()


def _server(what: str, words: list[str], workers: int, signals: str, needs: tuple[str, ...], quick: str) -> list[Row]:
    return [
        Row(what, tuple(words), "server", workers, signal, needs, quick=signal in quick.split())
        for signal in signals.split()
    ]


def _child(way: str, workers: int, *, only_by_hook: bool = False) -> Row:
    words = ("children.py", way)
    return Row(f"children by {way}", words, "program", workers, only_by_hook=only_by_hook, quick=True)


def every() -> list[Row]:
    """All rows of the table."""
    gunicorn = ("gunicorn", "uvicorn_worker")
    return [
        *_server("uvicorn", UVICORN, 1, "INT TERM", ("uvicorn",), "INT"),
        *_server(
            "uvicorn --workers 2", [*UVICORN, "--workers", "2"], 2, "INT TERM HUP KILL", ("uvicorn",), "TERM KILL"
        ),
        *_server("uvicorn --reload", [*UVICORN, "--reload"], 1, "INT TERM", ("uvicorn",), "TERM"),
        *_server("gunicorn -w 2", GUNICORN, 2, "INT TERM HUP KILL", gunicorn, "TERM"),
        *_server("gunicorn --preload", [*GUNICORN, "--preload"], 2, "TERM HUP KILL", gunicorn, "KILL"),
        *_server("hypercorn -w 2", HYPERCORN, 2, "INT TERM HUP", ("hypercorn",), "TERM"),
        *_server("granian --workers 2", GRANIAN, 2, "INT TERM HUP", ("granian",), "TERM"),
        _child("fork", 2),
        _child("spawn", 2),
        _child("forkserver", 2),
        _child("os.fork", 1),
        _child("subprocess", 1, only_by_hook=True),
        Row(
            "pytest",
            ("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_planted.py"),
            "program",
            needs=("pytest_asyncio",),
        ),
        Row("python -m asyncio", ("-m", "asyncio"), "program", stdin=REPL),
        Row("celery prefork", tuple(CELERY), "queue", 2, "TERM", ("celery",)),
        Row("arq", ("-m", "arq", "jobs_arq.WorkerSettings"), "queue", 1, "TERM", ("arq", "redis-server")),
        Row("taskiq --workers 2", tuple(TASKIQ), "queue", 2, "TERM", ("taskiq",)),
        Row("Jupyter kernel", ("-m", "ipykernel_launcher", "-f", "{connection}"), "kernel", 1, "TERM", ("ipykernel",)),
    ]
