"""A quiz that an assignment counts, and the scores of one student for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autograder.intake.flags import shown
from autograder.job import Score
from autograder.judge.script import Look
from autograder.quizzes.finding import Found, find
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
        """Where a notebook writes the answers; `find` knows where else they can be in a submission."""
        return f"answers/{self.quiz.id}.json"

    def found(self, files: Mapping[str, bytes]) -> Found | None:
        """The answer file among a submission's files; None when there is none."""
        return find(files, self.quiz.id)

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

    def tells_right(self, attempts: Sequence[Attempt], is_over: bool | None = None) -> bool:
        """Whether a student may be told what is right.

        Args:
            is_over: whether the last due date of the class has passed; None when there is none. Then it is each
                student's last attempt that counts, and where any number is allowed nothing says that another will come.
        """
        if is_over is not None:
            return is_over
        return self.most is None or len(attempts) >= self.most

    def scores(self, attempts: Sequence[Attempt], is_over: bool | None = None) -> list[Score]:
        """A score for each question; where there were several attempts, each reason says which counts.

        Args:
            is_over: as for `tells_right`.
        """
        chosen = self.counted(attempts)
        made = scores(self.quiz, self.grade_id, chosen, tells_right=self.tells_right(attempts, is_over))
        if len(attempts) == 1 or len(chosen) > 1:
            return made
        which = f" Of {len(attempts)} attempts, {chosen[0].attempt} counts."
        return [replace(score, reason=f"{score.reason.rstrip('.')}.{which}") for score in made]

    def troubles(self, attempts: Sequence[Attempt], found: Found | None = None) -> list[str]:
        """What the instructor should know about the answer files, a sentence each; a `Look` asks for a person.

        Args:
            found: what this submission has.
        """
        lines = [f"{self.file}: {each.trouble}" for each in self.counted(attempts) if each.trouble]
        if found is None and attempts[-1].content is not None:
            lines.append(f"{self.file}: this submission has no answer file; what was handed in before counts.")
        if found is not None and found.left_out:
            others = " and ".join(shown(path) for path in found.left_out[:3])
            lines.append(Look(
                f"{self.file}: {shown(found.path)} was taken, and there are other answers in {others}. If those are "
                "meant, remove the first and grade again."
            ))  # fmt: skip
        return lines
