"""Three instruments that are of use as they are, and small enough to be read as examples of how to write one."""

from __future__ import annotations

from asyncwatch.instruments.latency import SchedulingLatency
from asyncwatch.instruments.steps import StepLog
from asyncwatch.instruments.task_cpu import TaskCPU

__all__ = ["SchedulingLatency", "StepLog", "TaskCPU"]
