"""Whether the CPU quota of this process's control group was used up.

https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu (cpu.stat)
"""

from __future__ import annotations

from asyncwatch import env


class Quota:
    """The CPU quota of this process's control group, if it has one."""

    def __init__(self, of: str = "/proc/self/cgroup", root: str = "/sys/fs/cgroup") -> None:
        self._file, self._key, self._unit = _stat_file(of, root) if env.LINUX else ("", b"", 1.0)

    def throttled(self) -> float | None:
        """Seconds that this control group was throttled so far; None without a quota."""
        if not self._file:
            return None
        try:
            with open(self._file, "rb", buffering=0) as file:
                return self.seconds(file.read(4096))
        except OSError:
            self._file = ""
            return None

    @property
    def path(self) -> str:
        """The file that counts them; empty without a quota."""
        return self._file

    def seconds(self, text: bytes) -> float | None:
        """The same of what is in that file."""
        if not self._file:
            return None
        try:
            return next(int(line.split()[1]) * self._unit for line in text.splitlines() if line.startswith(self._key))
        except (StopIteration, ValueError, IndexError):
            self._file = ""
            return None


def _stat_file(of: str, root: str) -> tuple[str, bytes, float]:
    """The file that counts throttled time, its row and its unit; empty without a quota."""
    try:
        with open(of, encoding="utf-8", errors="surrogateescape") as file:
            rows = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return "", b"", 1.0
    for _, controllers, path in (row for row in rows if len(row) == 3):
        if not controllers:
            roots, limit, unlimited, row, unit = [root], "cpu.max", "max", b"throttled_usec", 1e-6
        elif "cpu" in controllers.split(","):
            roots = [f"{root}/{controllers}", f"{root}/cpu"]
            limit, unlimited, row, unit = "cpu.cfs_quota_us", "-1", b"throttled_time", 1e-9
        else:
            continue
        # The quota may be that of a group around it. In a container the group's own files are at the root, whatever its
        # path is called outside.
        while True:
            for top in roots:
                if _is_limited(f"{top}{path}/{limit}", unlimited):
                    return f"{top}{path}/cpu.stat", row, unit
            if not path:
                break
            path = path.rstrip("/").rpartition("/")[0]
    return "", b"", 1.0


def _is_limited(file: str, unlimited: str) -> bool:
    try:
        with open(file, encoding="ascii") as stream:
            return not stream.read().startswith(unlimited)
    except (OSError, ValueError):
        return False
