"""A judge that stops at everybody is wrong itself; one that stops at some has met something odd."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.assignment import read_assignment
from autograder.pipeline.batch import Batch, Progress, open_ledger
from autograder.pipeline.course import GradingError, open_course
from autograder.pipeline.doubts import Doubts
from autograder.pipeline.pool import ForeignPool
from autograder.pipeline.submission import Desk
from tests.support import grading, pretend

_SAME = "judging/lag/judge.py stopped: KeyError: '{}' (line 7)."


def test_five_of_one_kind_are_the_judges() -> None:
    """What a message has of each submission's own makes no difference."""
    doubts: Doubts[int] = Doubts(is_sound=False)
    for number in range(4):
        assert doubts.add(f"s{number}", _SAME.format(number), number) == []
    said = r"'0' \(line 7\)\. It is the same for each of the first 5 submissions \(s0, s1, s2, \.\.\.\), so the run"
    with pytest.raises(GradingError, match=said):
        doubts.add("s4", _SAME.format(4), 4)


def test_one_that_was_judged_says_that_the_others_are_odd() -> None:
    """Those kept back and all that follow."""
    doubts: Doubts[int] = Doubts(is_sound=False)
    assert doubts.add("ada", _SAME, 1) == []
    assert doubts.judged() == [1]
    assert [doubts.add("bob", _SAME, number) for number in range(7)] == [[number] for number in range(7)]
    assert doubts.end() == []


def test_two_kinds_are_odd() -> None:
    """Another line of the judge is another kind."""
    doubts: Doubts[int] = Doubts(is_sound=False)
    assert doubts.add("ada", _SAME, 1) == []
    assert doubts.add("bob", _SAME.replace("7", "8"), 2) == [1, 2]


def test_end_takes_one_alone_as_odd_and_two_not() -> None:
    """A small class has no five submissions."""
    doubts: Doubts[int] = Doubts(is_sound=False)
    doubts.add("ada", "judging/lag/judge.py: test-lag/x has 3.0 points, and can have 2.", 1)
    assert doubts.end() == [1]

    doubts = Doubts(is_sound=False)
    doubts.add("ada", "judging/lag/judge.py: test-lag/x has 3.0 points, and can have 2.", 1)
    doubts.add("bob", "judging/lag/judge.py: test-lag/x has 2.5 points, and can have 2.", 2)
    with pytest.raises(GradingError, match="first 2 submissions"):
        doubts.end()


def test_one_alone_after_a_change_is_not_known_to_be_odd() -> None:
    """There are marks to lose, and it may be what was changed; whole classes show it."""
    doubts: Doubts[int] = Doubts(is_sound=False, was_sound=True)
    doubts.add("ada", _SAME, 1)
    with pytest.raises(GradingError, match=r"this submission \(ada\) is the only one since, so the run has ended"):
        doubts.end()

    doubts = Doubts(is_sound=False, was_sound=True)
    doubts.add("ada", _SAME, 1)
    assert (doubts.judged(), doubts.end()) == ([1], [])


def _graded(folder: Path, *students: str) -> Progress:
    """Grade a course, or some of it, in this very process."""
    course = open_course(folder)
    desk = Desk(course, read_assignment(folder, grading.ASSIGNMENT))
    batch = Batch(desk, ForeignPool(ThreadPoolExecutor(1), 1), open_ledger(course), pretend.execute)
    progress = batch.choose(students or course.students(grading.ASSIGNMENT))
    batch.run(progress.add)
    return progress


def test_a_judge_that_stops_at_everybody_costs_nobody_marks(course: Path) -> None:
    """The run ends in one sentence, and when the judge is mended, it is as if nothing had been."""
    for name in ("ada", "bob"):
        grading.hand_in(course, name, grading.work(course))
    _graded(course)
    judge = course / "judging" / grading.ASSIGNMENT / "judge.py"
    right = judge.read_text()
    judge.write_text(right.replace("    together = ", "    assert False, outcome.student\n    together = "))

    with pytest.raises(GradingError, match=r"stopped: AssertionError: ada .* first 2 submissions \(ada, bob\)"):
        _graded(course)
    with pytest.raises(GradingError, match=r"stopped: AssertionError: ada .* \(ada\) is the only one since"):
        _graded(course, "ada")
    assert {sum(filter(None, cells.values())) for cells in grading.scores(course).values()} == {13}
    judge.write_text(right)
    assert (_graded(course).total, _graded(course).unchanged) == (0, 2)
