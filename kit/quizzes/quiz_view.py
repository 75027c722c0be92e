"""The quiz in a notebook: real radio buttons, checkboxes and fields; what they mean is decided in Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import traitlets

from kit.errors import QuizError
from kit.quizzes.model import Answer, Quiz
from kit.quizzes.printing import printed
from kit.quizzes.sitting import Sitting
from kit.widgets._assets import script, style
from kit.widgets._text_twin import TextTwin

_HERE = Path(__file__).parent


class QuizView(TextTwin):
    """One quiz, with the answers given so far. The browser never has the keys: it is told what may be told.

    ``print(view)`` gives the same as text; `answer`, `check`, `finish` and `try_again` do the same as the mouse.

    Args:
        folder: where the answers are kept.
    """

    _esm = script("quiz_view", _HERE)
    _css = style("quiz_view", _HERE)

    quiz = traitlets.Dict().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)

    def __init__(self, quiz: Quiz, folder: Path) -> None:
        self._sitting = Sitting(quiz, folder)
        super().__init__(
            quiz=_public(quiz, self._sitting.file.path),
            progress=self._sitting.state(),
        )
        self.on_msg(self._asked)

    @property
    def score(self) -> str:
        """How it stands, in words."""
        return self._sitting.score()

    @property
    def answers(self) -> dict[str, Answer]:
        """The answers so far, by question."""
        return self._sitting.answers()

    def answer(self, question: str, answer: str | float | list[str]) -> None:
        """Answer a question by its id: with an option's id, a list of them, or what would be typed.

        Raises:
            QuizError: there is no such question or option, or the answer cannot be changed any more.
        """
        given = tuple(map(str, answer)) if isinstance(answer, (list, tuple, set)) else str(answer)
        self._do(lambda: self._sitting.answer(question, given))

    def check(self, question: str) -> str:
        """What is to be said to the answer.

        Raises:
            QuizError: there is no such question, it has no answer, or the quiz gives feedback later or never.
        """
        self._do(lambda: self._sitting.check(question))
        mark = self._sitting.marks()[question]
        return "\n".join([mark.word, *(note.text for note in mark.notes)])

    def finish(self) -> str:
        """End a quiz that gives its feedback at the end; returns the score.

        Raises:
            QuizError: this one has no end.
        """
        self._do(self._sitting.finish)
        return self.score

    def try_again(self) -> None:
        """Open a finished quiz again.

        Raises:
            QuizError: it may be done once.
        """
        self._do(self._sitting.try_again)

    def __str__(self) -> str:
        sitting = self._sitting
        return printed(sitting.quiz, sitting.answers(), sitting.marks(), sitting.score())

    def _do(self, action: Any) -> None:
        try:
            action()
        except KeyError as error:
            known = ", ".join(question.id for question in self._sitting.quiz.questions)
            raise QuizError(f"There is no question {error.args[0]!r}: the questions are {known}.") from error
        except ValueError as error:
            raise QuizError(str(error)) from error
        finally:
            self.progress = self._sitting.state()

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Do what the browser asks for, and let it know that it was done, or why not."""
        trouble = ""
        try:
            name, question = content["do"], content.get("question", "")
            if name == "answer":
                self.answer(question, content["answer"])
            elif name == "check":
                self.check(question)
            elif name in ("finish", "try_again"):
                getattr(self, name)()
        except QuizError as error:
            trouble = str(error)
        self.send({"heard": content["number"], "view": content["view"], "question": question, "trouble": trouble})


def _public(quiz: Quiz, path: Path) -> dict[str, Any]:
    """What the browser may know of a quiz: nothing that tells what is right."""
    return {
        "id": quiz.id,
        "title": quiz.title,
        "about": quiz.about,
        "feedback": quiz.feedback,
        "retry": quiz.may_retry,
        "kept": f"{path.parent.name}/{path.name}",
        "questions": [
            {
                "id": question.id,
                "kind": question.kind,
                "text": question.text,
                "unit": question.unit,
                "points": question.points,
                "options": [{"id": option.id, "text": option.text} for option in question.options],
            }
            for question in quiz.questions
        ],
    }
