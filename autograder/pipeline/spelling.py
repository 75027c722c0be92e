"""One student has one name, however a computer writes its accents.

A Mac writes "Zoë" as five characters into a zip file, and others as four: nobody sees a difference, and two folders
would be two students.
"""

from __future__ import annotations

import unicodedata

from autograder.intake.flags import shown
from autograder.intake.names import folded
from autograder.pipeline.course import Course


class Spelling:
    """The names of students as a course has them already, in its gradebook or in submitted/."""

    def __init__(self, course: Course, assignment: str) -> None:
        with course.gradebook() as gradebook:
            names: set[str] = {student.id for student in gradebook.students}
            assignments = {assignment, *(each.name for each in gradebook.assignments)}
        names.update(*map(course.students, assignments))
        self._there = {_composed(name): name for name in sorted(names)} | {name: name for name in names}
        self._alike = {_alike(name): name for name in sorted(names)}

    def of(self, student: str) -> str:
        """The name as it is there; of somebody who is new, with composed accents."""
        return self._there.get(student) or self._there.get(_composed(student), _composed(student))

    def other_of(self, student: str) -> str:
        """Who is there under a name that differs in upper and lower case or in blanks only; empty for nobody.

        Who was asked about is there from then on.
        """
        other = self._alike.setdefault(_alike(student), student)
        return "" if _composed(other) == _composed(student) or student in self._there else other


def visible(name: str) -> str:
    """A name as it may stand in a line, between quotes where nobody would see all of its blanks."""
    return shown(name) if name == _without_blanks(name) else f"'{shown(name)}'"


def _alike(name: str) -> str:
    """What names have in common that people take for one."""
    return folded(_without_blanks(name))


def _without_blanks(name: str) -> str:
    return " ".join(name.split())


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
