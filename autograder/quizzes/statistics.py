"""What the answers of a class say about the questions.

Difficulty and discrimination as in classical test theory.

Source: Lord & Novick, Statistical Theories of Mental Test Scores, 1968.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.quizzes.marking import Marked
from kit.quizzes import Question, Quiz
from kit.quizzes.model import Answer

_FEWEST = 5  # students, below which a correlation says nothing


@dataclass(frozen=True, slots=True)
class Item:
    """One question in one class.

    Attributes:
        question: its id.
        num_students: who handed in an attempt that could be read.
        num_unanswered: of them, who left it out.
        difficulty: the mean share of its points, from 0 (nobody) to 1 (everybody); None without students.
        discrimination: the correlation of its points with those for the rest of the quiz, from -1 to 1. Near 0 or
            below, those who know the rest do no better here: look at its wording and its key. None when it cannot be
            told: fewer than 5 students, or all have the same points.
        chosen: option, or text as it was typed -> how many gave it, the most frequent first.
    """

    question: str
    num_students: int
    num_unanswered: int
    difficulty: float | None
    discrimination: float | None
    chosen: tuple[tuple[str, int], ...]


def items(quiz: Quiz, attempts: Sequence[Marked]) -> list[Item]:
    """One `Item` for each question, over one attempt of each student. Files without any answer are left out."""
    taken = [each for each in attempts if each.answers]
    return [_item(question, taken) for question in quiz.questions]


def _item(question: Question, taken: Sequence[Marked]) -> Item:
    points = [each.marks[question.id].points for each in taken]
    rest = [each.points - own for each, own in zip(taken, points, strict=True)]
    answers = [each.answers[question.id] for each in taken if question.id in each.answers]
    return Item(
        question=question.id,
        num_students=len(taken),
        num_unanswered=len(taken) - len(answers),
        difficulty=sum(points) / (len(points) * question.points) if points else None,
        discrimination=correlation(points, rest),
        chosen=tuple(Counter(text for answer in answers for text in _texts(answer)).most_common()),
    )


def _texts(answer: Answer) -> tuple[str, ...]:
    return (answer,) if isinstance(answer, str) else answer


def correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Pearson's, from -1 to 1; None when it cannot be told: fewer than 5 pairs, or all have the same points."""
    if len(xs) < _FEWEST:
        return None
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = math.sqrt(sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys))
    if spread < 1e-12:
        return None
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread
