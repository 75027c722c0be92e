"""The answer file of a student, read as a stranger's file: never renamed, never trusted, told in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autograder.intake import Limits
from autograder.intake.json_text import NotJsonError, parse
from kit.quizzes.answers import read_sheet
from kit.quizzes.model import Answer

# A quiz of a hundred questions has 50 KB with every text answer at its longest.
_LIMITS = replace(Limits(), json_depth=10, json_values=20_000)
_MOST_BYTES = 500_000
_MOST_TROUBLES = 10  # sentences about one file


class SheetError(ValueError):
    """No answers can be read; the text is a whole sentence for the instructor, without the file's name."""


class OtherQuizError(SheetError):
    """They are answers to another quiz."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What an answer file says.

    Attributes:
        given: question -> answer.
        troubles: a sentence for each answer that could not be taken as it stood.
    """

    given: Mapping[str, Answer]
    troubles: tuple[str, ...] = ()


def read_answers(content: bytes, quiz_id: str) -> Answers:
    """The answers in a file that `kit.quiz` wrote. What else is in it (tries, checked) does not count.

    Args:
        content: of the answer file.
        quiz_id: of the quiz that they are to be answers to.

    Raises:
        SheetError: it is no such file, or it is too large.
        OtherQuizError: its answers are to another quiz.
    """
    if len(content) > _MOST_BYTES:
        raise SheetError(f"The answer file has {len(content):,} bytes; up to {_MOST_BYTES:,} are read.")
    lost: dict[str, str] = {}
    try:
        value = parse(content, _LIMITS).value
        sheet = read_sheet(value, lost)
    except NotJsonError as error:
        raise SheetError(f"The answer file {error}.") from None
    except ValueError as error:
        raise SheetError(f"The answer file is not one that a quiz wrote ({error}).") from None
    named = value.get("quiz")
    if named != quiz_id:
        raise OtherQuizError(f"The answer file is of the quiz {str(named)[:80]!r}, not of {quiz_id!r}.")
    troubles = [f"The answer to {question[:80]!r} was left out: it is {why}." for question, why in lost.items()]
    for question in sheet.given:
        raw = value["answers"][question]["answer"]
        if any(not isinstance(each, str) for each in (raw if isinstance(raw, list) else [raw])):
            troubles.append(
                f"The answer to {question[:80]!r} has a number where a text belongs; it was taken as the text."
            )
    return Answers(
        {question: given.answer for question, given in sheet.given.items()}, tuple(troubles[:_MOST_TROUBLES])
    )
