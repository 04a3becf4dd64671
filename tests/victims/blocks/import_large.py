"""The first import of a large package inside a handler."""

import asyncio
import importlib
import os
import sys
import tempfile
import time

import _block

FUNCTION = "def f{0}(a, b):\n    return [x * a for x in b if x > {0}]\n\n"
MODULE = "".join(FUNCTION.format(number) for number in range(60))


def module_time():
    began = time.monotonic()
    compile(MODULE, "<module>", "exec")
    return time.monotonic() - began


def write(folder, name, count):
    package = os.path.join(folder, name)
    os.makedirs(package)
    for number in range(count):
        with open(os.path.join(package, f"m{number}.py"), "w") as file:
            file.write(MODULE)
    with open(os.path.join(package, "__init__.py"), "w") as file:
        file.writelines(f"from . import m{number}\n" for number in range(count))


async def healthy():
    await asyncio.to_thread(importlib.import_module, "small_package")


async def guilty():
    with _block.held:
        import large_package  # AW101 code


with tempfile.TemporaryDirectory() as top:
    # The name tells that it is installed: who imports it is to blame, not its own lines.
    folder = os.path.join(top, "site-packages")
    count = int(_block.LENGTH / min(module_time() for _ in range(3)))
    write(folder, "small_package", count // 3)
    write(folder, "large_package", count)
    sys.path.append(folder)
    _block.main(healthy, guilty)
