"""Compiles the C twin when a wheel is built or the project installed editable; where that fails, the wheel is pure.

The build's own hook (`[tool.hatch.build.targets.wheel.hooks.custom]`), no part of the package. It wants a C compiler
and Python's headers, and says one sentence where it does without. `ASYNCWATCH_PURE=1` asks for the pure wheel.
https://hatch.pypa.io/latest/plugins/build-hook/custom/
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACE = Path("asyncwatch", "hooks")
NAME = "_record"
PATIENCE = 120.0  # seconds for the compiler


class CompileHook(BuildHookInterface):  # type: ignore[misc, type-arg, unused-ignore]
    """Adds the compiled module to the wheel."""

    _folder = ""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; into the source's folder where that is what will be imported."""
        source = Path(self.root, "src", PLACE, f"{NAME}.c")
        name = NAME + str(sysconfig.get_config_var("EXT_SUFFIX"))
        if version == "editable":
            target = source.parent / name
        else:
            self._folder = tempfile.mkdtemp()
            target = Path(self._folder, name)
        reason = compiled(source, target)
        if reason:
            self.app.display_warning(
                f"asyncwatch: installed without its compiled part, which only costs speed: {reason}"
            )
            return
        build_data["pure_python"], build_data["infer_tag"] = False, True
        if version != "editable":
            build_data["force_include"][str(target)] = str(PLACE / name)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The compiled file is in the wheel by now."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def compiled(source: Path, target: Path) -> str:
    """Compile one file; returns why that could not be done, empty when it was."""
    if os.environ.get("ASYNCWATCH_PURE", "0") not in ("", "0"):
        return "ASYNCWATCH_PURE is set"
    if sys.implementation.name != "cpython" or os.name != "posix":
        return "it is for CPython on POSIX systems"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "it is for Pythons with a GIL"
    command = compiler()
    if command is None:
        return "there is no C compiler"
    include = sysconfig.get_path("include")
    if not Path(include, "Python.h").exists():
        return f"Python's headers are not in {include}"
    flags = ["-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", f"-I{include}"]
    # Another process may run what is there: it is replaced in one go, never written over.
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.so")
    try:
        done = subprocess.run(
            [*command, *flags, str(source), "-o", str(unfinished)],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            return f"the compiler said {(done.stderr.strip().splitlines() or ['nothing'])[-1][:200]!r}"
        unfinished.replace(target)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the compiler did not run: {error}"
    finally:
        unfinished.unlink(missing_ok=True)
    return ""


def compiler() -> list[str] | None:
    """The command that makes a shared object: by CC's compiler, else by the one Python was built with, else by any."""
    chosen = os.environ.get("CC") or str(sysconfig.get_config_var("CC") or "")
    for command in (shlex.split(chosen), ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]):
            kind = ["-bundle", "-undefined", "dynamic_lookup"] if sys.platform == "darwin" else ["-shared"]
            return [*command, *kind]
    return None
