"""The task tree as text for a terminal: two lines for each task, the branches drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from asyncwatch.frames import plain
from asyncwatch.paths import editor_path

MOST_NAMES = 3
LONGEST_NAME = 60


def render(tree: dict[str, Any]) -> str:
    """The text of a tree as `Tree.to_dict` made it, without a newline at the end."""
    loops = tree["loops"]
    lines = [f"process {tree['pid']}: {_count(len(loops), 'loop')}, {_count(tree['count'], 'task')}"]
    for loop in loops:
        lines.append(_loop(loop))
        lines.extend(_branches(loop["tasks"]))
    if tree["left_out"]:
        lines.append(f"up to {tree['left_out']} more tasks are not shown")
    if tree["unreadable"]:
        lines.append(f"{_count(tree['unreadable'], 'task')} could not be read")
    return "\n".join(lines)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _loop(loop: dict[str, Any]) -> str:
    text = f"{plain(loop['loop'])} in {plain(loop['thread'])}, {_count(loop['count'], 'task')}"
    if not loop["running"]:
        text += ", not running"
    if loop.get("stack"):
        text += f", in a callback at {_place(loop['stack'][-1])}"
    if loop.get("note"):
        text += f" ({loop['note']})"
    return text


def _branches(tasks: list[dict[str, Any]], indent: str = "") -> Iterator[str]:
    for position, task in enumerate(tasks):
        last = position == len(tasks) - 1
        children = task.get("children", [])
        below = indent + ("   " if last else "│  ")
        yield indent + ("└─ " if last else "├─ ") + _headline(task)
        place = _places(task)
        if place:
            yield below + ("│  " if children else "   ") + place
        yield from _branches(children, below)


def _headline(task: dict[str, Any]) -> str:
    text = f"{_name(task)} {plain(task['coro'])}: {plain(_state(task))}"
    if "age" in task:
        text += f", {_age(task['age'])} old"
    return text


def _name(task: dict[str, Any]) -> str:
    return f"'{plain(task['name'][:LONGEST_NAME])}'"


def _state(task: dict[str, Any]) -> str:
    state: str = task["state"]
    if state == "failed":
        return f"failed with {task.get('exception', 'an exception')}, and nobody asked"
    if state != "waiting":
        return state
    awaits = task.get("awaits")
    if not awaits:
        return f"waits for {_KINDS.get(task['waits_for'], task['waits_for'])}"
    names = ", ".join(_name(one) for one in awaits[:MOST_NAMES])
    more = f" and {len(awaits) - MOST_NAMES} more" if len(awaits) > MOST_NAMES else ""
    return f"waits for {names}{more}"


# The kinds of wait, as a reader would say them.
_KINDS = {
    "sleep": "its sleep to end",
    "tasks": "tasks",
    "lock": "a lock",
    "semaphore": "a semaphore",
    "event": "an event",
    "condition": "a condition",
    "barrier": "a barrier",
    "queue": "a queue",
    "join": "a queue to be worked off",
    "socket": "a connection",
    "process": "a process",
    "server": "connections",
    "executor": "a thread",
    "future": "a future",
}


def _places(task: dict[str, Any]) -> str:
    parts = []
    if "where" in task:
        parts.append(f"at {_place(task['where'])}")
    if task.get("created"):
        parts.append(f"created at {_place(task['created'][-1])}")
    return ", ".join(parts)


def _place(frame: dict[str, Any]) -> str:
    return plain(f"{editor_path(frame['file'])}:{frame['line']} {frame['function']}")


def _age(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
