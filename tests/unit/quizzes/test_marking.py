"""Who is right, for how many points, and what is said."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import quizzes
from kit.quizzes import marking, typed
from kit.quizzes.model import Mistake, Option, Question

CHOICE = Question(
    "several",
    "multiple choice",
    "Which?",
    points=2,
    options=(
        Option("a", "A", True, "a is right"),
        Option("b", "B", False, "b is wrong"),
        Option("c", "C", True, "c is right"),
        Option("d", "D", False, "d is wrong"),
    ),
)
NUMBER = Question(
    "number", "number", "How many?", answers=("14",), tolerance=0.5, why="because", otherwise="no",
    mistakes=(Mistake("4", "the old one"),),
)  # fmt: skip
TEXT = Question("text", "text", "What?", answers=("ISR", "in-sync replicas"), why="because", otherwise="no")


@pytest.mark.parametrize(
    ("chosen", "points"),
    [("ac", 2), ("a", 1), ("", 0), ("acb", 1), ("ab", 0), ("abcd", 0), ("bd", 0), ("c", 1)],
)
def test_each_wrong_choice_takes_away_what_a_right_one_gives(chosen: str, points: float) -> None:
    """Choosing everything is worth nothing."""
    assert marking.mark(CHOICE, tuple(chosen), tells_right=False).points == points


def test_notes_tell_the_right_answer_only_when_they_may() -> None:
    """Who may try again learns that something is missing, and not what."""
    shy = marking.mark(CHOICE, ("a", "b"), tells_right=False)
    open_ = marking.mark(CHOICE, ("a", "b"), tells_right=True)

    assert [note.text for note in shy.notes] == [
        "a is right", "b is wrong", "You have not chosen one option that would be right.",
    ]  # fmt: skip
    assert [note.text for note in open_.notes] == ["a is right", "b is wrong", "c is right"]
    assert [note.text for note in marking.mark(NUMBER, "4", tells_right=False).notes] == ["the old one"]
    assert [note.text for note in marking.mark(NUMBER, "5", tells_right=True).notes] == ["no", "because"]


@pytest.mark.parametrize("answer", ["14", " 14.0 ", "13,5", "14.5", "+14", "1.4e1"])
def test_number_is_right_within_its_tolerance(answer: str) -> None:
    """However people write it."""
    assert marking.is_right(NUMBER, answer)


@pytest.mark.parametrize("answer", ["13.4", "4", "-14", "1,400"])
def test_number_is_wrong_outside_of_it(answer: str) -> None:
    """A tolerance of a half is a half."""
    assert not marking.is_right(NUMBER, answer)


@pytest.mark.parametrize("answer", ["", "fourteen", "14 MB", "nan", "inf", "1,2,3", "--1", "٣x"])
def test_what_is_no_number_is_told_so(answer: str) -> None:
    """It is not marked as wrong: nobody has answered yet."""
    with pytest.raises(ValueError, match=r"Type a number alone|Write a number first"):
        marking.understood(NUMBER, answer)


@pytest.mark.parametrize(
    "answer", ["isr", " ISR. ", "In-Sync  Replicas", "in_sync replicas", '"ISR"', "in‑sync replicas"]
)
def test_text_is_compared_without_case_and_dashes(answer: str) -> None:
    """People write one thing in many ways."""
    assert marking.is_right(TEXT, answer)


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    """So it does not matter who has normalised already."""
    assert typed.normalised(typed.normalised(text)) == typed.normalised(text)


@given(st.text(max_size=60))
def test_any_text_is_marked_or_refused(text: str) -> None:
    """Whatever somebody types, there is a mark or a sentence."""
    for question in (NUMBER, TEXT):
        try:
            answer = marking.understood(question, text)
        except ValueError as error:
            assert str(error)  # noqa: PT017  (either is fine)
        else:
            assert marking.mark(question, answer, tells_right=True).points in (0, question.points)


def test_score_counts_what_can_be_understood() -> None:
    """What a file of answers holds may be old or made by hand."""
    quiz = dataclasses.replace(quizzes.load("cap"), questions=(CHOICE, NUMBER, TEXT))

    assert marking.score(quiz, {"several": ("a", "c"), "number": "14", "text": "x"}) == 3
    assert marking.score(quiz, {"several": ("z",), "number": "many", "gone": "x"}) == 0


@pytest.mark.parametrize("name", quizzes.names())
def test_every_answer_of_the_bank_gets_an_explanation(name: str) -> None:
    """No wrong answer is answered with nothing but "wrong"."""
    for question in quizzes.load(name).questions:
        answers = [option.id for option in question.options] or ["7654321"]
        for answer in answers:
            found = marking.mark(question, marking.understood(question, answer), tells_right=False)
            assert found.notes[0].text


def test_old_estimate_of_the_lecture_is_a_wrong_answer_with_a_reason() -> None:
    """Four partitions is what the lecture got for 200 MB/s; 14 is right."""
    question = quizzes.load("partitions").question("how-many")

    assert marking.is_right(question, "14")
    assert "60 MB/s" in marking.mark(question, "4", tells_right=False).notes[0].text
