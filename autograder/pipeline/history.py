"""Work that was handed in before the one in ``submitted/``: kept when `collect` replaces it, for attempts at quizzes.

It lies in ``.autograder/history/<assignment>/<student>/<number>/``, the oldest with number 1. Only `collect` writes it.
"""

from __future__ import annotations

from pathlib import Path

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


def earlier_answers(course: Course, assignment: str, student: str, quiz: GradedQuiz) -> list[bytes]:
    """The answer files of earlier work, the oldest first."""
    folder = course.state / "history" / assignment / student
    if not folder.is_dir():
        return []
    numbers = sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal())
    paths = [folder / str(number) / quiz.answer_file for number in numbers]
    return [path.read_bytes() for path in paths if path.is_file() and path.resolve() == path]  # follow no link
