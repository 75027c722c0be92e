"""Which of a submission's files has the answers to a quiz.

Notebooks write ``answers/<quiz>.json``. What an LMS hands over often has no folders, and browsers save a file again as
"<quiz> (1).json". So the file says itself what it is: it names its quiz.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from autograder.quizzes.sheets import OtherQuizError, SheetError, read_answers
from kit.quizzes.model import Answer

_MOST_FILES = 50  # that are looked into for one quiz
_TYPES = (".json", ".txt")  # some browsers add the latter


@dataclass(frozen=True, slots=True)
class Found:
    """An answer file.

    Attributes:
        path: within the submission.
        left_out: paths of other files with other answers to the same quiz.
    """

    path: str
    content: bytes
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    """``number`` is 0 for the name that was asked for, 1 for "... (1).json", -1 for any other name.

    ``given`` is None when no answers can be read.
    """

    path: str
    number: int
    given: Mapping[str, Answer] | None

    @property
    def rank(self) -> tuple[int, int, bool]:
        """The highest is taken: the most answers, and of equally many the newest by its name."""
        return -1 if self.given is None else len(self.given), self.number, self.path.startswith("answers/")


def find(files: Mapping[str, bytes], quiz_id: str) -> Found | None:
    """The answer file among a submission's files; None when there is none.

    Args:
        files: path with slashes -> content.
    """
    paths = sorted(
        (path for path in files if path.lower().endswith(_TYPES)), key=lambda path: (_number(path, quiz_id) < 0, path)
    )
    candidates = [each for path in paths[:_MOST_FILES] if (each := _candidate(path, files[path], quiz_id)) is not None]
    if not candidates:
        return None
    taken = max(candidates, key=lambda each: each.rank)
    others = tuple(each.path for each in candidates if each.given != taken.given)
    return Found(taken.path, files[taken.path], others)


def _candidate(path: str, content: bytes, quiz_id: str) -> _Candidate | None:
    number = _number(path, quiz_id)
    try:
        return _Candidate(path, number, read_answers(content, quiz_id).given)
    except OtherQuizError:
        is_meant = PurePosixPath(path).name == f"{quiz_id}.json"
    except SheetError:
        is_meant = number >= 0
    return _Candidate(path, number, None) if is_meant else None


def _number(path: str, quiz_id: str) -> int:
    """What a browser or an LMS put after the name; 0 where nothing, -1 where it is another name."""
    pattern = re.escape(quiz_id) + r"(?:[ ._-]*\(?(\d{1,4})\)?)?\.json(?:\.txt)?"
    match = re.fullmatch(pattern, PurePosixPath(path).name, re.IGNORECASE)
    return -1 if match is None else int(match[1] or 0)
