"""Whose fault it is when the judge stops: the submission's, or the judge's own, so that nobody should lose marks."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
        is_sound: whether it has judged some before, as it is now.
        was_sound: whether it has judged some before it was changed, so that there are marks to lose.
    """

    def __init__(self, *, is_sound: bool, was_sound: bool = False) -> None:
        self._is_sound = is_sound
        self._was_sound = was_sound
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
        """No more will come. One alone may be odd; or it is the first that a change of the judge's was tried with.

        Returns, raises:
            As `add`.
        """
        if len(self._held) > 1:
            self._stop()
        if self._held and self._was_sound:
            self._stop_at_one()
        return self.judged()

    def _stop_at_one(self) -> None:
        student, trouble, _ = self._held[0]
        raise GradingError(
            f"{trouble} The assignment, its judge or the autograder was changed since others were judged, and this "
            f"submission ({shown(student)}) is the only one since, so the run has ended and its marks are as they "
            "were: mend the judge, and grade again. If it is right, grade the whole class, and a line says what is odd."
        )

    def _stop(self) -> None:
        named = some_of(student for student, _, _ in self._held)
        raise GradingError(
            f"{self._held[0][1]} It is the same for each of the first {len(self._held)} submissions ({named}), so "
            "the run has ended and their marks are as they were: mend it, and grade again."
        )


def some_of(students: Iterable[str]) -> str:
    """The first of several students, as they may stand in a line."""
    names = [shown(student) for student in students]
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def _way(trouble: str) -> str:
    return _STOPPED.sub(r"\1\2", trouble) if _STOPPED.search(trouble) else re.sub(r"[\d.]+", "", trouble)
