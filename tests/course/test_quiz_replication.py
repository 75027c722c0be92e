"""The graded quiz: released without keys, marked from answer files, and the best of at most three attempts counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from autograder.assignment import Assignment, read_assignment
from autograder.pipeline import review
from autograder.pipeline.batch import Batch, open_ledger
from autograder.pipeline.collecting import collect
from autograder.pipeline.course import Course, open_course
from autograder.pipeline.ledger import Entry
from autograder.pipeline.pool import LocalPool
from autograder.pipeline.releasing import leaks, release
from autograder.pipeline.submission import Desk
from kit.quizzes import read_quiz
from tests.support import pretend
from tests.support.course import COURSE

NAME = "quiz-replication"
Given = dict[str, str | list[str]]
RIGHT: Given = {
    "acknowledged": "b", "loses": ["a", "c"], "how-many": "2", "which-setting": "unclean.leader.election.enable",
}  # fmt: skip
(QUIZ,) = read_assignment(COURSE, NAME).quizzes


def sheet(answers: Mapping[str, str | list[str]]) -> bytes:
    """The answer file that the quiz writes in a student's notebook."""
    given = {name: {"answer": answer, "checked": False, "tries": 0} for name, answer in answers.items()}
    return json.dumps({"quiz": NAME, "answers": given, "finished": False}).encode()


def points(*attempts: Given) -> dict[str, float]:
    """Points by question, after these attempts."""
    sheets = [sheet(each) for each in attempts]
    scores = QUIZ.scores(QUIZ.sat(sheets[:-1], sheets[-1] if sheets else None))
    assert all(score.reason for score in scores)
    return {score.name.removeprefix(f"{NAME}/"): score.points for score in scores}


def test_right_answers_have_all_points() -> None:
    """Eight, two for each question."""
    assert points(RIGHT) == dict.fromkeys(RIGHT, 2)


def test_no_answers_have_no_points() -> None:
    """Neither an empty file nor none."""
    assert points({}) == points() == dict.fromkeys(RIGHT, 0)


@pytest.mark.parametrize(
    ("question", "answer", "left"),
    [("acknowledged", "a", 0), ("loses", ["a"], 1), ("loses", ["a", "b"], 0), ("how-many", "3", 0),
     ("which-setting", "min.insync.replicas", 0)],
)  # fmt: skip
def test_a_wrong_answer_loses_its_own_points(question: str, answer: str | list[str], left: float) -> None:
    """And no other."""
    assert points(RIGHT | {question: answer}) == dict.fromkeys(RIGHT, 2) | {question: left}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Assignment]:
    """The course with its quiz released."""
    root = tmp_path_factory.mktemp("quiz") / "course"
    for part in (f"source/{NAME}", f"judging/{NAME}"):
        shutil.copytree(COURSE / part, root / part)
    shutil.copy(COURSE / "nbgrader_config.py", root)
    opened, assignment = open_course(root), read_assignment(root, NAME)
    release(opened, assignment)
    return opened, assignment


def test_the_release_tells_no_answer(course: tuple[Course, Assignment]) -> None:
    """Students get the questions; a search of all files finds neither keys nor explanations, and would find them."""
    opened, assignment = course
    folder = opened.folder("release", NAME)
    handed_out = read_quiz(folder / QUIZ.file)
    texts = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())

    assert leaks(opened, assignment) == []
    assert [each.text for each in handed_out.questions] == [each.text for each in QUIZ.quiz.questions]
    assert not handed_out.has_keys
    assert "unclean.leader" not in texts
    shutil.copy(assignment.folder / QUIZ.file, folder / "notes.txt")
    try:
        assert any("notes.txt tells about" in line for line in leaks(opened, assignment))
    finally:
        (folder / "notes.txt").unlink()


def grade(course: Course, assignment: Assignment) -> dict[str, Entry]:
    """Grade what is new."""
    batch = Batch(Desk(course, assignment), LocalPool(1), open_ledger(course), pretend.execute)
    batch.choose(course.students(NAME))
    entries: list[Entry] = []
    batch.run(entries.append)
    return {entry.student: entry for entry in entries}


def test_attempts_are_the_submissions_that_were_collected(course: tuple[Course, Assignment], tmp_path: Path) -> None:
    """The best of three counts; the same answers again are no attempt, and a fourth one comes too late."""
    opened, assignment = course
    notebook = (opened.folder("release", NAME) / f"{NAME}.ipynb").read_bytes()

    def hand_in(number: int, **students: bytes) -> None:
        download = tmp_path / str(number)
        for student, content in students.items():
            (download / student / "answers").mkdir(parents=True)
            (download / student / "answers" / f"{NAME}.json").write_bytes(content)
            (download / student / f"{NAME}.ipynb").write_bytes(notebook + b"\n" * number)
        collect(opened, NAME, download, force=True)

    half = {"acknowledged": "b", "how-many": "2"}
    hand_in(1, ada=sheet(half), bob=sheet(RIGHT), cyd=b"{")
    first = grade(opened, assignment)
    assert {name: sum(each.points for each in entry.scores) for name, entry in first.items()} == {
        "ada": 4, "bob": 8, "cyd": 0,
    }  # fmt: skip
    assert "breaks off" in " ".join(first["cyd"].flags)
    hand_in(2, ada=sheet(half))  # only the notebook is another one
    hand_in(3, ada=sheet({}))
    hand_in(4, ada=sheet(half | {"loses": ["a", "c"]}))
    hand_in(5, ada=sheet(RIGHT))
    again = grade(opened, assignment)

    assert list(again) == ["ada"]
    assert sum(each.points for each in again["ada"].scores) == 6
    assert "Of 4 attempts, attempt 3 counts." in again["ada"].scores[0].reason
    found = {item.question: item for item in review.quiz_items(opened, assignment, ["ada", "bob", "cyd"])}
    assert {item.num_students for item in found.values()} == {2}  # nobody can read cyd's
    assert (found["which-setting"].difficulty, found["which-setting"].num_unanswered) == (0.5, 1)
    assert found["loses"].chosen == (("a", 2), ("c", 2))


def test_answers_without_folders_count_and_missing_ones_are_no_certain_zero(
    course: tuple[Course, Assignment], tmp_path: Path
) -> None:
    """As an LMS hands them over; nobody is told a key before the attempts are over, and everybody afterwards."""
    opened, assignment = course
    notebook = (opened.folder("release", NAME) / f"{NAME}.ipynb").read_bytes()
    handed_in = {
        "flat": {f"{NAME}.json": sheet({})},
        "saved-again": {f"answers/{NAME} (1).json": sheet(RIGHT)},
        "two": {f"{NAME}.json": sheet({"how-many": "2"}), f"{NAME} (1).json": sheet({"how-many": "4"})},
        "none": {},
    }
    for number, name in enumerate(("first", "second")):
        for student, files in handed_in.items():
            for path, content in {f"{NAME}.ipynb": notebook + b"\n" * number, **files}.items():
                (tmp_path / name / student / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name / student / path).write_bytes(content)
        collect(opened, NAME, tmp_path / name, force=True)
        handed_in = {"flat": {f"{NAME}.json": sheet(RIGHT)}}
    graded = grade(opened, assignment)

    assert {name: sum(each.points for each in graded[name].scores) for name in graded} == {
        "flat": 8, "saved-again": 8, "two": 0, "none": 0,
    }  # fmt: skip
    assert {name for name, entry in graded.items() if entry.needs_human} == {"two", "none"}
    assert "Of 2 attempts, attempt 2 counts." in graded["flat"].scores[0].reason
    assert all(score.needs_human for score in graded["none"].scores)
    assert "other answers" in " ".join(graded["two"].flags)
    assert "unclean.leader" not in graded["none"].scores[3].proof[-1] + graded["two"].scores[3].proof[-1]

    with opened.gradebook() as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate="2026-01-01")
    told = grade(opened, assignment)
    assert {"flat", "saved-again", "two"} <= told.keys()
    assert "none" not in told  # it has no answers that a key would explain
    assert "Right: unclean.leader.election.enable" in " ".join(told["two"].scores[3].proof)
