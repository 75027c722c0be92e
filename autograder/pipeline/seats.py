"""Which of the ids that were made of a name are whose in one assignment, by Moodle's number.

Without it, the next download would take another person of the same name for the first one, and would not know a student
whose folder was given the right name meanwhile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from autograder.pipeline.course import STATE, Course
from autograder.pipeline.history import contents
from autograder.state_file import write_json


class Seats:
    """Kept in a file of the course's state: by number the id that was made, that of today, and a digest of the work."""

    def __init__(self, course: Course, assignment: str) -> None:
        self._course = course
        self._assignment = assignment
        self._file = course.root / STATE / "moodle" / f"{assignment}.json"
        self._made: dict[str, str] = {}
        self._now: dict[str, str] = {}
        self._works: dict[str, str] = {}
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            self._made, self._now, self._works = (dict(known[each]) for each in ("made", "now", "works"))
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            pass

    def of(self, number: str) -> str:
        """The id that was made for a number; empty when none was."""
        return self._made.get(number, "")

    def renamed(self, number: str) -> str:
        """The id that somebody gave the folder since: whose has the work that was put there; empty when nobody did."""
        now = self._now.get(number, "")
        if now and now != self.of(number):
            return now
        work = self._works.get(number)
        if not work or self._folder(self.of(number)).exists():
            return ""
        others = [
            each
            for each in self._course.students(self._assignment)
            if each not in self._made.values() and _digest(self._folder(each)) == work
        ]
        return others[0] if len(others) == 1 else ""

    def is_free(self, student: str) -> bool:
        """Whether an id is nobody's yet."""
        return student not in self._made.values()

    def take(self, student: str, number: str) -> None:
        """Note for whom an id was made."""
        self._made[number] = student

    def write(self, students: Mapping[str, str]) -> None:
        """Keep it for the next download.

        Args:
            students: by number, whose work was put where.
        """
        for number in students.keys() & self._made.keys():
            self._now[number] = students[number]
            folder = self._folder(students[number])
            if folder.is_dir():
                self._works[number] = _digest(folder)
        if not self._made:
            return
        known = {"made": self._made, "now": self._now, "works": self._works}
        write_json(self._course.state / "moodle" / self._file.name, known)

    def _folder(self, student: str) -> Path:
        return self._course.folder("submitted", self._assignment, student)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path, content in sorted(contents(folder).items()):
        for part in (path.encode("utf-8", "surrogatepass"), content):
            digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:20]
