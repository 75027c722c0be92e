"""``autograder resume``: what a ``grade`` that was stopped has not done yet."""

from __future__ import annotations

from pathlib import Path

from autograder.console import grade
from autograder.console.words import parser
from autograder.pipeline.course import open_course
from autograder.pipeline.work import Execute


def run(argv: list[str], execute: Execute | None = None) -> int:
    """Run the command; returns its exit status.

    Args:
        execute: a stand-in for `autograder.execute.execute`, in tests.
    """
    made = parser(
        "resume",
        "Go on where `autograder grade` was stopped, with its options: with the run that was begun last.",
        [("autograder resume streams", "with the one of this assignment")],
    )
    made.add_argument("assignment", nargs="?")
    options = made.parse(argv)
    return grade.resume(open_course(Path(options.course)), options.assignment, execute)
