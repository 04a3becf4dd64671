"""What a second container can read of the first, which is watched and has written or serves something."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine import CLIENT, PATIENCE, Container, Engine, Failed, docker, lines, until

FOLDER = "/run/asyncwatch"
Check = tuple[str, Callable[[], str]]
SOCKET = f"{FOLDER}/web"
FILE = f"{FOLDER}/web.jsonl"


class Pair:
    """A watched container, and others beside it from the base image, which are removed when they have ended."""

    def __init__(self, engine: Engine, images: dict[str, str]) -> None:
        self.engine, self.images = engine, images

    @contextmanager
    def app(self, *options: str, toggle: str = "light", program: str = "waits") -> Iterator[Container]:
        """The first container, when it has done its slow step."""
        options = ("-e", f"ASYNCWATCH={toggle}", *options)
        one = self.engine.start(self.images["app"], "work.py", program, options=options)
        try:
            one.until("ready", lambda: b"ready" in one.logs()[0])
            yield one
        finally:
            one.remove()

    def ask(self, *words: str, options: tuple[str, ...] = (), fails: bool = False) -> str:
        """What a second container prints: its output where it does well, its one line where it is to fail."""
        more = ("--rm", "--network", "none") if not any(one.startswith("--network") for one in options) else ("--rm",)
        done = docker("run", *more, *options, self.images["base"], *words, check=False)
        errors = [line for line in done.stderr.splitlines() if not line.startswith("WARNING: ")]
        if fails:
            expect(done.returncode == 2 and len(errors) == 1, f"status {done.returncode}: {done.stderr} {done.stdout}")
            return errors[0]
        expect(done.returncode == 0, f"status {done.returncode}: {' '.join(errors)}")
        return done.stdout

    def until(self, what: str, asks: Callable[[], str]) -> str:
        """The first answer: a socket opens a moment after the loop began."""
        found: list[str] = []

        def answered() -> bool:
            try:
                found.append(asks())
            except (AssertionError, Failed):
                return False
            return True

        until(what, answered)
        return found[0]


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


def is_tree(text: str) -> str:
    first, *_ = text.splitlines()
    expect("__main__.waits: waits for its sleep to end" in text, text)
    return first


def checks(engine: Engine, images: dict[str, str], *, quick: bool) -> list[Check]:
    """What is tried, by name; a part of it where it has to be quick."""
    pair = Pair(engine, images)

    def inside() -> str:
        with pair.app(toggle="debug") as app:
            ask = ("exec", app.name, "python", "-m", "asyncwatch", "tree", "1")
            return is_tree(pair.until("answering", lambda: docker(*ask).stdout))

    def processes() -> str:
        with pair.app("-e", "ASYNCWATCH_SOCKET=on") as app:
            shared = ("--pid", f"container:{app.name}")
            return is_tree(pair.until("answering", lambda: pair.ask("tree", "1", options=shared)))

    def processes_init() -> str:
        with pair.app("--init", toggle="debug") as app:
            shared = ("--pid", f"container:{app.name}")
            said = pair.until("named", lambda: named(pair.ask("tree", "1", options=shared, fails=True)))
            number = said.rpartition(" ")[2]
            return f"{said.rpartition('; ')[2]}; {is_tree(pair.ask('tree', number, options=shared))}"

    def named(said: str) -> str:
        expect("watched here: " in said, said)
        return said

    def processes_of_others() -> str:
        with pair.app(toggle="debug") as app:
            for user in ("0", "12345"):
                shared = ("--pid", f"container:{app.name}", "--user", user)
                said = pair.ask("tree", "1", options=shared, fails=True)
                expect("only its own user (uid 10001) can look into" in said, said)
            shared = ("--pid", f"container:{app.name}", "--user", "0", "--cap-add", "SYS_PTRACE")
            return f"refused with a sentence; root with SYS_PTRACE: {is_tree(pair.ask('tree', '1', options=shared))}"

    def network() -> str:
        with pair.app(toggle="debug") as app:
            said = pair.ask("tree", "1", options=("--network", f"container:{app.name}"), fails=True)
            return f"no: {said[:70]}…"

    def volume() -> str:
        shared = ("-v", f"{engine.volume()}:{FOLDER}")
        with pair.app("-e", f"ASYNCWATCH_SOCKET={SOCKET}", *shared, "--read-only"):
            first = is_tree(pair.until("answering", lambda: pair.ask("tree", SOCKET, options=shared)))
            is_tree(pair.ask("tree", f"{SOCKET}/1.sock", options=(*shared, "--user", "0")))
            said = pair.ask("tree", f"{SOCKET}/1.sock", options=(*shared, "--user", "12345"), fails=True)
            expect("Permission denied" in said or "another user" in said, said)
            return f"{first}; root likewise; another user is refused"

    def memory() -> str:
        with pair.app("-e", f"ASYNCWATCH_SOCKET={SOCKET}", "--tmpfs", f"{FOLDER}:mode=0777"):
            said = pair.ask("tree", SOCKET, fails=True)
            return f"no: {said}"

    def follows() -> str:
        shared = ("-v", f"{engine.volume()}:{FOLDER}")
        tail = engine.start(images["base"], "tail", FILE, options=(*shared, "--read-only"))
        try:
            with pair.app("-e", f"ASYNCWATCH_OUTPUT={FILE}", *shared) as app:
                tail.until("followed", lambda: b"AW101" in tail.logs()[0])
                expect(app.logs()[1] == b"", f"on the application's standard error: {app.logs()[1]!r}")
                app.signal("INT")
                app.wait()
                tail.until("at the end", lambda: b"AW099" in tail.logs()[0])
            codes = [line["code"] for line in lines(tail.logs()[0])]
            docker("stop", "-t", "20", tail.name)
            expect((status := tail.wait()) == 0, f"status {status} after TERM")
        finally:
            tail.remove()
        text = pair.ask("report", FILE, options=shared)
        expect("work.py" in text, text)
        return f"{', '.join(codes)} on its stdout; TERM ends it with 0; report reads the file"

    def pipe() -> str:
        with pair.app() as app:
            app.until("heard", lambda: b"AW101" in app.logs()[1])
            out = []
            for words in (["report", "-"], ["tail", "-", "--format", "console"]):
                logs = subprocess.Popen([*CLIENT, "logs", app.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                run = [*CLIENT, "run", "--rm", "-i", "--network", "none", images["base"], *words]
                done = subprocess.run(
                    run, stdin=logs.stdout, capture_output=True, text=True, timeout=PATIENCE, check=False
                )
                logs.wait()
                expect(done.returncode == 0 and "work.py" in done.stdout, done.stdout + done.stderr)
                out.append(done.stdout.splitlines()[0])
            return "; ".join(out)

    def two() -> str:
        shared = ("-v", f"{engine.volume()}:{FOLDER}")
        one = ("-e", f"ASYNCWATCH_SOCKET={FOLDER}/one", "-e", f"ASYNCWATCH_OUTPUT={FILE}", *shared)
        other = ("-e", f"ASYNCWATCH_SOCKET={FOLDER}/two", "-e", f"ASYNCWATCH_OUTPUT={FILE}", *shared)
        with pair.app(*one), pair.app(*other):
            for name in ("one", "two"):
                is_tree(pair.until("answering", lambda name=name: pair.ask("tree", f"{FOLDER}/{name}", options=shared)))
            found = json.loads(pair.ask("report", FILE, "--format", "json", options=shared))
            count = max(row["count"] for row in found["findings"])
            expect(len(found["processes"]) == 2 and count == 2, str(found)[:300])
            return "a directory each for the sockets, one file for both: 2 processes, the line counted twice"

    def unwatched() -> str:
        with pair.app(toggle="off") as app:
            said = pair.ask("tree", "1", options=("--pid", f"container:{app.name}"), fails=True)
            expect("it is not watched" in said, said)
            return f"no: {said.removeprefix('asyncwatch: ')[:60]}…"

    every = [
        ("tree by exec, in the same container", inside),
        ("tree, --pid container:app", processes),
        ("the same, --init in the first", processes_init),
        ("the same, as another user", processes_of_others),
        ("tree, --network container:app", network),
        ("tree, socket in a volume, --read-only", volume),
        ("tree, socket in the first's tmpfs", memory),
        ("tail and report, file in a volume", follows),
        ("report and tail of docker logs", pipe),
        ("two applications, one volume", two),
        ("of a program that is not watched", unwatched),
    ]
    return [every[position] for position in (0, 1, 5, 7)] if quick else every
