"""Where `faulthandler` writes stacks to, and at which signals: of one thread to a file that the watcher reads, of all
threads straight to the first output, when the process can say nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from asyncwatch.hooks.dumps import DumpFile, free_signals, untouched

HEADLINE = b"AW102 loop-hung: native code keeps the GIL; all stacks, the innermost call first:\n"


class LastWords:
    """`output` gives the descriptor of the first output, None where there is none; `file` how a file is asked for."""

    def __init__(self, output: Callable[[], int | None], file: DumpFile) -> None:
        self._output = output
        self._file = file
        self._fd = -1
        self._identity: tuple[int, int] | None = None
        self.dump: Callable[..., object] = id

    def fileno(self) -> int | None:
        """The descriptor. While it is the file that it was, nobody is asked who gives the GIL away for that."""
        if self._identity is not None and self._identify(self._fd) == self._identity:
            return self._fd
        fd = self._output()
        self._fd, self._identity = (-1, None) if fd is None else (fd, self._identify(fd))
        return fd

    def _identify(self, fd: int) -> tuple[int, int] | None:
        try:
            return self._file.status(fd)[:2]
        except OSError:
            return None

    def say(self) -> None:
        """Called in the main thread that stands in native code which answers signals and does not end."""
        fd = self._output()
        if fd is not None:
            os.write(fd, HEADLINE)
            self.dump(fd, all_threads=True)


class Writers:
    """Of `signals` the first has the stack of the thread it comes to written down, the second those of all threads."""

    def __init__(self, file: DumpFile, words: LastWords, *, hangs: bool) -> None:
        """Without `hangs` there is no second signal."""
        self._file = file
        self._words = words
        self._hangs = hangs
        self.signals: list[int] = []
        self.dumper: Any = None

    def open(self) -> None:
        """Take the signals and open the file, or open it anew. Raises OSError, and StopIteration when none is free."""
        fd = self._file.open()
        first = self.signals[0] if self.signals else next(free_signals())
        self.dumper.register(first, fd, all_threads=False)
        if self.signals:
            return
        self.signals.append(first)
        output = self._words.fileno() if self._hangs else None
        if output is not None:
            self.signals.append(next(free_signals()))
            self.dumper.register(self.signals[1], output, all_threads=True)

    def untouched(self) -> bool:
        """Whether the program has taken none of the signals."""
        return all(map(untouched, self.signals))

    def close(self, library: Any) -> None:
        """Leave no handler and no descriptor."""
        for number in filter(untouched, self.signals):
            self.dumper.unregister(number)
            library.drop(number)
        self.signals.clear()
        self._file.close()
