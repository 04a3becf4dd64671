"""`import asyncwatch.auto` does what the variable ASYNCWATCH says, and nothing when it is unset or off.

For a program that can have a line more but whose command cannot change; the earlier the line, the more is seen. The
settings are those of the command: the variables, then `[tool.asyncwatch]` in pyproject.toml.
"""

from __future__ import annotations

import os

# As in startup.OFF: what is off imports nothing more.
if os.environ.get("ASYNCWATCH", "").strip().lower() not in ("", "0", "off"):
    from asyncwatch.startup import begin

    begin("auto")
