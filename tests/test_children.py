"""Child processes of the command: each is watched once, says who it is, and ends as it would."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from conftest import Run, run_python
from launching.harness import BOOT

from asyncwatch.config import Config
from asyncwatch.hooks.spawned import Begin, wrap

PROGRAM = """
import multiprocessing, os, sys

def child(status):
    import asyncio, time
    async def main():
        await asyncio.sleep(0.05)
        time.sleep(0.25)  # here
        await asyncio.sleep(0.05)
    asyncio.run(main())
    sys.exit(status)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    processes = [context.Process(target=child, args=(status,), name=f"worker-{status}") for status in (3, 4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print([process.exitcode for process in processes])
"""
LINE = PROGRAM.splitlines().index("        time.sleep(0.25)  # here") + 1
METHODS = ["fork", "spawn", "forkserver"]


def run_watched(folder: Path, text: str, *args: str, start: tuple[str, ...] = ("-m", "asyncwatch"), **env: str) -> Run:
    (folder / "app.py").write_text(text)
    return run_python(*start, "--profile", "light", "--output", "out", "app.py", *args, cwd=folder, **env)


def by_pid(path: Path) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for line in path.read_text().splitlines():
        found.setdefault(json.loads(line)["pid"], []).append(json.loads(line))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_children_of_multiprocessing_are_watched(tmp_path: Path, method: str) -> None:
    """Each child has its own first line with its name and parent, its own finding, its own summary and exit status."""
    done = run_watched(tmp_path, PROGRAM, method)
    assert (done.status, done.out, done.err) == (0, "[3, 4]\n", "")
    processes = by_pid(tmp_path / "out")
    workers = {}
    for lines in processes.values():
        assert [lines[0]["code"], lines[-1]["code"]] == ["AW000", "AW099"]
        if "worker" in lines[0]["evidence"]:
            workers[lines[0]["evidence"]["worker"]] = lines
    assert sorted(workers) == ["worker-3", "worker-4"]
    for lines in workers.values():
        assert [line["code"] for line in lines] == ["AW000", "AW101", "AW099"]
        assert lines[1]["where"]["line"] == LINE
        assert lines[2]["evidence"]["findings"] == {"AW101": 1}
        assert lines[0]["evidence"]["started_by"] == ("fork" if method == "fork" else "spawn")
        if method != "forkserver":
            assert lines[0]["evidence"]["ppid"] in processes


def test_children_accept_what_their_parent_accepts(tmp_path: Path) -> None:
    """Entries of the project's file hold in spawned children, and an expired one does not."""
    tmp_path.chmod(0o755)
    entry = '[[tool.asyncwatch.ignores]]\ncode = "{}"\nreason = "a \\"known\\" one"\npath = "app.py"\nuntil = {}-01-31\n'
    entries = entry.format("AW101", 2999) + entry.format("AW2", 2020)
    (tmp_path / "pyproject.toml").write_text(entries)
    done = run_watched(tmp_path, PROGRAM, "spawn")
    assert (done.status, done.out) == (0, "[3, 4]\n")
    children = [lines for lines in by_pid(tmp_path / "out").values() if "worker" in lines[0]["evidence"]]
    assert len(children) == 2
    for lines in children:
        assert [line["code"] for line in lines] == ["AW000", "AW099"]
        assert lines[1]["evidence"]["ignored"] == {"AW101": 1}
        assert len(lines[0]["evidence"]["expired_ignores"]) == 1


def test_a_child_of_a_child_is_watched(tmp_path: Path) -> None:
    """What a spawned child spawns inherits the settings as it did."""
    text = PROGRAM.replace("target=child,", "target=middle,").replace(
        "if __name__ ==",
        'def middle(status):\n    process = multiprocessing.get_context("spawn").Process(target=child, args=(status,))\n'
        "    process.start()\n    process.join()\n    sys.exit(process.exitcode)\n\nif __name__ ==",
    )
    done = run_watched(tmp_path, text, "spawn")
    assert (done.status, done.out, done.err) == (0, "[3, 4]\n", "")
    slow = [line for lines in by_pid(tmp_path / "out").values() for line in lines if line["code"] == "AW101"]
    assert len({line["pid"] for line in slow}) == len(slow) == 2


def test_a_child_that_cannot_import_us_runs(tmp_path: Path) -> None:
    """Where the child's path does not lead to us, it does its work and nothing is said."""
    text = PROGRAM.replace('"__main__":', '"__main__":\n    sys.path[:] = [p for p in sys.path if "src" not in p]', 1)
    # Before whatever is installed: something of our name that cannot be imported.
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "asyncwatch.py").write_text("raise ImportError('not here')")
    path = str(tmp_path / "hidden")
    text = text.replace('"__main__":', f'"__main__":\n    os.environ["PYTHONPATH"] = {path!r}', 1)
    done = run_watched(tmp_path, text, "spawn", start=("-c", BOOT))
    assert (done.status, done.out, done.err) == (0, "[3, 4]\n", "")
    assert len(by_pid(tmp_path / "out")) == 1


def test_children_that_run_no_loop_say_nothing(tmp_path: Path) -> None:
    """A pool that computes has no lines of its own, whatever the start method."""
    text = """
import multiprocessing, sys
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(sum(pool.map(abs, range(10))))
"""
    for method in METHODS:
        done = run_watched(tmp_path, text, method)
        assert (done.status, done.out, done.err) == (0, "45\n", ""), method
        assert len(by_pid(tmp_path / "out")) == 1
        (tmp_path / "out").unlink()


def test_install_is_for_one_process(tmp_path: Path) -> None:
    """`asyncwatch.install()` changes nothing of what multiprocessing sends to a child."""
    text = """
import asyncwatch, multiprocessing.spawn as spawn
before = spawn.get_preparation_data, list(spawn.get_preparation_data("x"))
with asyncwatch.watch(output=()):
    print((spawn.get_preparation_data, list(spawn.get_preparation_data("x"))) == before)
"""
    (tmp_path / "app.py").write_text(text)
    assert run_python("app.py", cwd=tmp_path).out == "True\n"


def test_os_exit_says_the_summary_and_keeps_the_status(tmp_path: Path) -> None:
    """A process that leaves by `os._exit` has said what it saw; the function is found by pickle under its name."""
    text = """
import asyncio, os, pickle, time
async def main():
    await asyncio.sleep(0.02)
    time.sleep(0.25)
    await asyncio.sleep(0.05)
    assert pickle.loads(pickle.dumps(os._exit)) is os._exit
    os._exit(7)
asyncio.run(main())
"""
    done = run_watched(tmp_path, text)
    assert (done.status, done.out, done.err) == (7, "", "")
    (lines,) = by_pid(tmp_path / "out").values()
    assert [line["code"] for line in lines] == ["AW000", "AW101", "AW099"]


def test_settings_survive_the_way_to_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field arrives; paths are in full, and a child gives no verdict of its own."""
    monkeypatch.chdir(tmp_path)
    config = Config(
        "light", ignore=frozenset({"AW2"}), fail_on=frozenset({"AW1"}), output=("stderr", "o'ut"), baseline="b"
    )
    settings = config.for_children()
    assert settings["output"] == ("stderr", str(tmp_path / "o'ut"))
    assert (settings["baseline"], settings["fail_on"]) == (str(tmp_path / "b"), frozenset())
    call, (source, space) = Begin(settings).__reduce__()
    begun: list[object] = []
    monkeypatch.setattr("asyncwatch.startup.begin", lambda *args: begun.append(args))
    call(source, space)
    assert begun == [("spawn", settings)]
    assert Config(**settings).ignore == config.ignore


def test_what_is_sent_needs_nothing_of_ours_to_be_read() -> None:
    """The bytes name a built-in function and no module of ours."""
    data = wrap(lambda name: {"name": name}, Config("light").for_children(), lambda: True)("x")
    assert list(data) == ["asyncwatch", "name"]
    text = pickle.dumps(data["asyncwatch"])
    assert b"exec" in text
    assert b"spawned" not in text
