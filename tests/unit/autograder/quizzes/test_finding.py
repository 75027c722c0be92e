"""Answer files that an LMS flattened or a browser renamed: found by their name and by the quiz that they say."""

from __future__ import annotations

import json

import pytest

from autograder.judge.script import Look
from autograder.quizzes import GradedQuiz, find
from kit import quizzes

QUIZ = GradedQuiz("quiz-cap", "cap.yml", quizzes.load("cap"))


def sheet(quiz: str = "cap", **answers: str) -> bytes:
    """An answer file as the kit's quiz writes it."""
    given = {question: {"answer": answer, "checked": False, "tries": 0} for question, answer in answers.items()}
    return json.dumps({"quiz": quiz, "answers": given, "finished": False}).encode()


@pytest.mark.parametrize(
    "path",
    [
        "answers/cap.json", "cap.json", "answers/cap (1).json", "cap-1.json", "my answers.json", "lab/answers/cap.json",
        "cap.json.txt", "Cap (2).JSON",
    ],
)  # fmt: skip
def test_answers_are_found_wherever_an_lms_or_a_browser_put_them(path: str) -> None:
    """Without folders, numbered, under another name: the file says which quiz it is of."""
    found = find({path: sheet(a="b"), "cap.ipynb": b"{}", "answers/groups.json": sheet("groups", a="b")}, "cap")
    assert found is not None
    assert (found.path, found.left_out) == (path, ())


def test_what_is_of_another_quiz_or_no_answers_is_not_taken() -> None:
    """Nor is a file of the student's own; but one with the very name is, so that somebody hears what is wrong."""
    others = {
        "answers/groups.json": sheet("groups"),
        "data.json": b"[1]",
        "notes.txt": b"cap",
        "cap-2.json": sheet("x"),
    }
    assert find(others, "cap") is None
    broken = find({**others, "answers/cap.json": sheet("x")}, "cap")
    assert broken is not None
    assert broken.path == "answers/cap.json"


@pytest.mark.parametrize(
    ("files", "taken", "left_out"),
    [
        ({"answers/cap.json": sheet(a="b"), "answers/cap (1).json": sheet(a="c")},
         "answers/cap (1).json", ("answers/cap.json",)),
        ({"answers/cap.json": sheet(a="b", c="d"), "cap (1).json": sheet(a="b")},
         "answers/cap.json", ("cap (1).json",)),
        ({"answers/cap.json": b"{", "cap (1).json": sheet(a="b")}, "cap (1).json", ("answers/cap.json",)),
        ({"answers/cap.json": sheet(a="b"), "cap.json": sheet(a="b")}, "answers/cap.json", ()),
    ],
    ids=["the newer", "more answers", "one that can be read", "the same twice"],
)  # fmt: skip
def test_of_several_files_one_counts_and_a_person_is_told_of_the_others(
    files: dict[str, bytes], taken: str, left_out: tuple[str, ...]
) -> None:
    """One submission is one attempt; nobody hears of a copy with the same answers."""
    found = QUIZ.found(files)
    assert found is not None
    assert (found.path, found.left_out) == (taken, left_out)
    lines = [each for each in QUIZ.troubles(QUIZ.sat([], found.content), found) if isinstance(each, Look)]
    assert [left_out[0] in line and taken in line for line in lines] == [True] * bool(left_out)
