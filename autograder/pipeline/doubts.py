"""Whose fault it is when the judge stops: the submission's, or the judge's own, so that nobody should lose marks."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

from autograder.intake.flags import shown
from autograder.pipeline.course import GradingError

_ENOUGH = 5  # submissions at which it stops in the same way, and none at which it does not
_NAMED = 3
_STOPPED = re.compile(r"(stopped: \w+): .*( \(line \d+\))")  # between them is often something of the submission's

T = TypeVar("T")


class Doubts(Generic[T]):
    """Submissions at which the judge stopped, kept back until it is known that it can judge at all.

    Args:
        is_sound: whether it has judged some before.
    """

    def __init__(self, *, is_sound: bool) -> None:
        self._is_sound = is_sound
        self._held: list[tuple[str, str, T]] = []

    def add(self, student: str, trouble: str, what: T) -> list[T]:
        """One more at which it stopped; ``trouble`` says how.

        Returns:
            Those whose own fault it is.

        Raises:
            GradingError: it is the judge's.
        """
        self._held.append((student, trouble, what))
        if self._is_sound or len({_way(each) for _, each, _ in self._held}) > 1:
            return self.judged()
        if len(self._held) == _ENOUGH:
            self._stop()
        return []

    def judged(self) -> list[T]:
        """It has judged one, so it can.

        Returns:
            As `add`.
        """
        self._is_sound = True
        held, self._held = self._held, []
        return [what for _, _, what in held]

    def end(self) -> list[T]:
        """No more will come. One alone may be odd.

        Returns, raises:
            As `add`.
        """
        if len(self._held) > 1:
            self._stop()
        return self.judged()

    def _stop(self) -> None:
        students = [shown(student) for student, _, _ in self._held]
        named = ", ".join(students[:_NAMED]) + (", ..." if len(students) > _NAMED else "")
        raise GradingError(
            f"{self._held[0][1]} It is the same for each of the first {len(students)} submissions ({named}), so "
            "the run has ended and their marks are as they were: mend it, and grade again."
        )


def _way(trouble: str) -> str:
    return _STOPPED.sub(r"\1\2", trouble) if _STOPPED.search(trouble) else re.sub(r"[\d.]+", "", trouble)
