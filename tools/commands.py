"""The commands of ``tasks.py``: which environment each needs, and what it runs there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from tools import checks, environment

USAGE = """\
usage: python tasks.py COMMAND

  lab [JUPYTER OPTIONS]   open the labs in JupyterLab; the first run sets everything up
  test [PYTEST OPTIONS]   run every check and test; with options, only pytest with those
  check                   run the checks that take seconds: format, lint, types, imports
"""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit status: 0 good, 1 failed, 2 not understood.

    Args:
        arguments: the command and its options, as typed after ``tasks.py``.
    """
    command, *options = arguments or [""]
    try:
        if command == "lab":
            return _hand_over([str(environment.ensure("lab")), "-m", "tools.lab", *options])
        if command == "test" and options:
            return _hand_over([str(environment.ensure("test")), "-m", "pytest", *options])
        if command in {"test", "check"} and not options:
            python = environment.ensure("test")
            if command == "check":
                return checks.run(checks.quick(python))
            return checks.run(checks.quick(python) + checks.tests(python), checks.beside(python))
    except environment.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if command in {"-h", "--help", "help"}:
        print(USAGE, end="")
        return 0
    print(USAGE, end="", file=sys.stderr)
    return 2


def _hand_over(command: list[str]) -> int:
    """Let ``command`` take this process's place, so that Ctrl-C and a signal reach it and nothing is left behind."""
    os.chdir(environment.ROOT)
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    # Windows has no exec that keeps the console waiting.
    return subprocess.call(command)
