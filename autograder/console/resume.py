"""``autograder resume``: what the last ``grade`` has not done yet."""

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
    made = parser("resume", "Go on where the last `autograder grade` was stopped, with its options.")
    options = made.parse(argv)
    course = open_course(Path(options.course))
    return grade.resume(course, grade.last(course), execute)
