"""Runs of a course: one at a time, and what was stopped is neither forgotten nor mixed up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.console import runs
from autograder.pipeline.batch import Batch
from autograder.pipeline.course import open_course
from tests.support import grading

Say = Callable[..., tuple[int, str, str]]


class Stop:
    """Stands in for a batch's run: it grades nobody, and is stopped like by Ctrl-C as long as ``is_on``."""

    is_on = True

    def __call__(self, *_: Any) -> None:
        """End the run."""
        if self.is_on:
            raise KeyboardInterrupt


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch, course: Path) -> Stop:
    """Stops each run of ``grade``, until it is told not to; two students have handed in."""
    made = Stop()
    monkeypatch.setattr(Batch, "run", made)
    for student in ("ada", "bob"):
        grading.hand_in(course, student, grading.work(course))
    return made


def test_resume_goes_on_after_a_misspelt_name(say: Say, stop: Stop) -> None:
    """A command that did nothing takes no run's place."""
    assert say("grade", "streams", "--no-feedback")[0] == 130
    assert say("grade", "streams", "--student", "adda")[0] == 2
    stop.is_on = False
    status, out, _ = say("resume")

    assert status == 0
    assert "Going on with `autograder grade streams` of " in out
    assert "To be graded: 2 new." in out


def test_resume_takes_the_newest_run_and_names_the_others(say: Say, stop: Stop, course: Path) -> None:
    """Each assignment's stopped run waits until somebody goes on with it; one that came to its end does not."""
    for place in ("source", "judging", "submitted/ada"):
        shutil.copytree(course / place / "streams", course / place / "rivers")
    say("release", "rivers")
    say("grade", "streams", "--force", "--no-feedback")
    say("grade", "rivers", "--no-feedback")
    stop.is_on = False
    _, first, _ = say("resume")
    status, _, other = say("resume", "rivers")
    _, second, _ = say("resume", "streams")

    assert "Going on with `autograder grade rivers` of " in first
    assert "Not at its end: `autograder grade streams --force` of " in first
    assert "`autograder resume streams` goes on with it." in first
    assert (status, "nothing to go on with for rivers; there is for streams." in other) == (2, True)
    assert "Going on with `autograder grade streams --force` of " in second
    assert "Not at its end" not in second
    assert "There is nothing to go on with: no `grade` was stopped." in say("resume")[2]


def test_grade_says_what_waits(say: Say, stop: Stop) -> None:
    """One student's work does not make up for that of all."""
    say("grade", "streams", "--force", "--no-feedback")
    stop.is_on = False
    _, out, _ = say("grade", "streams", "--student", "ada", "--no-feedback")

    assert "Not at its end: `autograder grade streams --force` of " in out
    assert "Not at its end" not in say("grade", "streams", "--force", "--no-feedback")[1]


def test_what_shows_marks_says_what_waits(say: Say, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of a class has marks of before."""
    grading.hand_in(course, "ada", grading.work(course))
    say("grade", "streams", "--workers", "1", "--no-feedback")
    assert "Not at its end" not in say("report", "streams")[1]
    monkeypatch.setattr(Batch, "run", Stop())
    say("grade", "streams", "--force", "--no-feedback")

    for words in (("report", "streams"), ("feedback", "streams"), ("explain", "ada")):
        assert "Not at its end: `autograder grade streams --force` of " in say(*words)[1]
    assert "Not at its end: `autograder grade" in (course / "report-streams.html").read_text(encoding="utf-8")


def test_what_shows_marks_tells_a_run_at_work_from_one_that_was_stopped(say: Say, course: Path) -> None:
    """What is at work cannot be gone on with; when it has ended half-way, another command's lock is not its own."""
    grading.hand_in(course, "ada", grading.work(course))
    say("grade", "streams", "--workers", "1", "--no-feedback")
    here = open_course(course)
    with runs.alone(here, "autograder grade streams"):
        runs.remember(here, {"assignment": "streams", "student": [], "since": 0.0, "began": 1.0})
        for words in (("report", "streams"), ("explain", "ada")):
            out = say(*words)[1]
            assert "At work: `autograder grade streams` of " in out
            assert "resume" not in out
        assert "At work: `autograder grade" in (course / "report-streams.html").read_text(encoding="utf-8")
    assert "Not at its end: `autograder grade streams` of " in say("explain", "ada")[1]
    with runs.alone(here, "autograder grade streams"):
        assert "Not at its end: `autograder grade streams` of " in say("explain", "ada")[1]


def test_resume_writes_marks_where_grade_was_told(
    say: Say, stop: Stop, course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written on the command line is meant from the current folder, and what is not goes into the course's."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for words, place in ((("--csv", "marks.csv"), Path.cwd() / "marks.csv"), ((), None)):
        assert say("grade", "streams", "--course", str(course), "--no-feedback", *words)[0] == 130
        assert runs.waiting(open_course(course))[0]["csv"] == (place and str(place))


def test_resume_writes_marks_into_the_course_that_was_moved(say: Say, stop: Stop, course: Path) -> None:
    """Not into the one that it was, or that it is a copy of."""
    say("grade", "streams", "--no-feedback")
    moved = course.with_name("moved")
    shutil.copytree(course, moved)
    stop.is_on = False
    status, out, _ = say("resume", "--course", str(moved))

    assert (status, f"Marks: {moved / 'grades.csv'}" in out) == (0, True)
    assert not (course / "grades.csv").exists()


def test_resume_after_all_was_withdrawn_is_one_sentence(say: Say, stop: Stop, course: Path) -> None:
    """It is not said for ever."""
    say("grade", "streams", "--student", "ada", "--student", "bob", "--no-feedback")
    shutil.rmtree(course / "submitted" / "ada")
    assert say("resume")[0] == 130
    shutil.rmtree(course / "submitted" / "bob")

    assert "was withdrawn" in say("resume")[2]
    assert "no `grade` was stopped" in say("resume")[2]


@pytest.mark.parametrize(
    ("earlier", "later", "stays"),
    [
        (([], 0), ([], 0), False),
        (([], 0), (["ada"], 0), True),
        (([], 0), (["ada"], 9), True),
        ((["ada"], 0), ([], 0), False),
        ((["ada"], 0), (["bob"], 0), True),
        ((["ada"], 0), (["bob", "ada"], 0), False),
        (([], 7), ([], 0), True),
        (([], 7), ([], 9), False),
    ],
)  # fmt: skip
def test_run_is_forgotten_only_when_another_does_its_work(
    course: Path, earlier: tuple[list[str], int], later: tuple[list[str], int], stays: bool
) -> None:
    """All of its students, and with ``--force`` what was graded before."""
    here = open_course(course)
    for began, (students, since) in enumerate([earlier, later]):
        runs.remember(here, {"assignment": "streams", "student": students, "since": since, "began": began})

    assert [each["began"] for each in runs.waiting(here)] == [1, 0][: 1 + stays]


@pytest.mark.parametrize(
    "words",
    [
        ("grade", "streams"),
        ("resume",),
        ("release", "streams", "--force"),
        ("collect", "streams", "nothing.zip"),
        ("feedback", "streams", "--force"),
    ],
)
def test_second_command_is_refused_with_the_first_one_s_name(say: Say, course: Path, words: tuple[str, ...]) -> None:
    """They would write into one gradebook, or take away what the other needs."""
    grading.hand_in(course, "ada", grading.work(course))
    before = (course / "release" / "streams").stat().st_ino
    with runs.alone(open_course(course), "autograder grade streams"):
        status, _, err = say(*words)

    assert (status, err.count("\n")) == (1, 1)
    assert "`autograder grade streams` (process " in err
    assert "wait until it has ended" in err
    assert (course / "release" / "streams").stat().st_ino == before
