"""What commands do about late work before they show marks: see `autograder.pipeline.lateness`."""

from __future__ import annotations

import shlex

from autograder.assignment import Assignment
from autograder.console.runs import alone
from autograder.console.words import one_line, say
from autograder.intake.flags import shown
from autograder.pipeline.course import Course, GradingError


def settle(course: Course, assignment: Assignment) -> None:
    """Let the gradebook have what being late costs by its marks, due date and extensions of today; say what changed."""
    from autograder.pipeline.lateness import Lateness

    for student, line in Lateness(course, assignment).settle().items():
        say(one_line(student, line))


def say_no_due_date(course: Course, assignment: Assignment) -> None:
    """Say that a policy for late work comes to nothing without a due date, and how one is set."""
    from autograder.pipeline.lateness import Lateness

    if Lateness(course, assignment).lacks_due_date():
        name = shown(shlex.quote(assignment.name))
        say(
            "Nobody is late: the gradebook has no due date for this assignment. "
            f'`nbgrader db assignment add {name} --duedate "2026-11-30 23:59:00 UTC"` sets one, and `autograder grade '
            f"{name}` then takes off what being late costs."
        )


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
