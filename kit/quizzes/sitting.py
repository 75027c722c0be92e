"""One learner at one quiz: what was answered, what may be told, and what can still be changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.quizzes import marking, typed
from kit.quizzes.answers import AnswerFile, Given, Sheet, with_answer
from kit.quizzes.model import Answer, Feedback, Question, Quiz

_LOCKED = "This answer was checked and cannot be changed any more."
_DONE = "The quiz is finished, so its answers cannot be changed any more."


class Sitting:
    """Takes answers, keeps them in the file, and tells as much as the quiz allows.

    Args:
        folder: of the file.
    """

    def __init__(self, quiz: Quiz, folder: Path) -> None:
        self.quiz = quiz
        self.file = AnswerFile(folder, quiz.id)
        self._sheet = self.file.read()

    @property
    def feedback(self) -> Feedback:
        """When a learner is told what was right."""
        return self.quiz.feedback

    def answers(self) -> dict[str, Answer]:
        """The answers that fit the quiz, by question."""
        return {question.id: given.answer for question in self.quiz.questions if (given := self._given(question))}

    # -- what a learner does: each raises ValueError with a sentence when it cannot be --------------------------------

    def answer(self, question_id: str, answer: Answer) -> None:
        """Keep an answer; an earlier one is replaced, and its mark taken back."""
        question = self.quiz.question(question_id)
        self._check_open(question)
        empty = answer == () or (isinstance(answer, str) and not answer.strip())
        kept = None if empty else marking.understood(question, answer)

        def put(sheet: Sheet) -> Sheet:
            before = sheet.given.get(question_id)
            if kept is None:
                return with_answer(sheet, question_id, None)
            if before is not None and before.answer == kept:
                return sheet
            return with_answer(sheet, question_id, Given(kept, tries=before.tries if before else 0))

        self._sheet = self.file.change(put)

    def check(self, question_id: str) -> marking.Mark:
        """Say whether the answer is right; only where feedback comes at once."""
        question = self.quiz.question(question_id)
        if self.feedback != "at once":
            raise ValueError("This quiz does not say at once what is right.")
        self._sheet = self.file.read()
        given = self._given(question)
        if given is None:
            raise ValueError(marking.what_is_missing(question))
        if not given.is_checked:
            checked = Given(given.answer, is_checked=True, tries=given.tries + 1)
            self._sheet = self.file.change(lambda sheet: with_answer(sheet, question_id, checked))
        return marking.mark(question, given.answer, tells_right=not self.quiz.may_retry)

    def finish(self) -> None:
        """Say that all is answered, where feedback comes at the end."""
        if self.feedback != "at the end":
            raise ValueError("This quiz has no end: each answer is saved at once.")
        self._sheet = self.file.change(lambda sheet: replace(sheet, is_finished=True))

    def try_again(self) -> None:
        """Open a finished quiz again, with its answers."""
        if not self.quiz.may_retry:
            raise ValueError(_DONE)
        self._sheet = self.file.change(lambda sheet: replace(sheet, is_finished=False))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def marks(self) -> dict[str, marking.Mark]:
        """The marks that may be told, by question."""
        found, tells_right = {}, not self.quiz.may_retry
        for question in self.quiz.questions:
            given = self._given(question)
            if not self._may_tell(given):
                continue
            if given is None:
                found[question.id] = marking.unanswered(question, tells_right=tells_right)
            else:
                found[question.id] = marking.mark(question, given.answer, tells_right=tells_right)
        return found

    def is_locked(self, question: Question) -> bool:
        """Whether its answer cannot be changed any more."""
        if self.feedback == "at the end":
            return self._sheet.is_finished
        given = self._given(question)
        return given is not None and given.is_checked and not self.quiz.may_retry

    def score(self) -> str:
        """How it stands, in words."""
        questions, num_answered = self.quiz.questions, len(self.answers())
        answered = f"{num_answered} of {len(questions)} answered"
        if self.feedback == "never" or (self.feedback == "at the end" and not self._sheet.is_finished):
            return f"{answered}."
        marks = self.marks().values()
        points = f"{typed.shown(sum(each.points for each in marks))} of {typed.shown(self.quiz.points)} points"
        if self.feedback == "at once" and len(marks) < len(questions):
            return f"{points} so far, {len(marks)} of {len(questions)} checked."
        return f"{points}."

    def state(self) -> dict[str, Any]:
        """All that a view draws and that changes."""
        return {
            "answers": {name: list(each) if isinstance(each, tuple) else each for name, each in self.answers().items()},
            "marks": {
                name: {
                    "word": f"{each.sign} {each.word}",
                    "right": each.is_right,
                    "notes": [[note.about, note.text] for note in each.notes],
                }
                for name, each in self.marks().items()
            },
            "locked": [question.id for question in self.quiz.questions if self.is_locked(question)],
            "finished": self._sheet.is_finished and self.feedback == "at the end",
            "score": self.score(),
            "trouble": self.file.trouble,
        }

    def _may_tell(self, given: Given | None) -> bool:
        if not self.quiz.has_keys or self.feedback == "never":
            return False
        if self.feedback == "at the end":
            return self._sheet.is_finished
        return given is not None and given.is_checked

    def _given(self, question: Question) -> Given | None:
        """What is kept for a question, unless the quiz has changed since and it is no answer any more."""
        given = self._sheet.given.get(question.id)
        if given is None:
            return None
        try:
            return replace(given, answer=marking.understood(question, given.answer))
        except ValueError:
            return None

    def _check_open(self, question: Question) -> None:
        self._sheet = self.file.read()
        if self.is_locked(question):
            raise ValueError(_DONE if self.feedback == "at the end" else _LOCKED)
