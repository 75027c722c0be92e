"""The command ``autograder``: `main` reads the first word and hands over to the module of that command.

Each command is a module here with ``run(argv) -> exit status``; nothing of a command is loaded before it is asked for.
Exit statuses: 0 done, 1 it could not be done, 2 the command line makes no sense, 3 done but some submissions have no
marks, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from autograder.assignment import AssignmentError
from autograder.console.words import SomeFailed, fail, of_gradebook
from autograder.pipeline.course import CourseError, GradingError
from kit.console.words import CommandLineError, did_you_mean, make_printable

COMMANDS = {
    "release": "make the version for students, and look that it tells nothing",
    "collect": "take submissions out of what Moodle, Canvas or Blackboard let you download",
    "check": "say what is wrong with submissions, and run nothing",
    "grade": "grade what is new or has changed",
    "resume": "go on where a `grade` was stopped",
    "explain": "why a student has these points",
    "feedback": "write the pages for students",
    "report": "write a page about the class",
    "doctor": "what holds a submission on this computer",
}
_INTERRUPTED = 130  # what a shell reports for Ctrl-C


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns its exit status.

    Args:
        argv: its words without the program's name; None for those of this process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    make_printable(sys.stdout, sys.stderr)
    try:
        return _run(words)
    except CommandLineError as error:
        return fail(str(error), status=2)
    except SomeFailed as error:
        return fail(str(error), status=3)
    except (AssignmentError, CourseError, GradingError) as error:
        return fail(str(error))
    except KeyboardInterrupt:
        goes_on = " `autograder resume` goes on." if words[:1] in (["grade"], ["resume"]) else ""
        return fail(f"Interrupted.{goes_on}", status=_INTERRUPTED)
    except BrokenPipeError:  # `autograder explain ada | head`: nobody reads the rest
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it ends with the process
        return 0
    except OSError as error:
        return fail(f"The operating system refused: {error}.")
    except Exception as error:
        if told := of_gradebook(error):
            return fail(told)
        raise


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        if len(words) > 1 and words[1] in COMMANDS:
            return _command(words[1])(["--help"])
        print(_overview())
        return 0
    return _command(words[0])(words[1:])


def _command(name: str) -> Callable[[list[str]], int]:
    if name not in COMMANDS:
        raise CommandLineError(
            f"There is no command {name!r}{did_you_mean(name, COMMANDS)}. `autograder --help` lists them."
        )
    module = importlib.import_module(f"autograder.console.{name}")
    run: Callable[[list[str]], int] = module.run
    return run


def _overview() -> str:
    width = max(map(len, COMMANDS)) + 2
    lines = "\n".join(f"  {name:{width}}{what}" for name, what in COMMANDS.items())
    return f"""\
Marks that can be trusted, for a course of nbgrader's.

usage: autograder COMMAND [OPTIONS]        autograder COMMAND --help tells more about one

commands:
{lines}

Exit status: 0 done, 1 it could not be done, 2 the command line makes no sense, 3 done, but some submissions have no
marks, 130 interrupted. Grades are nbgrader's: gradebook.db, formgrader and `nbgrader export` work as ever."""
