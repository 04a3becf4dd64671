"""The program cannot tell: under asyncwatch it sees and leaves what it does under bare Python."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from launching.harness import PROFILES, SRC, Outcome, python, watched

REPORT = (Path(__file__).parent / "launching" / "report.py").read_text()

pytestmark = pytest.mark.parametrize("profile", PROFILES)


def write(folder: Path, **files: str) -> None:
    """Write modules by name; `pkg__mod` is pkg/mod.py."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/", 1) + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def same(*args: str, profile: str, cwd: Path, **kwargs: object) -> Outcome:
    """Run both ways, compare status and both streams, return what bare Python did."""
    bare = python(*args, cwd=cwd, **kwargs)  # type: ignore[arg-type]
    assert watched(*args, profile=profile, cwd=cwd, **kwargs) == bare
    return bare


def seen(outcome: Outcome, profile: str) -> dict[str, object]:
    """What report.py printed, less what only says that asyncwatch is there."""
    assert outcome.status == 0, outcome.err
    text, _, rest = outcome.out.partition("\n}\n")
    found: dict[str, object] = json.loads(text + "}")
    if profile != "off":
        del found["asyncio"]
    return {**found, "path": [entry for entry in found["path"] if entry != SRC], "at exit": rest}


def same_report(*args: str, profile: str, cwd: Path, flags: tuple[str, ...] = ()) -> dict[str, object]:
    """As `same`, for the program in report.py."""
    bare = seen(python(*args, cwd=cwd, flags=flags, stdin="line 1\nline 2"), profile)
    assert seen(watched(*args, profile=profile, cwd=cwd, flags=flags, stdin="line 1\nline 2"), profile) == bare
    return bare


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with the report as script, link, package, directory and zip file."""
    write(tmp_path, app=REPORT, pkg____init__="", pkg____main__=REPORT, pkg__mod=REPORT, plain____main__=REPORT)
    (tmp_path / "linked.py").symlink_to(tmp_path / "plain" / "__main__.py")
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", REPORT)
    return tmp_path


@pytest.mark.parametrize("flags", [(), ("-P",), ("-I",), ("-E",), ("-s", "-O")], ids=" ".join)
def test_a_script_sees_what_it_always_sees(here: Path, profile: str, flags: tuple[str, ...]) -> None:
    """Arguments, sys.path, __main__, pickling, source and stdin are the same under flags that change them."""
    found = same_report("app.py", "a", "--level", "-m", profile=profile, cwd=here, flags=flags)
    assert found["argv"] == ["app.py", "a", "--level", "-m"]


@pytest.mark.parametrize("target", ["./app.py", "pkg/../app.py", "linked.py", "plain/", "app.zip", "{here}/app.py"])
def test_a_path_is_kept_as_it_was_typed(here: Path, profile: str, target: str) -> None:
    """Relative paths, links, directories and zip files give the __main__ that bare Python makes of them."""
    same_report(target.format(here=here), "a", profile=profile, cwd=here)


@pytest.mark.parametrize("flags", [(), ("-I",)], ids=" ".join)
def test_a_directory_is_run_even_where_the_path_is_safe(here: Path, profile: str, flags: tuple[str, ...]) -> None:
    """A directory or zip file stands in sys.path[0] with and without -I."""
    same_report("plain", profile=profile, cwd=here, flags=flags)
    same_report("app.zip", profile=profile, cwd=here, flags=flags)


@pytest.mark.parametrize("name", ["app", "pkg", "pkg.mod"])
def test_a_module_sees_what_it_always_sees(here: Path, profile: str, name: str) -> None:
    """A module, a package and a module in a package have the arguments, path and __spec__ that -m gives them."""
    bare = same_report("-m", name, "a", profile=profile, cwd=here)
    assert bare["path"][0] == str(here)  # type: ignore[index]
    assert seen(watched(name, "a", profile=profile, cwd=here, stdin="line 1\nline 2"), profile) == bare


@pytest.mark.parametrize("name", ["pytest", "uvicorn"])
def test_a_console_script_runs_as_the_command_does(tmp_path: Path, profile: str, name: str) -> None:
    """A name that is a command of this environment does what the command's own file does."""
    script = Path(sys.executable).parent / name
    if not script.exists():
        pytest.skip(f"{name} is not installed next to this interpreter")
    bare = python(str(script), "--version", cwd=tmp_path)
    assert bare.status == 0
    assert watched(name, "--version", profile=profile, cwd=tmp_path) == bare


def test_a_compiled_script_runs(here: Path, profile: str) -> None:
    """A .pyc file is run, and described in __main__, as bare Python does it."""
    code = "import py_compile; py_compile.compile('app.py', 'app.pyc')"
    assert python("-c", code, cwd=here).status == 0
    write(here, app=REPORT)
    same_report("app.pyc", profile=profile, cwd=here)


ENDINGS = {
    "normally": "print('done')",
    "exit 3": "import sys; sys.exit(3)",
    "exit True": "import sys; sys.exit(True)",
    "exit text": "import sys; sys.exit('it was not to be')",
    "exit object": "raise SystemExit((1, 2))",
    "os._exit": "import os; os._exit(7)",
    "exception": "def f():\n    raise ValueError('x')\ntry:\n    f()\nexcept ValueError:\n    {}['k']",
    "cause": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError('o') from e",
    "group": "raise ExceptionGroup('several', [ValueError(1), ExceptionGroup('in', [TypeError(2)])])",
    "syntax error": "print('never')\nx = = 1\n",
    "bad indent": "if True:\n    a\n  b\n",
    "own hook": "import sys; sys.excepthook = lambda *a: print(a[0], a[2].tb_lineno)\n1 / 0",
    "hook that exits": "import sys; sys.excepthook = lambda *a: sys.exit(9)\n1 / 0",
    "last exception": "import atexit, sys, traceback\n@atexit.register\ndef last():\n"
    "    traceback.print_exception(sys.last_value)\n    traceback.print_tb(sys.last_traceback)\n"
    "    print(sys.excepthook is sys.__excepthook__, file=sys.stderr)\n1 / 0",
    "interrupt": "import atexit, os, signal; atexit.register(print, 'bye')\nos.kill(os.getpid(), signal.SIGINT)",
    "raised interrupt": "def f():\n    raise KeyboardInterrupt\nf()",
    "interrupted loop": "import asyncio\nasync def main():\n    raise KeyboardInterrupt\nasyncio.run(main())",
    "SIGTERM": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "SIGTERM handled": "import os, signal, sys\nsignal.signal(signal.SIGTERM, lambda *a: sys.exit(5))\n"
    "os.kill(os.getpid(), signal.SIGTERM)",
    "thread goes on": "import threading, time, sys\ndef f():\n    time.sleep(0.6)\n"
    "    print(sys.modules['__main__'].f is f)\n    1 / 0\nthreading.Thread(target=f).start()\n1 / 0",
    "generator left": "def g():\n    try:\n        yield\n    finally:\n        print('closed')\nx = g(); next(x)",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("how", [("app.py",), ("-m", "app")], ids=["script", "module"])
def test_the_end_is_the_same(tmp_path: Path, profile: str, ending: str, how: tuple[str, ...]) -> None:
    """However a program ends, its status or signal, its output and every line of its traceback are the same."""
    write(tmp_path, app=ENDINGS[ending])
    bare = same(*how, profile=profile, cwd=tmp_path)
    expected = {"interrupt": -2, "raised interrupt": -2, "SIGTERM": -15, "exit 3": 3, "os._exit": 7}
    assert bare.status == expected.get(ending, bare.status)


def test_a_package_that_fails_in_its_own_import_says_so_itself(tmp_path: Path, profile: str) -> None:
    """An import error, or another, inside a package on the way to -m is the program's own traceback."""
    write(tmp_path, one____init__="import nowhere.at.all", two____init__="1 / 0", two__mod="")
    same("-m", "one", profile=profile, cwd=tmp_path)
    same("-m", "two.mod", profile=profile, cwd=tmp_path)


def test_spawned_children_find_the_program(tmp_path: Path, profile: str) -> None:
    """multiprocessing's spawn imports the program's __main__ in the child, from a script and from -m."""
    text = """
import multiprocessing, sys
def child(queue):
    main = sys.modules['__main__']
    queue.put((__name__, main.__name__, main.__file__, sys.argv, sys.path[:2]))
if __name__ == '__main__':
    context = multiprocessing.get_context('spawn')
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start(); print(queue.get(), flush=True); process.join(); print(process.exitcode)
"""
    write(tmp_path, app=text, pkg____init__="", pkg__mod=text)
    for how in (("app.py", "a"), ("-m", "pkg.mod", "a")):
        assert same(*how, profile=profile, cwd=tmp_path).out.endswith("\n0\n")


def test_a_module_of_the_program_beats_the_librarys(tmp_path: Path, profile: str) -> None:
    """A file next to the script that is named like a library module we use is what the program imports."""
    names = ("dataclasses", "difflib", "pathlib", "inspect", "queue", "typing")
    imports = "\n".join(f"import {name}; print({name}.__file__)" for name in names)
    write(tmp_path, app=imports, **dict.fromkeys(names, "mine = True"))
    bare = same("app.py", profile=profile, cwd=tmp_path)
    assert bare.out.count(str(tmp_path)) == len(names)


def test_files_of_the_current_directory_are_not_ours_to_import(tmp_path: Path, profile: str) -> None:
    """A script elsewhere is started although the current directory has files named like library modules."""
    (tmp_path / "cwd").mkdir()
    write(tmp_path / "cwd", dataclasses="1 / 0", pathlib="1 / 0", inspect="1 / 0")
    write(tmp_path, app="import dataclasses; print(dataclasses.__file__)")
    assert same(os.path.join("..", "app.py"), profile=profile, cwd=tmp_path / "cwd").status == 0
