"""The command's front door: `python -m asyncwatch` and the console script `asyncwatch` both start here."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; returns when the program that was started has ended well."""
    before = frozenset(sys.modules)
    if sys.path and not sys.flags.safe_path:
        # The directory that served to start us (the current one, or the scripts directory). It goes before
        # anything is imported: a file in it must not stand in for a module of ours or of the library.
        del sys.path[0]
    from asyncwatch.cli.main import prepare

    program = prepare(sys.argv[1:], before)
    program.run()


if __name__ == "__main__":
    main()
