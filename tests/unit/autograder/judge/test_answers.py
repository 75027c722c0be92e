"""Answers are compared as JSON, and a wrong one costs its share and is shown."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.job import Answer, Outcome, Probe
from autograder.judge import same, share


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (1.0, 1),
        (0.1 + 0.2, 0.3),
        ([1, [2]], (1, (2,))),
        ({"1": 2}, {1: 2}),
        (None, None),
        (True, True),
        ("a", "a"),
        ([], ()),
    ],
)
def test_same_takes_what_json_makes_of_it(value: Any, expected: Any) -> None:
    """Tuples came as lists, and numbers as keys as texts."""
    assert same(value, expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1),
        (1, True),
        (0, False),
        (0, None),
        ("1", 1),
        (1, "1"),
        ([1], 1),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ({"a": 1, "b": 2}, {"a": 1}),
        (1.001, 1),
        (10**400, 1.5),
        (10**18 + 1, 10**18),
        ({}, []),
        ("", None),
    ],
)
def test_same_is_not_taken_in(value: Any, expected: Any) -> None:
    """Truth is no number, order counts, and integers are equal or not."""
    assert not same(value, expected)


def outcome(*answers: Answer) -> Outcome:
    """What came back for a job."""
    return Outcome("ada", "first", 1, "none", {}, answers)


PROBES = (Probe("one", "double", (1,)), Probe("two", "double", (2,)), Probe("three", "double", ("a",)))
RIGHT = {"one": 2, "two": 4, "three": "aa"}


def test_share_gives_points_by_right_answers() -> None:
    """One of three is wrong: two thirds of the points, and the call that shows it."""
    given = outcome(Answer("one", 2), Answer("two", 5), Answer("three", "aa"))
    score = share(given, PROBES, RIGHT, grade_id="test", name="doubles", points=3)

    assert (score.points, score.of) == (pytest.approx(2), 3)
    assert score.reason == "2 of 3 calls gave the right answer."
    assert score.proof == ("double(2)", "it gave 5", "right is 4")


def test_share_counts_errors_and_silence_as_wrong() -> None:
    """No answer is a wrong one."""
    given = outcome(Answer("one", error="TypeError: no"), Answer("two", 4))
    score = share(given, PROBES, RIGHT, grade_id="test", name="doubles", points=3)

    assert score.points == pytest.approx(1)
    assert score.proof[1] == "it failed: TypeError: no"


def test_share_can_be_all_or_nothing() -> None:
    """A thing that is right only as a whole."""
    wrong = outcome(Answer("one", 2), Answer("two", 4), Answer("three", None))
    right = outcome(*(Answer(name, value) for name, value in RIGHT.items()))
    rule = {"grade_id": "test", "name": "doubles", "points": 3, "all_or_nothing": True}

    assert share(wrong, PROBES, RIGHT, **rule).points == 0
    assert share(right, PROBES, RIGHT, **rule).points == 3


def test_share_shows_no_more_of_a_long_answer_than_a_person_reads() -> None:
    """A megabyte of answer does not become a megabyte of feedback."""
    score = share(outcome(Answer("one", "x" * 10**6)), PROBES[:1], RIGHT, grade_id="t", name="n", points=1)

    assert max(map(len, score.proof)) < 300
