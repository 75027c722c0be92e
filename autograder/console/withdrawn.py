"""Work that was graded and is in submitted/ no more: its marks stay where they are until somebody decides."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from autograder.console.words import one_line, say
from autograder.intake.flags import shown
from autograder.judge.writing import number
from autograder.pipeline.course import Course
from autograder.pipeline.ledger import Entry

_MOST_LINES = 10


def still_known(course: Course, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Results without those of students that are neither in submitted/ nor in the gradebook any more."""
    names = {entry.assignment for entry in entries.values()}
    there = {student for name in names for student in (*course.students(name), *_marks(course, name))}
    return {student: entry for student, entry in entries.items() if student in there}


def withdrawn(course: Course, assignment: str, entries: Mapping[str, Entry]) -> dict[str, float]:
    """The points that students have for graded work of which nothing is in submitted/ any more."""
    gone = entries.keys() - set(course.students(assignment))
    return (
        {student: points for student, points in _marks(course, assignment).items() if student in gone} if gone else {}
    )


def say_withdrawn(course: Course, entries: Mapping[str, Entry], gone: Mapping[str, float]) -> None:
    """A line for each that is `withdrawn`, with what can be done about it."""
    for student, points in sorted(gone.items())[:_MOST_LINES]:
        say(one_line(student, told(course, entries[student], points)))
    if len(gone) > _MOST_LINES:
        say(f"{len(gone) - _MOST_LINES} more like these.")


def told(course: Course, entry: Entry, points: float) -> str:
    """What there is to say about one of them."""
    place = course.folder("submitted", entry.assignment, entry.student)
    where = place.relative_to(course.root) if place.is_relative_to(course.root) else place
    return (
        f"{shown(str(where))} is gone, and {number(points)} points for it are still in the gradebook and in every "
        f"export. An empty folder there makes them 0. Where somebody left or the name was a wrong one, "
        f"`nbgrader db student remove {shlex.quote(shown(entry.student))} --force` takes them out with all their marks."
    )


def _marks(course: Course, assignment: str) -> dict[str, float]:
    from autograder.exports import marks

    with course.gradebook() as gradebook:
        found = marks.of_assignment(gradebook.find_assignment(assignment))
    return {student: mark.points for student, mark in found.items()}
