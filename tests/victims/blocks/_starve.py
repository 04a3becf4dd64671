"""Ways to keep the CPU from this program: a quota of its own control group, or a helper process with signals."""

import contextlib
import os
import subprocess
import sys

import _block

PERIOD = 100_000
HELPER = """
import os, signal, sys, time
pid = os.getppid()
for line in sys.stdin:
    times, on, off = line.split()
    for _ in range(int(times)):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(float(off))
        os.kill(pid, signal.SIGCONT)
        time.sleep(float(on))
"""

_child = None
_group = None


@contextlib.contextmanager
def helper():
    """The process that stops us and lets us go on."""
    global _child
    _child = subprocess.Popen([sys.executable, "-I", "-S", "-c", HELPER], stdin=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        _child.stdin.close()
        _child.wait()


def _order(times, on, off):
    _child.stdin.write(f"{times} {on} {off}\n")
    _child.stdin.flush()


def stop_once(seconds):
    _order(1, 0, seconds)


class _Group:
    """A control group beside our own (version 1) or below it (version 2)."""

    def __init__(self):
        self.folder, self.file, self.home, self.second = "", "", "", False
        with open("/proc/self/cgroup") as file:
            lines = file.read().splitlines()
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if "cpu" in controllers.split(","):
                self._use("/sys/fs/cgroup/" + controllers, path, "cpu.cfs_quota_us")
            elif not controllers and not self.folder:
                self.second = self._use("/sys/fs/cgroup", path, "cpu.max")

    def _use(self, root, path, file):
        home = root + path.rstrip("/")
        folder = f"{home}/blocks-{os.getpid()}"
        try:
            os.mkdir(folder)
        except OSError:
            return False
        self.home, self.folder, self.file = home, folder, file
        if os.access(f"{folder}/{file}", os.W_OK):
            return True
        self.close()
        return False

    def _write(self, folder, file, text):
        with open(f"{folder}/{file}", "w") as opened:
            opened.write(text)

    def limit(self, share):
        quota = int(share * PERIOD)
        self._write(self.folder, self.file, f"{quota} {PERIOD}" if self.second else str(quota))
        self._write(self.folder, "cgroup.procs", str(os.getpid()))

    def free(self):
        self._write(self.home, "cgroup.procs", str(os.getpid()))

    def close(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.folder)
        self.folder = ""


@contextlib.contextmanager
def prepared():
    """What a quota needs, made before the loop runs."""
    global _group
    with helper():
        with contextlib.suppress(OSError):
            _group = _Group()
        try:
            yield
        finally:
            if _group is not None and _group.folder:
                _group.close()


@contextlib.contextmanager
def quota(share):
    """No more than this share of one CPU."""
    if _group is not None and _group.folder:
        try:
            _group.limit(share)
            limited = True
        except OSError:
            limited = False
        if limited:
            try:
                yield
            finally:
                _group.free()
            return
    _order(int(_block.LENGTH / 0.1), share * 0.1, (1 - share) * 0.1)
    yield
