"""Being told when the program imports a module, so that it need not be imported for it.

One more finder stands first in `sys.meta_path`. It finds nothing by itself; for the one name it waits for it asks the
others, and has the module's loader say when the module is there. The program sees the loader it would see without.
It stays, spent, until it is removed: another thread may be half-way through that list.
https://github.com/python/cpython/blob/3.13/Lib/importlib/_bootstrap.py (_find_spec, _load_unlocked)
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # every Python process of an environment with the hook may come here
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any


class Waiting:
    """Calls `then`, which must not raise, as soon as the module `name` has been imported; once."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self._name: str | None = name
        self._then = then

    def install(self) -> None:
        """Begin to wait; `then` is called at once where the module is there already."""
        if self._name in sys.modules:
            self._name = None
            self._then()
        else:
            sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Wait no more."""
        self._name = None
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    @property
    def waits(self) -> bool:
        """Whether the module has not been imported yet."""
        return self._name is not None

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What import asks each finder; so does who only wants to know whether there is such a module."""
        if name != self._name:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find is not None else None
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Told(spec.loader, self._imported)  # type: ignore[assignment]
                return spec
        return None

    def _imported(self) -> None:
        if self._name is not None:
            self._name = None
            self._then()


class _Told:
    """The module's own loader, but for the word when it is done; it is put back before the module's first line."""

    def __init__(self, loader: Any, then: Callable[[], None]) -> None:
        self._loader = loader
        self._then = then

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        found: ModuleType | None = self._loader.create_module(spec)
        return found

    def exec_module(self, module: ModuleType) -> None:
        loader = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = loader
        module.__loader__ = loader
        loader.exec_module(module)
        self._then()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
