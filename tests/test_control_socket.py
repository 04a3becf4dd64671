"""The control socket: who may ask, what becomes of bad requests, and what is left of it afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import socket
import stat
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import RUN, Run, clean_environment, each_loop, run_python, run_watched

import asyncwatch
from asyncwatch.cli import main as command
from asyncwatch.config import Config, ConfigError
from asyncwatch.control import client, places, processes, server
from asyncwatch.control.server import Server

PATIENCE = 30.0
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for sockets that is this test's own, for us and for the processes we start."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return folder


@pytest.fixture
def serving(runtime: Path) -> Iterator[Server]:
    """A server of this process that knows two questions."""
    made = Server(Config(socket="on"), {"echo": lambda: "heard", "breaks": lambda: 1 // 0}, note_fault)
    made.start()
    made.open()
    assert made.path == str(runtime / "asyncwatch" / f"{os.getpid()}.sock"), made.why
    yield made
    made.close(PATIENCE)
    faults.clear()


faults: list[str] = []


def note_fault(part: str, error: Exception) -> None:
    faults.append(f"{part}: {type(error).__name__}")


def raw(path: str, data: bytes, *, end: bool = True) -> bytes:
    """What is answered to these bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(path)
        with contextlib.suppress(OSError):
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
        found = b""
        try:
            while part := connection.recv(65536):
                found += part
        except ConnectionResetError:
            pass
        return found


# -- the server by itself --


def test_a_question_and_its_answer(serving: Server) -> None:
    """One line of JSON asks, one line answers, and the connection ends."""
    assert raw(serving.path, b'{"ask": "echo"}\n', end=False) == b'{"echo": "heard"}\n'
    assert client.ask(os.getpid(), "echo") == "heard"
    assert serving.row() == ("control-socket", "armed", serving.path)


def test_only_we_can_get_at_it(serving: Server) -> None:
    """The directory is open to its owner alone, and so is the socket."""
    status = os.stat(serving.path)
    assert (stat.S_IMODE(status.st_mode), stat.S_ISSOCK(status.st_mode)) == (0o600, True)
    assert stat.S_IMODE(os.stat(os.path.dirname(serving.path)).st_mode) == 0o700


@pytest.mark.parametrize(
    "request_line",
    [
        b"",
        b"\n",
        b"tree\n",
        b"{}\n",
        b"[]\n",
        b'{"ask": 1}\n',
        b'{"ask": "root"}\n',
        b"\xff\xfe\n",
        b"[" * 4000,
        b"x" * 100_000,
    ],
    ids=["nothing", "empty", "word", "no-ask", "list", "number", "unknown", "bytes", "deep", "long"],
)
def test_a_request_that_is_none_is_answered_with_a_sentence(serving: Server, request_line: bytes) -> None:
    """Whatever is sent instead of a request, the answer says what is expected, and the next one is served."""
    answer = raw(serving.path, request_line)
    if answer:  # what was sent too much may have cost the sender the answer
        assert "expected one line" in json.loads(answer)["error"]
    assert client.ask(os.getpid(), "echo") == "heard"
    assert not faults


def test_any_bytes_do_nothing(serving: Server) -> None:
    """Five hundred requests of random bytes and broken JSON call no answer but those they name, and leave the server as it was."""
    chance = random.Random(7)
    parts = [
        b'{"ask": ',
        b'"echo"',
        b'"__class__"',
        b"}",
        b"{",
        b"[",
        b"null",
        b"1e999",
        b'"\\ud800"',
        b"\0",
        b"\x80",
        b" ",
    ]
    for _ in range(500):
        if chance.random() < 0.5:
            data = chance.randbytes(chance.randrange(200))
        else:
            data = b"".join(chance.choices(parts, k=chance.randrange(8)))
        answer = raw(serving.path, data + b"\n")
        assert answer in (b"", b'{"echo": "heard"}\n') or "expected one line" in json.loads(answer)["error"], data
    assert client.ask(os.getpid(), "echo") == "heard"
    assert not faults


def test_a_client_that_says_nothing_keeps_nobody_waiting_for_ever(
    serving: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who connects and is silent is cut off when its seconds are over, and the next one is served."""
    monkeypatch.setattr(server, "PATIENCE", 0.1)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(serving.path)
        assert client.ask(os.getpid(), "echo") == "heard"
        silent.settimeout(PATIENCE)
        assert silent.recv(1) == b""


def test_a_client_that_does_not_read_keeps_nobody_waiting_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks and takes no answer is cut off, and the next one is served."""
    monkeypatch.setattr(server, "PATIENCE", 0.1)
    big = "x" * 5_000_000
    made = Server(Config(socket="on"), {"big": lambda: big}, note_fault)
    made.start()
    made.open()
    try:
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(made.path)
            silent.sendall(b'{"ask": "big"}\n')
            for _ in range(100):
                with contextlib.suppress(ConfigError):
                    if client.ask(os.getpid(), "big") == big:
                        return
        pytest.fail("nobody was served")
    finally:
        made.close(PATIENCE)


def test_an_answer_that_fails_is_reported_and_ends_the_service(serving: Server) -> None:
    """A fault of ours reaches neither the program nor the client as an exception; it is reported, and service ends."""
    with pytest.raises(ConfigError, match="broke its answer off"):
        client.ask(os.getpid(), "breaks")
    assert faults == ["control: ZeroDivisionError"]
    with pytest.raises(ConfigError, match="Connection refused"):
        client.ask(os.getpid(), "echo")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_is_refused(serving: Server) -> None:
    """A peer with another uid is told so and nothing else, even where the modes would let it in."""
    path = Path(serving.path)
    code = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
        "print(s.recv(999).decode())"
    )
    # From inside the directory no other one needs to be opened.
    path.chmod(0o666)
    path.parent.chmod(0o711)
    done = subprocess.run(
        [sys.executable, "-c", code, path.name],
        cwd=path.parent, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    assert json.loads(done.stdout) == {"error": "this process belongs to another user"}


def test_what_dead_processes_left_is_removed(runtime: Path) -> None:
    """The next server removes the sockets of processes that are no more, and neither a living one's nor other files."""
    folder = runtime / "asyncwatch"
    folder.mkdir(mode=0o700)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    names = [f"{int(gone.stdout)}.sock", f"{child.pid}.sock", f"{os.getpid()}.sock"]
    for name in names:
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(folder / name))
    (folder / "note.txt").write_text("not ours")
    made = Server(Config(socket="on"), {}, note_fault)
    made.start()
    made.open()
    assert made.path == str(folder / names[2])
    assert {path.name for path in folder.iterdir()} == {names[1], names[2], "note.txt"}
    made.close(PATIENCE)
    child.communicate()
    assert {path.name for path in folder.iterdir()} == {names[1], "note.txt"}


@pytest.mark.parametrize("fault", ["link", "file", "open"])
def test_a_directory_that_is_not_safe_is_not_used(runtime: Path, tmp_path: Path, fault: str) -> None:
    """A link, a file or a directory open to others in our place is refused by a sentence; the next place is taken."""
    folder = runtime / "asyncwatch"
    if fault == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    elif fault == "file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod(0o755)
    made = Server(Config(socket="on"), {}, note_fault)
    made.start()
    made.open()
    assert made.path == str(tmp_path / f"asyncwatch-{os.geteuid()}" / f"{os.getpid()}.sock")
    made.close(PATIENCE)


def test_where_there_is_no_place_it_says_so(runtime: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any usable directory, a read-only file system for one, the row is blind with each reason."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 40)))
    (tmp_path / ("long" * 40)).mkdir()
    made = Server(Config(socket="on"), {}, note_fault)
    made.start()
    made.open()
    name, state, reason = made.row()
    assert (name, state, made.path) == ("control-socket", "blind", "")
    assert "No such file" in reason
    assert "too long" in reason
    made.close(PATIENCE)


@pytest.mark.parametrize(
    ("profile", "setting", "wanted"),
    [("debug", "auto", True), ("light", "auto", False), ("debug", "off", False), ("light", "on", True)],
)
def test_when_it_is_opened(profile: str, setting: str, wanted: bool) -> None:
    """Auto opens it in debug and not in light; on and off are what they say."""
    made = Server(Config(profile=profile, socket=setting), {}, note_fault)
    made.start()
    made.open()
    assert bool(made.path) is wanted
    assert made.row()[1] == ("armed" if wanted else "off")
    made.close(PATIENCE)


def test_a_directory_that_the_user_names(tmp_path: Path) -> None:
    """The socket is in the directory that was named, made for us alone, and is found by its path or the directory's."""
    folder = tmp_path / "shared" / "web"
    folder.parent.mkdir()
    made = Server(Config(profile="light", socket=str(folder)), {"echo": lambda: "heard"}, note_fault)
    made.start()
    made.open()
    try:
        assert made.row() == ("control-socket", "armed", str(folder / f"{os.getpid()}.sock"))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert client.ask(str(folder), "echo") == client.ask(made.path, "echo") == "heard"
        if sys.platform.startswith("linux"):  # there the kernel lists who listens where
            assert client.ask(os.getpid(), "echo") == "heard"
        (folder / "2.sock").touch()
        with pytest.raises(ConfigError, match=r"there are .*2\.sock.* in it; name one"):
            client.ask(str(folder), "echo")
        (folder / "2.sock").unlink()
    finally:
        made.close(PATIENCE)
    with pytest.raises(ConfigError, match="No such file"):
        client.ask(str(folder), "echo")
    folder.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="there is no socket in it"):
        client.ask(str(folder), "echo")


@linux
def test_who_can_be_asked_is_named(serving: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for nobody, or for a process that is not watched, is told the numbers of those that are."""
    for words in ((), ("1",)):
        with pytest.raises(SystemExit):
            command.prepare(["tree", *words])
        said = capsys.readouterr().err
        assert str(os.getpid()) in said.partition("; watched here: ")[2].strip().split(", ")


def test_a_named_directory_that_cannot_be_had(tmp_path: Path, runtime: Path) -> None:
    """A directory that is open to others is not used, and no other one in its place: the row says why."""
    tmp_path.chmod(0o777)
    made = Server(Config(socket=str(tmp_path)), {}, note_fault)
    made.start()
    made.open()
    assert made.row() == ("control-socket", "blind", f"{tmp_path} is open to other users")
    assert list(runtime.iterdir()) == []
    made.close(PATIENCE)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make somebody else's")
def test_a_path_of_another_user_is_asked_by_root_alone(serving: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not root does not ask at a path where somebody else could listen; root does."""
    path = Path(serving.path)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(ConfigError, match="belongs to another user"):
        client.ask(str(path), "echo")
    monkeypatch.undo()
    assert client.ask(str(path), "echo") == "heard"


@linux
def test_the_paths_of_a_process_in_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process with a root directory of its own is asked there, under the number that it has there."""
    monkeypatch.setattr(os.path, "samestat", lambda one, other: False)
    monkeypatch.setattr(processes, "_number_inside", lambda pid: 1)
    paths = list(processes.sockets(os.getpid(), 10001))
    assert f"/proc/{os.getpid()}/root/tmp/asyncwatch-10001/1.sock" in paths
    assert all(path.startswith(f"/proc/{os.getpid()}/root/") and path.endswith("/1.sock") for path in paths)
    monkeypatch.undo()
    assert not any(path.startswith("/proc/") for path in processes.sockets(os.getpid(), 10001))
    assert processes._number_inside(os.getpid()) == os.getpid()
    assert not processes.is_closed(os.getpid())


@linux
def test_without_a_thread_there_is_no_socket(monkeypatch: pytest.MonkeyPatch, runtime: Path) -> None:
    """When no thread can be had, as while the interpreter shuts down, nothing is raised and no file is left."""

    def none(*args: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    made = Server(Config(socket="on"), {}, note_fault)
    monkeypatch.setattr("asyncwatch.workers._thread.start_new_thread", none)
    made.start()
    made.open()
    assert made.row()[1:] == ("blind", "can't create new thread at interpreter shutdown")
    assert made.path == ""
    assert list(runtime.rglob("*.sock")) == []
    made.close(PATIENCE)


SHORT = """
import asyncio, _thread, time
while _thread._count() < 3:
    time.sleep(0.01)  # a thread of ours counts when it runs, not when it is asked for
before = _thread._count()
async def main():
    await asyncio.sleep(0.2)
    print(_thread._count() - before)
    raise ValueError("mine")
asyncio.run(main())
"""


def test_a_loop_that_begins_brings_no_thread(program: Any, runtime: Path) -> None:
    """A program that counts its threads before and while its loop runs counts none more; AW000 is said however short it is."""
    done = run_watched(program(SHORT), folder=runtime, profile="debug")
    assert (done.status, done.out) == (1, "0\n")
    assert [line["code"] for line in done.lines] == ["AW000", "AW099"]
    assert done.lines[0]["evidence"]["hooks"]["control-socket"].startswith("armed: ")


def test_many_requests_leave_nothing_open(serving: Server) -> None:
    """Two hundred requests, every other one cut off in the middle, leave no descriptor and no thread more."""
    client.ask(os.getpid(), "echo")
    before = open_now()
    for number in range(200):
        if number % 2:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(serving.path)
                connection.sendall(b'{"ask": "ec')
        else:
            assert client.ask(os.getpid(), "echo") == "heard"
    assert client.ask(os.getpid(), "echo") == "heard"
    end = time.monotonic() + PATIENCE
    while is_more_than(before) and time.monotonic() < end:
        time.sleep(0.01)  # the server closes its end a moment after we have read all
    assert not is_more_than(before), (before, open_now())


def is_more_than(before: tuple[list[int], int]) -> bool:
    """Whether a descriptor or a thread is there that was not."""
    descriptors, threads = open_now()
    return not set(descriptors) <= set(before[0]) or threads > before[1]


def open_now() -> tuple[list[int], int]:
    """The open descriptors, and how many threads there are."""
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    return sorted(fd for fd in numbers if os.path.exists(f"/proc/self/fd/{fd}")), len(os.listdir("/proc/self/task"))


@each_loop
def test_many_trees_leave_nothing_in_memory(kind: str) -> None:
    """Two hundred trees asked for over the socket leave no task alive and no object more."""

    def many(times: int) -> None:
        for _ in range(times):
            assert client.ask(os.getpid(), "tree")["count"] >= 2

    async def main() -> tuple[int, Any]:
        waits = asyncio.create_task(asyncio.sleep(60))
        ref = weakref.ref(waits)
        await asyncio.to_thread(many, 20)
        gc.collect()
        before = len(gc.get_objects())
        await asyncio.to_thread(many, 200)
        end = time.monotonic() + PATIENCE
        grown = 100
        while grown >= 100 and time.monotonic() < end:
            await asyncio.sleep(0.01)  # the server lets go of its last answer a moment after we have read all
            gc.collect()
            grown = len(gc.get_objects()) - before
        waits.cancel()
        await asyncio.wait([waits])
        del waits
        gc.collect()
        return grown, ref()

    def new_loop() -> Any:
        if kind == "uvloop":
            import uvloop

            return uvloop.new_event_loop()
        return asyncio.new_event_loop()

    with asyncwatch.watch(socket="on", output=()) as watch, asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(asyncio.sleep(0))
        watch.flush()
        grown, left = runner.run(main())
    assert left is None
    assert grown < 100


@linux
def test_a_program_that_closes_every_descriptor(serving: Server) -> None:
    """A program that closed our descriptors and has its own under their numbers keeps them, and the end is an end."""
    numbers = [one.fd for one in (serving._listener, *(serving._pipe or ())) if one is not None]
    for number in numbers:
        os.close(number)
    taken = os.open(os.devnull, os.O_RDONLY)
    for number in numbers:
        os.dup2(taken, number)
    serving.close(PATIENCE)
    assert [os.fstat(number).st_rdev for number in numbers] == [os.stat(os.devnull).st_rdev] * 3
    for number in (taken, *numbers):
        os.close(number)


# -- in a program --

BLOCKED = """
async def child():
    await asyncio.sleep(60)

async def main():
    task = asyncio.create_task(child(), name="child")
    await asyncio.sleep(0.5)
    print("blocks", flush=True)
    sys.stdin.readline()
    task.cancel()

run(main())
"""


class Started:
    """A program started by the command, that writes a line when it is where it is to be asked, and reads one to go on."""

    def __init__(self, path: Path, *args: str, options: tuple[str, ...] = ()) -> None:
        self.output = path.parent / "out.jsonl"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "asyncwatch", "--output", str(self.output), *options, str(path), *args],
            cwd=path.parent, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Started:
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        return self

    def __exit__(self, *error: object) -> None:
        self.process.communicate("\n", timeout=PATIENCE)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines()]


def tree(pid: int | str, *args: str, cwd: Path) -> Run:
    return run_python("-m", "asyncwatch", "tree", str(pid), *args, cwd=cwd)


@each_loop
@pytest.mark.parametrize(("profile", "options"), [("debug", ()), ("light", ("--profile", "light", "--socket", "on"))])
def test_the_tree_of_a_process_whose_loop_is_blocked(
    program: Any, runtime: Path, kind: str, profile: str, options: tuple[str, ...]
) -> None:
    """`asyncwatch tree PID` prints each task of a blocked process, as text and as JSON; nothing is left afterwards."""
    path = program(RUN + BLOCKED)
    with Started(path, kind, options=options) as started:
        text = tree(started.process.pid, cwd=path.parent)
        data = tree(started.process.pid, "--format", "json", cwd=path.parent)
        again = tree(started.process.pid, "--format=json", cwd=path.parent)
    assert started.process.returncode == 0
    assert (text.status, text.err) == (0, "")
    lines = text.out.splitlines()
    assert lines[0] == f"process {started.process.pid}: 1 loop, 2 tasks"
    assert lines[1].endswith("in MainThread, 2 tasks")
    assert "__main__.main: running, " in lines[2]
    assert lines[3].strip("│ ") == f"at {path.name}:{line_of(path, 'readline')} main"
    assert "└─ 'child' __main__.child: waits for its sleep to end, " in lines[4]
    assert lines[5].strip() == (
        f"at {path.name}:{line_of(path, 'sleep(60)')} child, created at {path.name}:{line_of(path, 'create_task')} main"
    )
    assert max(map(len, lines)) <= 100
    (loop,) = json.loads(data.out)["loops"]
    assert loop["tasks"][0]["children"][0]["name"] == "child"
    assert json.loads(again.out)["count"] == 2
    first = started.lines()[0]
    assert (first["code"], first["evidence"]["profile"]) == ("AW000", profile)
    assert first["evidence"]["socket"] == str(runtime / "asyncwatch" / f"{started.process.pid}.sock")
    assert first["evidence"]["hooks"]["control-socket"] == f"armed: {first['evidence']['socket']}"
    assert list(runtime.iterdir()) == []


def line_of(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


@linux
def test_the_thread_is_nobodys_and_the_descriptors_are_high(program: Any) -> None:
    """The serving thread is in no list of the program's, sleeps while nobody asks, and takes no low descriptor."""
    text = """
async def main():
    await asyncio.sleep(0.5)
    print([thread.name for thread in threading.enumerate()], list(threading._active) == [threading.get_ident()])
    print([fd for fd in map(int, os.listdir("/proc/self/fd")) if 100 < fd < 900])
    here = {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")}
    print([fd for fd in map(int, here) if fd >= 900 and os.get_inheritable(fd)])

run(main())
"""
    path = program(RUN + text)
    done = run_python("-m", "asyncwatch", "--output", "out", str(path), "asyncio", cwd=path.parent)
    assert done.out == "['MainThread'] True\n[]\n[]\n", done.err


@linux
def test_parent_and_child_of_a_fork(program: Any, runtime: Path) -> None:
    """After a fork the parent goes on to serve, the child has a socket of its own once it runs a loop, both are removed."""
    text = """
import warnings
warnings.simplefilter("error")

async def main(name):
    await asyncio.sleep(0.5)
    print(name, os.getpid(), flush=True)
    await asyncio.to_thread(go.acquire)

go = threading.Lock()
go.acquire()
run(asyncio.sleep(0.3))
pid = os.fork()
if pid == 0:
    os.read(0, 1)
    go.release()
    run(main("child"))
    sys.exit()
run(asyncio.sleep(0.3))
ours = sorted(os.listdir(os.environ["XDG_RUNTIME_DIR"] + "/asyncwatch"))
print("parent", os.getpid(), ours == [f"{os.getpid()}.sock"], flush=True)
sys.stdin.readline()
print(os.waitpid(pid, 0)[1])
"""
    path = program(RUN + text)
    process = subprocess.Popen(
        [sys.executable, "-m", "asyncwatch", "--output", str(path.parent / "out"), str(path), "asyncio"],
        cwd=path.parent, env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    name, number, alone = process.stdout.readline().split()
    assert (name, int(number), alone) == ("parent", process.pid, "True")
    assert tree(process.pid, cwd=path.parent).status == 0
    out, err = process.communicate("\n\n", timeout=PATIENCE)
    assert out.splitlines()[-1] == "0", (out, err)
    assert "multi-threaded" not in err
    lines = [json.loads(line) for line in (path.parent / "out").read_text().splitlines()]
    sockets = {line["evidence"].get("socket") for line in lines if line["code"] == "AW000"}
    assert len(sockets) == 2
    assert list(runtime.iterdir()) == []


# -- what the command says --


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "no process id given"),
        (("x",), "'x' is no process id"),
        (("0",), "'0' is no process id"),
        (("1", "2"), "does not understand '2'"),
        (("./nothing/1.sock",), "./nothing/1.sock cannot be asked: No such file"),
        (("1", "--format", "xml"), "'xml' is not valid"),
        (("1", "--verbose"), "does not understand '--verbose'"),
        (("99999999999",), "there is no process 99999999999"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(
    args: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong command line or a process that is not there is one line on stderr, and status 2."""
    with pytest.raises(SystemExit) as ended:
        command.prepare(["tree", *args])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("asyncwatch: ")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_process_that_is_not_watched(runtime: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A process without a socket, and one that left its socket behind, are told apart."""
    with pytest.raises(SystemExit):
        command.prepare(["tree", str(os.getpid())])
    assert "has no control socket" in capsys.readouterr().err
    places.prepare(str(runtime / "asyncwatch"))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(runtime / "asyncwatch" / f"{os.getpid()}.sock"))
    with pytest.raises(SystemExit):
        command.prepare(["tree", str(os.getpid())])
    assert "Connection refused" in capsys.readouterr().err
