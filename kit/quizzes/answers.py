"""The file beside the notebook in which a quiz's answers are kept.

It is written whole or not at all, and under a lock: two notebooks that answer the same quiz lose nothing of each other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kit.json_file import JsonFile
from kit.quizzes.model import Answer


@dataclass(frozen=True, slots=True)
class Given:
    """One answer.

    Attributes:
        is_checked: whether the learner has asked whether it is right.
        tries: how often that was.
    """

    answer: Answer
    is_checked: bool = False
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """All answers to a quiz, by question; ``is_finished`` when the learner has said so."""

    given: dict[str, Given] = field(default_factory=dict)
    is_finished: bool = False


class AnswerFile:
    """The file of one quiz: ``<folder>/<quiz>.json``.

    Attributes:
        trouble: a sentence when something was wrong with the file; empty when all is well.
    """

    def __init__(self, folder: Path, quiz_id: str) -> None:
        self.path = folder / f"{quiz_id}.json"
        self.trouble = ""
        self._quiz_id = quiz_id
        self._file = JsonFile(self.path, decode=read_sheet, encode=self._encoded, empty=Sheet)
        self._last = Sheet()

    def read(self) -> Sheet:
        """What is in it now. A file that is damaged is put aside, never overwritten."""
        with contextlib.suppress(OSError):
            self._last = self._file.read()
            self.trouble = self._file.trouble or self.trouble
        return self._last

    def change(self, edit: Callable[[Sheet], Sheet]) -> Sheet:
        """Change what is in the file now, whoever wrote it, and return all of it.

        When nothing can be written, the answers last as long as this object; `trouble` says so.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._last = self._file.change(edit)
            if self._file.trouble or self.trouble.startswith("Your answers cannot"):
                self.trouble = self._file.trouble
        except OSError as error:
            self._last = edit(self._last)
            self.trouble = (
                f"Your answers cannot be saved in {self.path} ({error.strerror or error}): they last until this "
                "notebook's kernel ends."
            )
        return self._last

    def _encoded(self, sheet: Sheet) -> dict[str, Any]:
        answers = {
            question: {"answer": given.answer, "checked": given.is_checked, "tries": given.tries}
            for question, given in sheet.given.items()
        }
        return {"quiz": self._quiz_id, "answers": answers, "finished": sheet.is_finished}


def read_sheet(content: Any, lost: dict[str, str] | None = None) -> Sheet:
    """What a file says. A number where a text belongs is taken as that text.

    Args:
        lost: gets by question why its answer cannot be taken, and the others are; without it, one such answer is enough
            for the file to be none of ours.

    Raises:
        ValueError: it is not one of ours.
    """
    if not isinstance(content, dict) or not isinstance(content.get("answers"), dict):
        raise ValueError("not a file of answers")
    given: dict[str, Given] = {}
    for question, each in content["answers"].items():
        try:
            given[str(question)] = _given(each, counts_tries=lost is None)
        except ValueError as error:
            if lost is None:
                raise
            lost[str(question)] = str(error)
    return Sheet(given, content.get("finished") is True)


def _given(content: Any, *, counts_tries: bool) -> Given:
    if not isinstance(content, dict):
        raise ValueError("not an answer")
    answer, tries = content.get("answer"), content.get("tries", 0)
    if not isinstance(tries, int):
        if counts_tries:
            raise ValueError("not a number of tries")
        tries = 0
    made: Answer = tuple(map(_text, answer)) if isinstance(answer, list) else _text(answer)
    return Given(made, content.get("checked") is True, tries)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError("neither a text nor a list of texts")


def with_answer(sheet: Sheet, question_id: str, given: Given | None) -> Sheet:
    """The sheet with one answer changed, or taken out."""
    rest = {name: each for name, each in sheet.given.items() if name != question_id}
    return replace(sheet, given=rest if given is None else {**rest, question_id: given})
