"""The command `ratatouille-trainer`."""

from __future__ import annotations

import sys


def run() -> None:
    """Runs the command and ends the process with its exit code."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """The exit code: 0 done, 1 failed, 2 wrong usage."""
    raise NotImplementedError(arguments)
