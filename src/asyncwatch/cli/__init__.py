"""The command line: what was asked for, which program is meant, and how it is started."""
