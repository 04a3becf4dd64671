"""From command line to a program that is ready to run: settings, profile, target, watch, in that order."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence, Set

from asyncwatch import config as configuration
from asyncwatch.cli import launch, options, reexec, targets
from asyncwatch.config import Config, ConfigError

# Subcommands, each a module of this package with `run(command) -> exit status`; imported when asked for.
VERBS = ("explain", "doctor", "tree", "hook", "report", "tail", "baseline")


def prepare(argv: Sequence[str], before: Set[str] = frozenset()) -> launch.Program:
    """Do everything up to the program's first line.

    Args:
        argv: our arguments, without the command's own name.
        before: the modules that were there before any of ours was imported.

    Raises:
        SystemExit: with 2 and one line on stderr for what cannot be done, and at the end of a subcommand.
    """
    if "asyncwatch.startup" in sys.modules:  # the start-up hook was first
        sys.modules["asyncwatch.startup"].give_way()
    try:
        command = options.parse(argv, VERBS)
        if command.target in VERBS and not command.literal:
            raise SystemExit(_subcommand(command))
        return _prepare(command, before)
    except ConfigError as error:
        launch.complain(str(error))
        raise SystemExit(2) from None


def _subcommand(command: options.Command) -> int:
    module = importlib.import_module(f"asyncwatch.cli.{command.target}")
    try:
        status: int = module.run(command)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    return status


def _prepare(command: options.Command, before: Set[str]) -> launch.Program:
    config = settle(command)
    limits = reexec.ensure_debug() if config is not None and config.profile == "debug" else ()
    target = targets.module(command.target) if command.module else targets.resolve(command.target)
    program = launch.Program(target, command.args, before)
    if config is None:
        return program
    if config.loop == "uvloop":
        from asyncwatch.hooks import loop_choice

        loop_choice.choose(config.loop)
    launch.Interrupt.guard()
    program.watch = _watch(config, limits)
    program.can_fail = bool(config.fail_on)
    return program


def settle(command: options.Command) -> Config | None:
    """The run's settings; None when the profile is off, which asks nothing of the other settings.

    The toggle's other end has to hold when the rest of the configuration is broken, so it is looked at first.
    """
    profile = command.settings.get("profile") or _profile_from_environment()
    if profile == "off":
        return None
    config = configuration.load(command.settings, os.environ, here())
    return None if config.profile == "off" else config


def _profile_from_environment() -> str | None:
    names = ("ASYNCWATCH", "ASYNCWATCH_PROFILE")
    found = configuration.from_environment({name: os.environ.get(name, "") for name in names})
    return found.get("profile")


def here() -> str:
    """The directory where the search for pyproject.toml begins."""
    try:
        return os.getcwd()
    except OSError:  # the directory was removed under us; the program may not care, nor do we
        return os.sep


def _watch(config: Config, limits: tuple[str, ...]) -> launch.Watcher | None:
    try:
        from asyncwatch.hooks.source_tracebacks import program_below
        from asyncwatch.session import Watch

        program_below(launch._enter.__code__)
        watch = Watch(config, limits, "command")
        watch.start()
    except ConfigError:
        raise
    except Exception as error:
        launch.complain(f"cannot watch ({type(error).__name__}: {error}); the program runs unwatched")
        return None
    return watch
