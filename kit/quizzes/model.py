"""What a quiz is: questions, their keys, and the explanations that a learner gets for each answer."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

Kind = Literal["single choice", "multiple choice", "number", "text"]
Feedback = Literal["at once", "at the end", "never"]
Answer = str | tuple[str, ...]
"""An answer as it is given and kept: an option's id, several of them, or what was typed."""

KINDS: tuple[Kind, ...] = ("single choice", "multiple choice", "number", "text")
FEEDBACKS: tuple[Feedback, ...] = ("at once", "at the end", "never")
OUTCOMES = tuple(f"O{number}" for number in range(1, 12))


@dataclass(frozen=True, slots=True)
class Option:
    """One of several answers to choose from.

    Attributes:
        is_right: None in a quiz without keys.
        why: why it is right or wrong; empty in a quiz without keys.
    """

    id: str
    text: str
    is_right: bool | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong answer that is often typed, and what to say to it."""

    answer: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        points: for the right answer.
        outcomes: what the learner shows with it, ids of the course's outcomes.
        options: of a choice, in the order in which they are shown.
        answers: that are right when they are typed; one for a number. Empty in a quiz without keys.
        tolerance: how far a number may be off.
        unit: what is counted, shown behind the field of a number.
        why: why the right answer is right; of a choice, each option has its own.
        mistakes: wrong answers that are expected.
        otherwise: what to say to every other wrong answer.
    """

    id: str
    kind: Kind
    text: str
    points: float = 1.0
    outcomes: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    answers: tuple[str, ...] = ()
    tolerance: float = 0.0
    unit: str = ""
    why: str = ""
    mistakes: tuple[Mistake, ...] = ()
    otherwise: str = ""

    @property
    def is_choice(self) -> bool:
        """Whether it is answered by choosing."""
        return bool(self.options)

    @property
    def right_ids(self) -> frozenset[str]:
        """The options that are right."""
        return frozenset(option.id for option in self.options if option.is_right)


@dataclass(frozen=True, slots=True)
class Quiz:
    """One quiz.

    Attributes:
        id: the file's name without its ending.
        about: a sentence under the title; may be empty.
        feedback: when a learner is told what was right.
        may_retry: whether an answer can be changed once it has been checked.
        has_keys: whether the right answers are in it.
    """

    id: str
    title: str
    questions: tuple[Question, ...]
    about: str = ""
    feedback: Feedback = "at once"
    may_retry: bool = True
    has_keys: bool = True

    @property
    def points(self) -> float:
        """The most that can be reached."""
        return sum(question.points for question in self.questions)

    def question(self, question_id: str) -> Question:
        """The question with that id.

        Raises:
            KeyError: there is none.
        """
        for question in self.questions:
            if question.id == question_id:
                return question
        raise KeyError(question_id)

    def __str__(self) -> str:
        from kit.quizzes.printing import printed

        return printed(self)


def strip_keys(quiz: Quiz) -> Quiz:
    """The same quiz with nothing in it that tells a right answer from a wrong one, to be handed out before grading.

    It gives no feedback: whoever marks it has the keys, `kit.quizzes.marking.score`.
    """
    questions = tuple(
        dataclasses.replace(
            question,
            options=tuple(Option(option.id, option.text) for option in question.options),
            answers=(),
            tolerance=0.0,
            why="",
            mistakes=(),
            otherwise="",
        )
        for question in quiz.questions
    )
    return dataclasses.replace(quiz, questions=questions, feedback="never", has_keys=False)
