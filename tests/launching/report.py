"""A program that prints all it can find out about how it was started, as one JSON object."""

import atexit
import inspect
import json
import os
import pickle
import sys
import types


class Mine:
    """Something to pickle that lives in __main__."""


def mine() -> str:
    """Something whose source is looked up."""
    return "mine"


def describe(value: object) -> object:
    if value is None or isinstance(value, str | dict | list):
        return value
    if type(value).__name__ == "ModuleSpec":
        return [value.name, value.origin, value.cached, describe(value.loader)]
    return [type(value).__name__, getattr(value, "path", None), getattr(value, "name", None)]


main = sys.modules["__main__"]
names = [name for name in vars(main) if name.startswith("__") and name != "__builtins__"]
print(
    json.dumps(
        {
            "argv": sys.argv,
            "path": sys.path,
            "main": {name: describe(vars(main)[name]) for name in names},
            "is main": vars(main) is globals() and isinstance(__builtins__, types.ModuleType),
            "pickled": type(pickle.loads(pickle.dumps(Mine()))) is Mine,
            "source": inspect.getsource(mine),
            "module": inspect.getmodule(mine) is main,
            "stdin": sys.stdin.read(),
            "cwd": os.getcwd(),
            "asyncio": "asyncio" in sys.modules,
            "executable": sys.executable,
            "flags": str(sys.flags),
        },
        indent=1,
    )
)
atexit.register(lambda: print("at exit", sys.modules["__main__"] is main, Mine.__module__))
