"""Quizzes: questions with keys and explanations in a file, and one widget that keeps the answers beside the notebook.

How a quiz is written: docs/reference/quizzes.md. Those that come with the kit are in ``bank/``, inside the package, so
that a kit installed by pip has them too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import QuizError
from kit.quizzes.model import FEEDBACKS, Feedback, Option, Question, Quiz, strip_keys
from kit.quizzes.reading import read_quiz
from kit.quizzes.writing import written

if TYPE_CHECKING:
    from kit.quizzes.quiz_view import QuizView

__all__ = ["Option", "Question", "Quiz", "load", "names", "quiz", "read_quiz", "strip_keys", "written"]

BANK = Path(__file__).with_name("bank")
_ENDINGS = (".yml", ".yaml")


def names() -> list[str]:
    """The quizzes that come with the kit."""
    return sorted(path.stem for path in BANK.glob("*.yml"))


def load(name: str | os.PathLike[str]) -> Quiz:
    """Read a quiz.

    Args:
        name: of one that comes with the kit ("cap"), or the path of a file that ends in .yml.

    Raises:
        QuizError: there is none, or something in it makes no sense.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise QuizError(f'{name!r} is no name of a quiz: write kit.quiz("cap").')
    path = Path(name)
    if path.suffix in _ENDINGS:
        return read_quiz(path)
    if str(name) not in names():
        raise QuizError(
            f"There is no quiz {str(name)!r}. The kit has {', '.join(names())}; one of your own is named by its file, "
            'as in kit.quiz("my-quiz.yml").'
        )
    return read_quiz(BANK / f"{name}.yml")


def quiz(
    name: str | os.PathLike[str], *, feedback: Feedback | None = None, folder: str | os.PathLike[str] = "answers"
) -> QuizView:
    """Show a quiz; answers given earlier are in it.

    Args:
        name: of one that comes with the kit ("cap"), or the path of a file that ends in .yml.
        feedback: "at once", "at the end" or "never"; None for what the quiz says.
        folder: where the answers are kept, beside the notebook.

    Raises:
        QuizError: there is none, or something in it makes no sense.
    """
    import dataclasses

    from kit.quizzes.quiz_view import QuizView

    found = load(name)
    if feedback is not None:
        if feedback not in FEEDBACKS:
            raise QuizError(f"feedback={feedback!r} is none of {', '.join(map(repr, FEEDBACKS))}.")
        if not found.has_keys and feedback != "never":
            raise QuizError(f"The quiz {found.id} has no keys, so it cannot give feedback: leave feedback= out.")
        found = dataclasses.replace(found, feedback=feedback)
    return QuizView(found, Path(folder).absolute())
