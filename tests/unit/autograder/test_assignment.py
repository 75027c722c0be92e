"""The description of an assignment is read as it was meant, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from autograder.assignment import AssignmentError, read_assignment

_POINTS = [{"grade_id": "test-a", "name": "a", "points": 2}, {"grade_id": "test-a", "name": "b", "points": 1.5}]


def written(
    folder: Path, text: str | dict[str, Any], *, judge: str | None = "def judge(outcome, seed): return []"
) -> Path:
    """A course with one description."""
    place = folder / "judging" / "first"
    place.mkdir(parents=True)
    (place / "assignment.yaml").write_text(text if isinstance(text, str) else yaml.safe_dump(text))
    if judge is not None:
        (place / "judge.py").write_text(judge)
    return folder


def test_read_takes_everything_that_is_there(tmp_path: Path) -> None:
    """Budgets in MiB, properties of one cell together, and what being late costs."""
    values = {
        "title": "First",
        "judging": "probes",
        "budget": {"cell_s": 5, "memory_mib": 512},
        "weakest_rung": "bubblewrap",
        "properties": _POINTS,
        "late": {"grace_hours": 2, "percent_per_day": 20},
    }
    made = read_assignment(written(tmp_path, values), "first")

    assert (made.title, made.judging, made.weakest_rung) == ("First", "probes", "bubblewrap")
    assert (made.budget.cell_s, made.budget.memory_bytes) == (5, 512 * 1024 * 1024)
    assert made.points_of() == {"test-a": 3.5}
    assert made.late is not None
    assert made.late.share(3 * 3600) == pytest.approx(0.2)
    assert not made.is_forgeable
    assert "def judge" in made.script


def test_read_of_asserts_needs_no_judge(tmp_path: Path) -> None:
    """A course that nbgrader graded before needs one line."""
    made = read_assignment(written(tmp_path, "judging: asserts", judge=None), "first")

    assert made.is_forgeable
    assert made.title == "first"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("judging: [", "is not YAML"),
        ("- probes", "must have names with values"),
        ("judging: guess", "'judging' is 'guess'"),
        ("title: First", "'judging' is None"),
        ("judging: asserts\njugding: probes", "'jugding' is not known"),
        ("judging: asserts\nproperties: [{grade_id: a, name: b, points: 1}]", "remove 'properties'"),
        ("judging: probes", "'properties' is missing"),
        ("judging: probes\nproperties: [{grade_id: a, points: 1}]", "property 1 must have"),
        ("judging: probes\nproperties: [{grade_id: a, name: b, points: -1}]", "has -1 points"),
        ("judging: probes\nproperties: [{grade_id: a, name: b, points: .nan}]", "has nan points"),
        ("judging: probes\nproperties: [{grade_id: a, name: b, points: yes}]", "has True points"),
        (
            "judging: probes\nproperties: [{grade_id: a, name: b, points: 1}, {grade_id: a, name: b, points: 1}]",
            "is there twice",
        ),
        ("judging: asserts\nbudget: {cell_s: 0}", "must be a number above 0"),
        ("judging: asserts\nbudget: {cells: 3}", "the budget 'cells' is not known"),
        ("judging: asserts\nbudget: {memory_mib: lots}", "budget memory_bytes is 'lots'"),
        ("judging: asserts\nweakest_rung: paper", "'weakest_rung' is 'paper'"),
        ("judging: asserts\narena: {runs: 3}", "'arena' belongs to"),
        ("judging: evidence\nproperties: [{grade_id: a, name: b, points: 1}]", "'arena' belongs to"),
        ("judging: asserts\nlate: {percent_per_day: 400}", "'late': What a day costs"),
        ("judging: asserts\nlate: {days: 4}", "'days' of 'late' is not known"),
    ],
)
def test_read_refuses_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong is named, with the file."""
    with pytest.raises(AssignmentError, match=r"assignment\.yaml") as refused:
        read_assignment(written(tmp_path, text), "first")

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_read_says_what_to_write_when_there_is_nothing(tmp_path: Path) -> None:
    """An instructor with a course of nbgrader's own learns the one line that is missing."""
    with pytest.raises(AssignmentError, match="'judging: asserts' in it grades as nbgrader itself does"):
        read_assignment(tmp_path, "first")


def test_read_misses_the_judge(tmp_path: Path) -> None:
    """Probes without somebody to compare the answers give no points."""
    text = {"judging": "probes", "properties": _POINTS}
    with pytest.raises(AssignmentError, match=r"judge\.py must lie beside it"):
        read_assignment(written(tmp_path, text, judge=None), "first")


_QUIZ = """\
title: Q
questions:
  - {id: a, kind: number, text: How many, answer: 3, why: Because., otherwise: Count., points: 2}
  - {id: b, kind: number, text: How much, answer: 4, why: Because., otherwise: Count., points: 1}
"""


def with_quiz(folder: Path, entry: Any, name: str = "quiz-1.yml", quiz: str = _QUIZ, **more: Any) -> Path:
    """A course whose assignment counts a quiz."""
    made = written(folder, {"judging": "probes", "quizzes": {"quiz-check": entry}} | more, judge=None)
    (made / "judging" / "first" / name).write_text(quiz)
    return made


def test_read_of_a_quiz_needs_neither_judge_nor_properties(tmp_path: Path) -> None:
    """Its points are those of its questions."""
    entry = {"quiz": "quiz-1.yml", "attempts": "best", "most": 2}
    made = read_assignment(with_quiz(tmp_path, entry), "first")

    assert made.points_of() == {"quiz-check": 3}
    assert [(each.quiz.id, each.attempts, each.most) for each in made.quizzes] == [("quiz-1", "best", 2)]
    assert made.script == ""


@pytest.mark.parametrize(
    ("entry", "more", "said"),
    [
        ("quiz-1.yml", {}, "must have quiz (a file)"),
        ({"quiz": "quiz-1.yml", "tries": 2}, {}, "must have quiz (a file)"),
        ({"quiz": "../quiz-1.yml"}, {}, "no name of a .yml file"),
        ({"quiz": "none.yml"}, {}, "none.yml"),
        ({"quiz": "quiz-1.yml", "attempts": "worst"}, {}, "one of last, first, best, mean"),
        ({"quiz": "quiz-1.yml", "most": 0}, {}, "a whole number, 1 or more"),
        ({"quiz": "quiz-1.yml"}, {"judging": "asserts"}, "remove 'quizzes'"),
        ({"quiz": "quiz-1.yml"}, {"properties": [{"grade_id": "quiz-check", "name": "a", "points": 1}]}, "of its own"),
        ({"quiz": "cap.yml"}, {}, "the kit has a quiz 'cap'"),
        ({"quiz": "bare.yml"}, {}, "has no keys"),
    ],
)
def test_read_refuses_a_quiz_in_one_line(entry: Any, more: dict[str, Any], said: str, tmp_path: Path) -> None:
    """What is wrong, and where."""
    course = with_quiz(tmp_path, entry, **more)
    place = course / "judging" / "first"
    (place / "cap.yml").write_text(_QUIZ)
    (place / "bare.yml").write_text(
        "keys: no\nfeedback: never\ntitle: Q\nquestions:\n  - {id: a, kind: number, text: How many}\n"
    )
    with pytest.raises(AssignmentError) as refused:
        read_assignment(course, "first")

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
