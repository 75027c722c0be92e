"""What commands do about late work before they show marks: see `autograder.pipeline.lateness`."""

from __future__ import annotations

from autograder.assignment import Assignment
from autograder.console.runs import alone
from autograder.console.words import one_line, say
from autograder.pipeline.course import Course, GradingError


def settle(course: Course, assignment: Assignment) -> None:
    """Let the gradebook have what being late costs by its marks, due date and extensions of today; say what changed."""
    from autograder.pipeline.lateness import Lateness

    for student, line in Lateness(course, assignment).settle().items():
        say(one_line(student, line))


def settle_alone(course: Course, assignment: Assignment, words: str) -> None:
    """The same where no other command is at work in the course; else say so.

    Args:
        words: the command, told to whoever is refused meanwhile.
    """
    try:
        with alone(course, words):
            settle(course, assignment)
    except GradingError as error:
        say(f"What being late costs was not asked again: {error}")
