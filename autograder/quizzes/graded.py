"""A quiz that an assignment counts, and the scores of one student for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.job import Score
from autograder.quizzes.marking import Attempt, Marked, Policy, counted, marked, scores
from kit.quizzes import Quiz


@dataclass(frozen=True)
class GradedQuiz:
    """A quiz of an assignment.

    Attributes:
        grade_id: the test cell of the source notebook that its points belong to.
        file: its name, beside assignment.yaml with keys, in the release without.
        quiz: with keys.
        attempts: which of several counts.
        most: attempts that are allowed; None for any number.
    """

    grade_id: str
    file: str
    quiz: Quiz
    attempts: Policy = "last"
    most: int | None = None

    @property
    def answer_file(self) -> str:
        """Where a submission has the answers."""
        return f"answers/{self.quiz.id}.json"

    def sat(self, earlier: Sequence[bytes], now: bytes | None) -> list[Attempt]:
        """A student's attempts, the oldest first: handing in the same answers again is none.

        Args:
            earlier: the answer files of submissions before this one.
            now: the one of this submission; None when it has none, which is no attempt where there were others.
        """
        given: list[bytes] = []
        for content in (*earlier, *([] if now is None else [now])):
            if not given or given[-1] != content:
                given.append(content)
        return [Attempt(content, f"attempt {number}") for number, content in enumerate(given, 1)] or [Attempt(None)]

    def counted(self, attempts: Sequence[Attempt]) -> tuple[Marked, ...]:
        """The attempts that count, marked."""
        return counted([marked(self.quiz, each) for each in attempts], self.attempts, self.most)

    def scores(self, attempts: Sequence[Attempt]) -> list[Score]:
        """A score for each question; where there were several attempts, each reason says which counts."""
        chosen = self.counted(attempts)
        made = scores(self.quiz, self.grade_id, chosen)
        if len(attempts) == 1 or len(chosen) > 1:
            return made
        which = f" Of {len(attempts)} attempts, {chosen[0].attempt} counts."
        return [replace(score, reason=f"{score.reason.rstrip('.')}.{which}") for score in made]

    def troubles(self, attempts: Sequence[Attempt]) -> list[str]:
        """What could not be read of the attempts that count, a sentence each."""
        return [f"{self.file}: {each.trouble}" for each in self.counted(attempts) if each.trouble]


def answers_in(files: Mapping[str, bytes], quizzes: Sequence[GradedQuiz]) -> dict[str, bytes]:
    """The answer files among a submission's files, by the id of their quiz."""
    return {each.quiz.id: files[each.answer_file] for each in quizzes if each.answer_file in files}
