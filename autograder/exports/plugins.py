"""nbgrader's export plugins: ``nbgrader export --exporter=autograder.exports.CanvasExport --to=canvas.csv``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Enum, Unicode

from autograder.exports.cells import number, text
from autograder.exports.marks import MISSING, Mark, chosen, of_assignment, write
from autograder.intake.flags import listed

_Table = Sequence[tuple[Any, Mapping[str, Mark]]]  # an assignment, and its marks by student id

_MOST_NAMED = 5  # students in a line; of more, the others are counted
_GIVE_IDS = "Give numbers by `nbgrader db student import FILE.csv`, with the columns id and lms_user_id."


class _Export(ExportPlugin):  # type: ignore[misc] # nbgrader has no type information
    """What all exports do: read the marks, make rows, say what an instructor should know, write one file."""

    file_name = "grades.csv"

    def export(self, gradebook: Any) -> None:
        """Write the marks of the chosen students and assignments. nbgrader calls this."""
        path = Path(self.to or self.file_name)
        students = chosen(gradebook.students, "id", self.student)
        table = [(each, of_assignment(each)) for each in chosen(gradebook.assignments, "name", self.assignment)]
        write(path, self.rows(students, table))
        for line in self.remarks(students, table):
            self.log.warning(line)
        self.log.info("%d students and %d assignments are in %s", len(students), len(table), path)

    def rows(self, students: Sequence[Any], table: _Table) -> Iterator[list[str]]:
        """The rows of the file, its header first."""
        raise NotImplementedError

    def remarks(self, students: Sequence[Any], table: _Table) -> Iterator[str]:
        """What an instructor should know before the file is handed on, a plain line each."""
        yield from _remarks(students, table)


class SafeCsvExport(_Export):
    """nbgrader's own CSV, with the same columns and rows, in which no name is taken for a formula or a new column."""

    def rows(self, students: Sequence[Any], table: _Table) -> Iterator[list[str]]:
        """One row for each assignment and student."""
        yield [
            "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
            "late_submission_penalty", "score", "max_score",
        ]  # fmt: skip
        for assignment, marks in table:
            for student in students:
                mark = marks.get(student.id, MISSING)
                yield [
                    text(assignment.name),
                    text(assignment.duedate),
                    mark.timestamp,
                    text(student.id),
                    text(student.last_name),
                    text(student.first_name),
                    text(student.email),
                    str(mark.raw),
                    str(mark.penalty),
                    str(mark.points),
                    str(float(assignment.max_score)),
                ]


class _LmsExport(_Export):
    """A row for each student, a column for each assignment."""

    columns = Dict(help="Assignment -> the column's name in the LMS, where it is another one.").tag(config=True)
    missing = Enum(("zero", "blank"), "zero", help="What stands where nothing was handed in.").tag(config=True)

    def remarks(self, students: Sequence[Any], table: _Table) -> Iterator[str]:
        """What all exports say, and whom the LMS may not know."""
        yield from super().remarks(students, table)
        yield from self.unknown(students)

    def unknown(self, students: Sequence[Any]) -> Iterator[str]:
        """A line about those whom the LMS may not know by what stands in their rows."""
        raise NotImplementedError

    def _column(self, assignment: Any) -> str:
        return text(self.columns.get(assignment.name, assignment.name))

    def _points(self, student: Any, table: _Table) -> list[str]:
        found = (marks.get(student.id, MISSING) for _, marks in table)
        return ["" if mark.is_missing and self.missing == "blank" else number(mark.points) for mark in found]


class CanvasExport(_LmsExport):
    """For "Import" in Canvas's gradebook.

    Canvas finds a student by its own number (``lms_user_id`` in nbgrader, when that is a number) or by the login, and
    an assignment by its number in brackets: ``c.CanvasExport.columns = {"hw1": "Homework 1 (4711)"}``. Without a number
    it offers to make a new assignment.
    """

    file_name = "canvas.csv"
    section = Unicode("", help="The section's name in Canvas, which it asks for in courses that have several.").tag(
        config=True
    )

    def rows(self, students: Sequence[Any], table: _Table) -> Iterator[list[str]]:
        """The header, what can be had at most, and a row for each student."""
        yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(self._column(each) for each, _ in table)]
        yield ["    Points Possible", "", "", "", "", *(number(float(each.max_score)) for each, _ in table)]
        for student in students:
            canvas_id = (student.lms_user_id or "").strip()
            is_number = canvas_id.isascii() and canvas_id.isdigit()
            yield [
                text(", ".join(filter(None, (student.last_name, student.first_name))) or student.id),
                canvas_id if is_number else "",
                "" if is_number else text(canvas_id),
                text(student.id),
                text(self.section),
                *self._points(student, table),
            ]

    def unknown(self, students: Sequence[Any]) -> Iterator[str]:
        """Whoever has no number, and those who have the same one."""
        nameless = [student.id for student in students if not (student.lms_user_id or "").strip()]
        if nameless:
            yield (
                f"Without Canvas's number, so Canvas looks for a login of that name, and may leave the row out: "
                f"{_listed(nameless)}. {_GIVE_IDS}"
            )
        for number_, same in _shared(students).items():
            yield f"{_listed(same)} have the same number {number_}: Canvas would take all rows for one student."


class MoodleExport(_LmsExport):
    """For "Import > CSV file" in Moodle's gradebook, which asks which column is which.

    "Map from" is one of Username, ID number (``lms_user_id`` in nbgrader) and Email address; each assignment is mapped
    to a grade item.
    """

    file_name = "moodle.csv"

    def rows(self, students: Sequence[Any], table: _Table) -> Iterator[list[str]]:
        """The header, and a row for each student."""
        header = ["Username", "ID number", "First name", "Last name", "Email address"]
        yield [*header, *(self._column(each) for each, _ in table)]
        for student in students:
            who = (student.id, student.lms_user_id, student.first_name, student.last_name, student.email)
            yield [*map(text, who), *self._points(student, table)]

    def unknown(self, students: Sequence[Any]) -> Iterator[str]:
        """Whoever has neither ID number nor email address."""
        nameless = [student.id for student in students if not ((student.lms_user_id or "").strip() or student.email)]
        if nameless:
            yield (
                f"Without ID number and email address, so Moodle can only look for a username of that name: "
                f"{_listed(nameless)}. {_GIVE_IDS}"
            )


def _listed(students: Sequence[str]) -> str:
    return listed([*map(text, students)], _MOST_NAMED)


def _shared(students: Sequence[Any]) -> dict[str, list[str]]:
    """The students of each number that several have."""
    by_number: dict[str, list[str]] = {}
    for student in students:
        by_number.setdefault((student.lms_user_id or "").strip(), []).append(student.id)
    return {number_: same for number_, same in by_number.items() if number_ and len(same) > 1}


def _remarks(students: Sequence[Any], table: _Table) -> Iterator[str]:
    """What an instructor should know before the file is handed on, a plain line each."""
    for assignment, marks in table:
        count = sum(marks.get(student.id, MISSING).is_open for student in students)
        if count:
            yield f"{text(assignment.name)}: submissions still to be graded by hand: {count}; their points may change."
    for student in students:
        for what, value in (("id", student.id), ("LMS id", student.lms_user_id), ("email", student.email)):
            if text(value).startswith("'"):
                yield (
                    f"The {what} of student {text(value)} would be a formula in a spreadsheet; it was written with an "
                    "apostrophe before it, and the LMS will not know it."
                )
