"""The answer file of a student, read as a stranger's file: never renamed, never trusted, told in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autograder.intake import Limits
from autograder.intake.json_text import NotJsonError, parse
from kit.quizzes.answers import read_sheet
from kit.quizzes.model import Answer

# A quiz of a hundred questions has 50 KB with every text answer at its longest.
_LIMITS = replace(Limits(), json_depth=10, json_values=20_000)
_MOST_BYTES = 500_000


class SheetError(ValueError):
    """No answers can be read; the text is a whole sentence for the instructor, without the file's name."""


def read_answers(content: bytes, quiz_id: str) -> Mapping[str, Answer]:
    """The answers in a file that `kit.quiz` wrote, by question. What else is in it (tries, checked) does not count.

    Args:
        content: of ``answers/<quiz>.json``.
        quiz_id: of the quiz that they are to be answers to.

    Raises:
        SheetError: it is no such file, it is too large, or its answers are to another quiz.
    """
    if len(content) > _MOST_BYTES:
        raise SheetError(f"The answer file has {len(content):,} bytes; up to {_MOST_BYTES:,} are read.")
    try:
        value = parse(content, _LIMITS).value
        sheet = read_sheet(value)
    except NotJsonError as error:
        raise SheetError(f"The answer file {error}.") from None
    except ValueError as error:
        raise SheetError(f"The answer file is not one that a quiz wrote ({error}).") from None
    named = value.get("quiz")
    if named != quiz_id:
        raise SheetError(f"The answer file is of the quiz {str(named)[:80]!r}, not of {quiz_id!r}.")
    return {question: given.answer for question, given in sheet.given.items()}
