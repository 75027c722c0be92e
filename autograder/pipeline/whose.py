"""Whose work a file of a download is: the gradebook's students, by what the LMS says about them.

Canvas's number is one of the person. Moodle's is one of the assignment (`assign_user_mapping`, or a team's), so it says
nothing about anybody in the gradebook and is another one next time: there the name decides, and work goes to nobody
whose name is not surely that one.

Source: Moodle, mod/assign/classes/downloader.php and, for the group's name before a person's, locallib.php before 4.1.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from autograder.intake.flags import listed, shown
from autograder.pipeline.course import Course
from autograder.pipeline.downloads import Found
from autograder.pipeline.seats import Seats

_MOST_NAME_BYTES = 150  # of a student's name in a folder's; 255 is what most file systems allow
_MOST_NAMED = 10  # students in a line; of more, the others are counted
_ADD = "nbgrader db student add ID --first-name FIRST --last-name LAST"


class Whose:
    """Finds nbgrader's student id for the files of one download.

    Args:
        course: whose gradebook knows students.
        assignment: for which the files are.
        founds: all files of the download: two people of one name are told apart only when both are known.
    """

    def __init__(self, course: Course, assignment: str, founds: Sequence[Found]) -> None:
        self._course = course
        self._assignment = assignment
        self._known = _Known(course)
        self._group = self._known.group_before([each.name for each in founds if not each.is_lasting])
        self._numbers: dict[str, set[str]] = {}  # by name: those that only the name can tell whose they are
        for each in founds:
            if each.number and not self._known.by_number(each):
                self._numbers.setdefault(_letters(self._name(each)), set()).add(each.number)
        self._seats = Seats(course, assignment)
        self._answers: dict[tuple[str, str, bool], str] = {}
        self._lasting: dict[str, str] = {}  # number -> student
        self._made: list[str] = []
        self._numbered: dict[str, list[str]] = {}
        self._lines: list[str] = []

    def student(self, found: Found) -> str:
        """Nbgrader's id: the gradebook's, or one made of what the LMS says; empty when that is no name."""
        if not found.number:
            return "" if found.name.startswith((".", "-")) else found.name
        asked = (found.name, found.number, found.is_lasting)
        if asked not in self._answers:
            self._answers[asked] = self._find(found)
            if found.is_lasting:
                self._lasting[found.number] = self._answers[asked]
        return self._answers[asked]

    def lines(self) -> Iterator[str]:
        """What an instructor should know about how students were found, a plain line each."""
        if self._group:
            yield f"{shown(self._group)} stands before every name: it was taken for the group's, not for part of one."
        yield from self._lines
        if self._made:
            yield (
                f"Not in the gradebook, so called by their names in the LMS: {_listed(self._made)}. If they have other "
                f"ids, rename their folders in submitted/, and add them (`{_ADD}`) before you collect again."
            )
        for name, students in self._numbered.items():
            yield (
                f"{shown(name)}: this does not say which student it is, so the number of this assignment was added: "
                f"{_listed(students)}. It is another number in each assignment: rename their folders in submitted/ to "
                "their ids before you grade. Where Moodle hides names, reveal them there and download again."
            )

    def remember(self) -> None:
        """Keep which of the ids made of a name are whose, for the next download of this assignment.

        And a person's number, in the gradebook: the LMS knows marks by it that are given back.
        """
        self._seats.write(
            {number: student for (_, number, is_lasting), student in self._answers.items() if not is_lasting}
        )
        if not self._lasting:
            return
        with self._course.gradebook() as gradebook:
            for student in gradebook.students:
                if _is_made(student) and self._lasting.get(student.lms_user_id, student.id) != student.id:
                    student.lms_user_id = None  # the gradebook knows the person under another id now
            known = {student.id for student in gradebook.students if student.lms_user_id}
            gradebook.db.commit()
            for number, student_id in self._lasting.items():
                if student_id not in known:
                    gradebook.update_or_create_student(student_id, lms_user_id=number)

    def _find(self, found: Found) -> str:
        name = self._name(found)
        by_number = self._known.by_number(found)
        by_name = self._by_name(found, name)
        if by_number and by_name and by_number != by_name:
            self._lines.append(
                f"{shown(found.name)}: in the gradebook the number {found.number} is {shown(by_number)}'s and the name "
                f"{shown(by_name)}'s; the number was believed. Look whose it is."
            )
        known = by_number or by_name or self._known.made_for(found)
        made = _made(name)
        if known:
            self._tell_of_earlier(known, {made, f"{made}-{found.number}"})
            return known
        student = f"{made}-{found.number}" if found.is_lasting else self._without_number(found, name, made)
        if not found.is_lasting and (renamed := self._seats.renamed(found.number)):
            return renamed
        if student != made and not found.is_lasting:
            self._numbered.setdefault(name, []).append(student)
        elif likely := self._known.ends_like(name):
            self._lines.append(
                f"{shown(found.name)}: nobody in the gradebook has this name, so it is {shown(student)}'s. If it is "
                f"{shown(likely)}'s, rename the folder in submitted/."
            )
        elif not self._known.has(student):  # as it has whoever was graded before
            self._made.append(student)
        return student

    def _by_name(self, found: Found, name: str) -> str:
        """Who has this name, where nothing speaks against it."""
        student = self._known.by_name(name)
        if not student or len(self._numbers.get(_letters(name), ())) > 1:
            return ""
        other = self._known.number_of(student)
        is_other = other.isdecimal() and other.lstrip("0") != found.number.lstrip("0")
        if not found.is_lasting or not is_other or self._known.by_number(found):
            return student
        self._lines.append(
            f"{shown(found.name)}: {shown(student)} of this name has the number {other} in the gradebook, and not "
            f"{found.number}, so it was taken for somebody else's. Look whose it is."
        )
        return ""

    def _without_number(self, found: Found, name: str, made: str) -> str:
        """An id that can be the same for the next assignment, where it is no other person's."""
        numbered = f"{made}-{found.number}"
        if (earlier := self._seats.of(found.number)) in (made, numbered):
            return earlier
        student = numbered if self._is_there(numbered) or not self._is_sure(name, made) else made
        self._seats.take(student, found.number)
        return student

    def _is_sure(self, name: str, made: str) -> bool:
        """Whether an id made of the name alone is nobody else's."""
        is_sure = len(self._numbers[_letters(name)]) == 1 and self._known.is_free(name, made)
        # One word is what Moodle calls everybody whose name it hides.
        return is_sure and len(name.split()) > 1 and self._seats.is_free(made)

    def _tell_of_earlier(self, known: str, others: set[str]) -> None:
        for other in sorted(others - {known}):
            if self._is_there(other):
                self._lines.append(
                    f"{shown(known)}: submitted/ has work of {shown(other)}, too, which was collected before the "
                    "gradebook knew the name. Take that folder away if it is the same person."
                )

    def _is_there(self, student: str) -> bool:
        return self._course.folder("submitted", self._assignment, student).exists()

    def _name(self, found: Found) -> str:
        return found.name if found.is_lasting else found.name.removeprefix(self._group)


class _Known:
    """Whom the gradebook knows."""

    def __init__(self, course: Course) -> None:
        self._numbers: dict[str, str] = {}
        self._made: dict[str, str] = {}  # number -> the id that was made of it
        self._number_of: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._ids: dict[str, set[str]] = {}  # the names of each
        with course.gradebook() as gradebook:
            for student in gradebook.students:
                self._add(student)

    def _add(self, student: Any) -> None:
        (self._made if _is_made(student) else self._numbers)[(student.lms_user_id or "").strip()] = student.id
        self._number_of[student.id] = (student.lms_user_id or "").strip()
        first_last = (student.first_name, student.last_name)
        names = {_letters("".join(filter(None, each))) for each in (first_last, first_last[::-1])} - {""}
        self._ids[student.id] = names
        for name in names:
            # Two students of one name are told apart by their numbers only.
            self._names[name] = "" if self._names.get(name, student.id) != student.id else student.id

    def by_number(self, found: Found) -> str:
        return self._numbers.get(found.number, "") if found.number and found.is_lasting else ""

    def number_of(self, student: str) -> str:
        return self._number_of[student]

    def made_for(self, found: Found) -> str:
        """The id that was made of a lasting number when nobody in the gradebook had it."""
        return self._made.get(found.number, "") if found.is_lasting else ""

    def by_name(self, name: str) -> str:
        return self._names.get(_letters(name), "")

    def has(self, student: str) -> bool:
        return student in self._ids

    def is_free(self, name: str, student: str) -> bool:
        """Whether an id made of a name would not be that of somebody with another one."""
        is_shared = self._names.get(_letters(name)) == ""
        return not is_shared and not self._ids.get(student)

    def ends_like(self, name: str) -> str:
        """Whose name stands after a hyphen, as a person's does after a group's."""
        return next(filter(None, (self.by_name(name[end:]) for end in _hyphens(name))), "")

    def group_before(self, names: Sequence[str]) -> str:
        """What stands before everybody's name, where those that the gradebook knows come after it."""
        names = list(dict.fromkeys(names))
        if len(names) < 2 or any(map(self.by_name, names)):
            return ""
        shared = [names[0][:end] for end in _hyphens(names[0])]
        shared = [each for each in shared if all(name.startswith(each) for name in names)]
        counts = {each: sum(bool(self.by_name(name.removeprefix(each))) for name in names) for each in shared}
        best = max(counts, key=lambda each: counts[each], default="")
        return best if counts.get(best) else ""


def _is_made(student: Any) -> bool:
    """Whether the gradebook knows nothing of a student but the id that `collect` has made of a lasting number."""
    number = student.lms_user_id
    return bool(number) and student.id.endswith(f"-{number}") and not (student.first_name or student.last_name)


def _hyphens(name: str) -> list[int]:
    return [place + 1 for place, each in enumerate(name) if each == "-"]


def _listed(students: Sequence[str]) -> str:
    return listed([*map(shown, students)], _MOST_NAMED)


def _made(name: str) -> str:
    """An id of a name's letters and digits."""
    words = "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in _plain(name))
    # As bytes, since that is how file systems count; a number after it is not cut off.
    return "-".join(words.encode()[:_MOST_NAME_BYTES].decode(errors="ignore").split()) or "student"


def _plain(name: str) -> str:
    """A name in small letters; Latin ones without accents, and those of other scripts as they are."""
    made: list[str] = []
    is_latin = True
    for each in unicodedata.normalize("NFKD", name.casefold()):
        if not unicodedata.combining(each):
            is_latin = not each.isalpha() or unicodedata.name(each, "").startswith("LATIN")
        elif is_latin:
            continue
        made.append(each)
    return unicodedata.normalize("NFC", "".join(made))


def _letters(name: str) -> str:
    """What two spellings of one name have in common. Marks of other scripts are letters: they are vowels in India."""
    return "".join(each for each in _plain(name) if unicodedata.category(each)[0] in "LMN")
