"""What many looks at a thread add up to: the busiest line, a stack that stood there, the share of each line."""

from __future__ import annotations

from collections import Counter
from types import CodeType

from asyncwatch.detectors.places import outermost_first
from asyncwatch.events import Samples
from asyncwatch.frames import Frame, Place, Scope, stands_at_start

# A line with less than this share of the samples is not worth a row in the evidence.
SHARE = 0.1
# Nearly every look found the same instruction: a call that does not return, not a busy loop.
STILL = 0.9


class Shares:
    """The samples of one stall, counted by line. `where` is None when no look found a frame."""

    def __init__(self, samples: Samples, scope: Scope, total: int = 0) -> None:
        """`total` where the shares are of more looks than are given."""
        self.total = total or sum(count for _, count in samples)
        self._lines: Counter[Frame | None] = Counter()
        stacks: dict[Frame | None, Counter[tuple[Place, ...]]] = {}
        # A look that comes at a function's very beginning says no more than that it was called: it counts for the line
        # of that function where the others found it.
        bodies: dict[CodeType, Counter[Frame | None]] = {}
        for stack, count in sorted(samples, key=lambda one: _begins(one[0])):
            line = scope.innermost(outermost_first(stack))
            if stack and not isinstance(stack[0], Frame):
                body = bodies.setdefault(stack[0][0], Counter())
                if _begins(stack) and body:
                    line = body.most_common(1)[0][0]
                body[line] += count
            self._lines[line] += count
            stacks.setdefault(line, Counter())[stack] += count
        self.where = self._lines.most_common(1)[0][0]
        self.raws = stacks[self.where].most_common(1)[0][0]
        self.stands_still = samples[0][1] >= STILL * self.total

    def rows(self, least: float = SHARE) -> list[dict[str, object]]:
        """Each line that was seen in more than `least` of the looks, the busiest first."""
        return [
            {**line.to_dict(), "share": round(count / self.total, 2)}
            for line, count in self._lines.most_common(5)
            if line is not None and count >= least * self.total
        ]


def _begins(stack: tuple[Place, ...]) -> bool:
    return bool(stack) and stands_at_start(stack[0])
