"""Points for answers, question by question, and which of several attempts counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from autograder.job import Score
from autograder.quizzes.sheets import SheetError, read_answers
from autograder.quizzes.telling import told
from kit.quizzes import Question, Quiz
from kit.quizzes import marking as kit_marking
from kit.quizzes.model import Answer

Policy = Literal["last", "first", "best", "mean"]
POLICIES: tuple[Policy, ...] = ("last", "first", "best", "mean")
WITHHELD = "What is right is told when the attempts are over."


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer file that a student handed in.

    Attributes:
        content: of the file; None when the submission had none.
        name: how it is called in reasons, such as "the submission of 2026-11-26 09:00".
    """

    content: bytes | None
    name: str = "the submission"


@dataclass(frozen=True)
class Marked:
    """One attempt, marked.

    Attributes:
        attempt: its name.
        marks: question -> mark. All questions of the quiz are in it.
        answers: question -> the answer as it was understood; what was not answered, or made no sense, is not in it.
        trouble: a sentence when the file, or answers in it, could not be read; else empty.
        lost: why there are no answers at all, for the student: no file, or one that cannot be read; else empty.
    """

    attempt: str
    marks: Mapping[str, kit_marking.Mark]
    answers: Mapping[str, Answer]
    trouble: str = ""
    lost: str = ""

    @property
    def points(self) -> float:
        """All points."""
        return sum(mark.points for mark in self.marks.values())


def marked(quiz: Quiz, attempt: Attempt) -> Marked:
    """Mark one attempt. A file that cannot be read has no points, and `Marked.trouble` says why.

    Raises:
        ValueError: the quiz has no keys.
    """
    if not quiz.has_keys:
        raise ValueError(f"the quiz {quiz.id} has no keys: mark with the one that was not handed out")
    given: Mapping[str, Answer] = {}
    troubles: list[str] = []
    lost = ""
    if attempt.content is None:
        troubles.append(
            f"No answer file answers/{quiz.id}.json was handed in, nor one of that quiz in another place or by another "
            "name. Ask for it, or give the points in formgrader."
        )
        lost = f"No answers to this quiz were found in what you handed in. Is answers/{quiz.id}.json with it?"
    else:
        try:
            read = read_answers(attempt.content, quiz.id)
            given = read.given
            troubles += read.troubles
        except SheetError as error:
            troubles.append(str(error))
            lost = str(error)
    marks: dict[str, kit_marking.Mark] = {}
    answers: dict[str, Answer] = {}
    for question in quiz.questions:
        try:
            answers[question.id] = kit_marking.understood(question, given[question.id])
            marks[question.id] = kit_marking.mark(question, answers[question.id], tells_right=True)
        except KeyError:
            marks[question.id] = kit_marking.unanswered(question, tells_right=True)
        except ValueError as error:
            marks[question.id] = kit_marking.unanswered(question, tells_right=True)
            troubles.append(f"The answer to {question.id!r} makes no sense: {error}")
    return Marked(attempt.name, marks, answers, " ".join(troubles), lost)


def counted(attempts: Sequence[Marked], policy: Policy, most: int | None = None) -> tuple[Marked, ...]:
    """The attempts that count, oldest first: one, or for "mean" all of them.

    Args:
        attempts: oldest first.
        policy: "best" takes the first of equal ones.
        most: attempts that are allowed; later ones do not count. None for any number.

    Raises:
        ValueError: there is no attempt, no such policy, or ``most`` is below 1.
    """
    if policy not in POLICIES:
        raise ValueError(f"attempts: {policy!r} is none of {', '.join(POLICIES)}")
    if most is not None and most < 1:
        raise ValueError(f"attempts: at most {most} is below 1")
    allowed = tuple(attempts)[:most]
    if not allowed:
        raise ValueError("there is no attempt to mark")
    if policy == "mean":
        return allowed
    chosen = {"last": allowed[-1], "first": allowed[0], "best": max(allowed, key=lambda each: each.points)}
    return (chosen[policy],)


def scores(quiz: Quiz, grade_id: str, attempts: Sequence[Marked], *, tells_right: bool = True) -> list[Score]:
    """A score for each question, over the attempts that are `counted`.

    Where no answers could be read, a person decides, and nothing tells what would have been right.

    Args:
        tells_right: whether students may be told now what would have been right.
    """
    return [_score(quiz, question, grade_id, attempts, tells_right) for question in quiz.questions]


def _score(quiz: Quiz, question: Question, grade_id: str, attempts: Sequence[Marked], tells_right: bool) -> Score:
    newest = attempts[-1]
    lost = next((each.lost for each in attempts if each.lost), "")
    points = sum(each.marks[question.id].points for each in attempts) / len(attempts)
    counts = "" if len(attempts) == 1 else f" The mean of {len(attempts)} attempts counts."
    waits = "" if tells_right or lost else f" {WITHHELD}"
    return Score(
        grade_id=grade_id,
        name=f"{quiz.id}/{question.id}",
        points=points,
        of=question.points,
        reason=f"{lost or newest.marks[question.id].word}{counts}{waits}",
        proof=told(question, newest.answers.get(question.id), tells_right=tells_right and not lost),
        needs_human=bool(lost),
    )
