"""Who is right, for how many points, and what a learner is told about an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kit.quizzes import typed
from kit.quizzes.model import Answer, Question, Quiz


@dataclass(frozen=True, slots=True)
class Note:
    """One explanation; ``about`` is the answer that it is about, as the learner sees it."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What came of one answer.

    Attributes:
        points: of ``of``; parts of them when not all that is right was chosen.
    """

    points: float
    of: float
    notes: tuple[Note, ...]
    is_answered: bool = True

    @property
    def is_right(self) -> bool:
        """Whether it is right altogether."""
        return self.points == self.of

    @property
    def word(self) -> str:
        """The mark in words."""
        return f"{self._says()}: {typed.shown(self.points)} of {_points(self.of)}."

    @property
    def sign(self) -> str:
        """The mark as a sign."""
        return "✔" if self.is_right else "◐" if self.points else "✘"

    def _says(self) -> str:
        if not self.is_answered:
            return "Not answered"
        return "Right" if self.is_right else "Partly right" if self.points else "Not right"


def is_right(question: Question, answer: str) -> bool:
    """Whether what was typed is right.

    Raises:
        ValueError: a number is asked for, and it is none.
    """
    if question.kind == "number":
        off = abs(typed.number(answer) - typed.number(question.answers[0]))
        return off <= question.tolerance + 1e-9 * abs(typed.number(question.answers[0]))
    return typed.normalised(answer) in map(typed.normalised, question.answers)


def what_is_missing(question: Question) -> str:
    """What to do about a question without an answer."""
    if question.is_choice:
        return "Choose an answer first."
    return "Write a number first." if question.kind == "number" else "Write an answer first."


def understood(question: Question, answer: Answer) -> Answer:
    """The answer in the form in which it is kept: known options in the quiz's order, or the text that was typed.

    Raises:
        ValueError: it is no answer to this question; the text says what one is.
    """
    if not question.is_choice:
        if not isinstance(answer, str) or not answer.strip():
            raise ValueError(what_is_missing(question))
        if len(answer) > typed.MAX_CHARS:
            raise ValueError(f"An answer has up to {typed.MAX_CHARS} characters.")
        if question.kind == "number":
            typed.number(answer)
        return answer.strip()
    chosen = {answer} if isinstance(answer, str) else set(answer)
    known = [option.id for option in question.options]
    for each in sorted(chosen - set(known)):
        raise ValueError(f"There is no option {each!r}: the options are {', '.join(known)}.")
    if question.kind == "multiple choice":
        return tuple(each for each in known if each in chosen)
    if len(chosen) != 1:
        raise ValueError("Choose one option.")
    return chosen.pop()


def mark(question: Question, answer: Answer, *, tells_right: bool) -> Mark:
    """Mark one answer that was `understood`.

    Args:
        tells_right: whether the notes may tell what would have been right.
    """
    if question.is_choice:
        return _mark_choice(question, {answer} if isinstance(answer, str) else set(answer), tells_right=tells_right)
    text = str(answer)
    if is_right(question, text):
        return Mark(question.points, question.points, (Note(text, question.why),))
    notes = [Note(text, _said_to(question, text))]
    if tells_right:
        notes.append(_right_note(question))
    return Mark(0.0, question.points, tuple(notes))


def unanswered(question: Question, *, tells_right: bool) -> Mark:
    """The mark of a question that nobody answered."""
    notes: tuple[Note, ...] = ()
    if tells_right:
        right = tuple(Note(option.text, option.why) for option in question.options if option.is_right)
        notes = right or (_right_note(question),)
    return Mark(0.0, question.points, notes, is_answered=False)


def score(quiz: Quiz, answers: Mapping[str, Answer]) -> float:
    """The points for all answers; one that is missing or makes no sense has none."""
    total = 0.0
    for question in quiz.questions:
        if question.id in answers:
            try:
                total += mark(question, understood(question, answers[question.id]), tells_right=False).points
            except ValueError:
                continue
    return total


def _mark_choice(question: Question, chosen: set[str], *, tells_right: bool) -> Mark:
    right = question.right_ids
    num_missed, num_wrong = len(right - chosen), len(chosen - right)
    share = max(0, len(right) - num_missed - num_wrong) / len(right)
    notes = [
        Note(option.text, option.why)
        for option in question.options
        if option.id in chosen or (tells_right and option.is_right)
    ]
    if num_missed and not tells_right and question.kind == "multiple choice":
        notes.append(Note("", f"You have not chosen {_options(num_missed)} that would be right."))
    return Mark(question.points * share, question.points, tuple(notes))


def _right_note(question: Question) -> Note:
    return Note(f"{question.answers[0]} {question.unit}".strip(), question.why)


def _said_to(question: Question, text: str) -> str:
    for mistake in question.mistakes:
        if question.kind == "number":
            if typed.number(mistake.answer) == typed.number(text):
                return mistake.why
        elif typed.normalised(mistake.answer) == typed.normalised(text):
            return mistake.why
    return question.otherwise


def _options(number: int) -> str:
    return "one option" if number == 1 else f"{number} options"


def _points(number: float) -> str:
    return "1 point" if number == 1 else f"{typed.shown(number)} points"
