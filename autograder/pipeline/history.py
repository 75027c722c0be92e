"""Work that was handed in before the one in ``submitted/``: kept when `collect` replaces it, for attempts at quizzes.

It lies in ``.autograder/history/<assignment>/<student>/<number>/``, the oldest with number 1. Only `collect` writes it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from autograder.intake.limits import Limits
from autograder.intake.times import TIMESTAMP
from autograder.pipeline.course import Course
from autograder.quizzes.graded import GradedQuiz


def keep(course: Course, assignment: str, student: str, work: Path) -> None:
    """Move a student's work into the history.

    Raises:
        OSError: it cannot be moved.
    """
    folder = course.state / "history" / assignment / student
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    numbers = [int(each.name) for each in folder.iterdir() if each.name.isdecimal()]
    work.rename(folder / str(max(numbers, default=0) + 1))


def contents(work: Path) -> dict[str, bytes]:
    """The files of a student's work by their paths, without the time, which an instructor may have written there."""
    return {
        path.relative_to(work).as_posix(): path.read_bytes()
        for path in work.rglob("*")
        if path.is_file() and not path.is_symlink() and path != work / TIMESTAMP
    }


def earlier_answers(course: Course, assignment: str, student: str, quiz: GradedQuiz) -> list[bytes]:
    """The answer files of earlier work, the oldest first."""
    folder = course.state / "history" / assignment / student
    if not folder.is_dir():
        return []
    numbers = sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal())
    found = [quiz.found(_texts(folder / str(number))) for number in numbers]
    return [each.content for each in found if each is not None]


def _texts(work: Path) -> dict[str, bytes]:
    """The files in which answers could be, by their paths; what the intake would leave out is."""
    root, limits = work.resolve(), Limits()
    paths = [path for path in sorted(root.rglob("*"))[: limits.entries] if path.suffix.lower() in {".json", ".txt"}]
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in paths
        if path.is_file() and path.resolve() == path and path.stat().st_size <= limits.file_bytes  # follow no link
    }


def are_over(course: Course, assignment: str) -> bool | None:
    """Whether nobody of the class has any time left for another attempt; None where no due date says so."""
    with course.gradebook() as gradebook:
        due = gradebook.find_assignment(assignment).duedate
        if due is None:
            return None
        last = max([due, *(each.duedate for each in gradebook.assignment_submissions(assignment))])
    return bool(last < datetime.now(UTC).replace(tzinfo=None))  # nbgrader's dates are UTC, and do not say so
