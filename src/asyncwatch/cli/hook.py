"""`asyncwatch hook install|status|remove`: a start-up hook, for environments whose command cannot change.

Opt-in, and never part of the wheel: whoever installs asyncwatch has not asked for a line that every Python process of
the environment runs. Three small files in site-packages, which stay harmless when asyncwatch is uninstalled first:

- a `.pth` file, whose import line looks the variable ASYNCWATCH up and does no more where it is unset or off;
- a `.start` file of the same name for Pythons that read such files, where it switches the `.pth`'s line off;
- the module that the `.start` file names, since a name that cannot be imported would be complained of.

https://peps.python.org/pep-0829/ and https://github.com/python/cpython/blob/3.15/Lib/site.py
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator

from asyncwatch import env
from asyncwatch.cli.options import Command
from asyncwatch.config import ConfigError

USAGE = "expected: hook install [--user] | hook status | hook remove"
MARK = "Written by `asyncwatch hook install`; `asyncwatch hook remove` takes it away."
IS_OFF = """os.environ.get("ASYNCWATCH", "").strip().lower() in ("", "0", "off")"""
BEGIN = r'exec("try:\n from asyncwatch.startup import begin\nexcept Exception:\n pass\nelse:\n begin(\"hook\")")'
FILES = {
    # In the order of writing: what another names is there before it. The names sort after those of editable installs,
    # `__editable__` and the like, whose path a `.pth` line needs.
    "_asyncwatch_hook.py": f'''"""{MARK}"""

import os


def begin():
    """Begin to watch this process if ASYNCWATCH says so, and asyncwatch is still installed."""
    if {IS_OFF}:
        return
    try:
        from asyncwatch.startup import begin
    except Exception:
        return
    begin("hook")
''',
    "asyncwatch_hook.start": f"# {MARK}\n_asyncwatch_hook:begin\n",
    "asyncwatch_hook.pth": f"# {MARK}\nimport os; {IS_OFF} or {BEGIN}\n",
}
ASK = "import sys; sys.exit('asyncwatch.startup' not in sys.modules)"


def run(command: Command) -> int:
    """Do what the word after `hook` says; the status of `status` is 1 where no hook would start.

    Raises:
        ConfigError: the words are not understood, or the files cannot be written.
    """
    word, *rest = command.args or ("",)
    if word == "install" and rest in ([], ["--user"]):
        return _install(user=bool(rest))
    if word == "status" and not rest:
        return _status()
    if word == "remove" and not rest:
        return _remove()
    said = " ".join(command.args)
    raise ConfigError(f"hook does not understand {said!r}, {USAGE}" if said else f"hook needs a word, {USAGE}")


def _install(*, user: bool) -> int:
    folder = _user_folder() if user else _site_folder()
    written = []
    try:
        if user:
            os.makedirs(folder, exist_ok=True)
        for name, text in FILES.items():
            path = os.path.join(folder, name)
            _write(path, text)
            written.append(path)
    except OSError as error:
        for path in reversed(written):
            _unlink(path)
        raise ConfigError(_cannot("write to", folder, error, user)) from None
    print(f"installed in {folder}")
    print("every Python of this environment now does what the variable ASYNCWATCH says (light, debug; off or unset)")
    return _warn_if_blind(folder)


def _warn_if_blind(folder: str) -> int:
    if not starts():
        print(f"but none starts it: see `asyncwatch hook status` ({folder} is not read, or asyncwatch not found there)")
    return 0


def _remove() -> int:
    found = list(_installed())
    for folder in found:
        for name in reversed(FILES):
            try:
                _unlink(os.path.join(folder, name))
            except OSError as error:
                raise ConfigError(_cannot("remove files from", folder, error, True)) from None
        print(f"removed from {folder}")
    if not found:
        print("there is no hook to remove")
    return 0


def _status() -> int:
    found = list(_installed())
    for folder in found:
        broken = [name for name in FILES if _read(os.path.join(folder, name)) != FILES[name]]
        print(
            f"installed in {folder}" + (f", but not as this version writes it: {', '.join(broken)}" if broken else "")
        )
    if not found:
        print("not installed: `asyncwatch hook install` does it")
        return 1
    reads = ".start files (PEP 829)" if env.READS_START_FILES else "import lines of .pth files"
    print(f"this Python ({sys.executable}) reads {reads}")
    print(f"ASYNCWATCH here is {os.environ.get('ASYNCWATCH') or 'unset'}")
    ways = {(): "python", ("-E",): "python -E", ("-I",): "python -I", ("-s",): "python -s", ("-S",): "python -S"}
    tried = {flags: starts(*flags) for flags in ways}
    print("tried with ASYNCWATCH=light:")
    for flags, name in ways.items():
        print(f"  {name:<10}{'starts it' if tried[flags] else 'does not start it' + _why_not(flags)}")
    return 0 if tried[()] else 1


def _why_not(flags: tuple[str, ...]) -> str:
    if "-S" in flags:
        return ": no start-up file is read"
    if flags:
        return ": neither the user's site-packages nor PYTHONPATH count"
    return ": asyncwatch cannot be imported, or the folder is not read"


def starts(*flags: str) -> bool:
    """Whether a new Python of this environment, with these flags, comes to the hook and finds asyncwatch."""
    import subprocess

    environ = {**os.environ, "ASYNCWATCH": "light"}
    command = [sys.executable, *flags, "-c", ASK]
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, cwd=os.sep)
    return done.returncode == 0


def _site_folder() -> str:
    folders = site.getsitepackages()
    preferred = sysconfig.get_path("purelib")
    return preferred if preferred in folders else folders[0]


def _user_folder() -> str:
    if not site.ENABLE_USER_SITE:
        raise ConfigError("this Python reads no user's site-packages (a venv, or -s); install without --user")
    return site.getusersitepackages()


def _installed() -> Iterator[str]:
    """The folders that have files of ours."""
    for folder in dict.fromkeys((*site.getsitepackages(), site.getusersitepackages())):
        if any(MARK in _read(os.path.join(folder, name)) for name in FILES):
            yield folder


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    """Whole or not at all: a Python may start in the middle of it."""
    part = f"{path}.{os.getpid()}"
    try:
        with open(part, "x", encoding="ascii") as file:
            file.write(text)
        os.replace(part, path)
    except BaseException:
        _unlink(part)
        raise


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _cannot(what: str, folder: str, error: OSError, user: bool) -> str:
    text = f"cannot {what} {folder} ({error.strerror or error}); run this as the owner of the environment"
    if not user and site.ENABLE_USER_SITE:
        text += ", or `hook install --user`"
    return f"{text}, or put `import asyncwatch.auto` into the program" if what == "write to" else text
