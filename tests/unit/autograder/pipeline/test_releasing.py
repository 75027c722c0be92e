"""What students get tells no solution, no hidden test, no judge and no key; what does is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.assignment import AssignmentError, read_assignment
from autograder.pipeline.course import GradingError, open_course
from autograder.pipeline.releasing import leaks, release
from autograder.pipeline.submission import Desk
from kit import quizzes as bank
from tests.support import grading


def found(course: Path) -> list[str]:
    """The leaks of a course's release."""
    return leaks(open_course(course), read_assignment(course, grading.ASSIGNMENT))


def put(course: Path, name: str, text: str) -> None:
    """Add a file to the release."""
    (course / "release" / grading.ASSIGNMENT / name).write_text(text)


def test_release_tells_nothing(course: Path) -> None:
    """Every file of it, searched for everything that is secret."""
    text = "".join(path.read_text() for path in (course / "release").rglob("*") if path.is_file())

    assert found(course) == []
    assert "dict.fromkeys" not in text
    assert "listens-7" not in text
    assert "HIDDEN" not in text
    assert not list((course / "release").rglob("judge.py"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("notes.md", "return sum(key.encode()) % partitions", "a line of a solution"),
        ("x.py", "if True:\n    assert windows([59, 61, 3], 60) == [0, 60]", "a line of a hidden test"),
        ("y.py", "### BEGIN SOLUTION\n### END SOLUTION", "has the mark 'BEGIN SOLUTION'"),
        ("z.py", "chance = random.Random(seed)", "a line of judge.py"),
        ("judge.py", "", "judge.py is the judge's"),
    ],
)  # fmt: skip
def test_leaks_finds_what_somebody_left_in_it(course: Path, name: str, text: str, said: str) -> None:
    """Each with the file that has it."""
    put(course, name, text)

    assert any(line.startswith(f"{name} ") and said in line for line in found(course))


def test_work_with_the_release_before_is_no_edit(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked cell was corrected after students had the first release, which `release` and `grade` remember."""
    folder = course / "release" / grading.ASSIGNMENT
    grading.hand_in(course, "ada", grading.work(course))

    def corrected(*_: object) -> None:
        notebook = json.loads((folder / grading.FILE).read_text())
        next(cell for cell in notebook["cells"] if cell["id"] == "test-lag")["source"] = "assert lag({}, {}) == {}"
        (folder / grading.FILE).write_text(json.dumps(notebook))

    monkeypatch.setattr("autograder.pipeline.generating.generate", corrected)
    opened, assignment = open_course(course), read_assignment(course, grading.ASSIGNMENT)
    release(opened, assignment, force=True)

    lines = Desk(opened, assignment).prepare("ada").intake.lines()

    assert [line.partition(";")[0] for line in lines] == [
        f"{grading.FILE}: it is from an earlier release of the assignment"
    ]


def test_release_strips_quizzes(course: Path) -> None:
    """A quiz beside the notebook is handed out without its keys; one that somebody put back is found."""
    quiz = (Path(bank.__file__).parent / "bank" / "cap.yml").read_text()
    explanation = quiz.partition("why: ")[2].partition("\n")[0]
    (course / "source" / grading.ASSIGNMENT / "q1.yml").write_text(quiz)
    release(open_course(course), read_assignment(course, grading.ASSIGNMENT), force=True)
    handed_out = (course / "release" / grading.ASSIGNMENT / "q1.yml").read_text()

    assert "questions:" in handed_out
    assert explanation[:30] not in handed_out
    assert found(course) == []
    put(course, "q1.yml", quiz)
    assert any("has keys" in line for line in found(course))


def test_release_with_a_broken_quiz_is_found(course: Path) -> None:
    """Nothing could take the keys out of it."""
    put(course, "q2.yml", "title: Order\nquestions:\n  - id: where\n    kind: choice\n    right: yes\n")

    assert any("q2.yml looks like a quiz" in line for line in found(course))


def test_release_twice_is_refused(course: Path) -> None:
    """Students may have it already."""
    with pytest.raises(GradingError, match="released already"):
        release(open_course(course), read_assignment(course, grading.ASSIGNMENT))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("    ### END SOLUTION", "", "streams.ipynb, cell 'answer-by_key': no end solution statement found."),
        ("### END HIDDEN TESTS", "", "streams.ipynb, cell 'test-by_key': No end hidden tests statement found."),
        ("# Streams", "### BEGIN SOLUTION", "streams.ipynb, cell number 1: no end solution statement found."),
        ('"test-lag"', '"test-log"', "(new: test-log; gone: test-lag). Give cells the names and kinds they had"),
    ],
)
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_release_that_cannot_be_made_leaves_the_old_one(course: Path, before: str, after: str, said: str) -> None:
    """And tells nbgrader's own reason, with file and cell; the gradebook has the cells that it had."""
    here = open_course(course)
    with here.gradebook() as gradebook:
        gradebook.update_or_create_student("ada")
        gradebook.update_or_create_submission(grading.ASSIGNMENT, "ada")
    old = {path: path.read_bytes() for path in sorted((course / "release").rglob("*")) if path.is_file()}
    source = course / "source" / grading.ASSIGNMENT / grading.FILE
    source.write_text(source.read_text().replace(before, after).replace('"points": 3', '"points": 4'))

    with pytest.raises(GradingError) as refused:
        release(here, read_assignment(course, grading.ASSIGNMENT), force=True)
    assert said in str(refused.value)
    assert str(refused.value).endswith("The release that was there is as it was.")
    assert {path: path.read_bytes() for path in sorted((course / "release").rglob("*")) if path.is_file()} == old
    with here.gradebook() as gradebook:
        assert gradebook.find_graded_cell("why", "streams", grading.ASSIGNMENT).max_score == 3
    assert not (here.state / "release").exists()


def test_release_that_cannot_be_put_in_place_leaves_the_old_one(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does it leave anything else there."""
    plain = Path.rename

    def rename(path: Path, to: Path) -> Path:
        if path.suffix == ".new":
            raise OSError(28, "No space left on device")
        return plain(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    put(course, "old.txt", "old")
    with pytest.raises(OSError, match="No space left"):
        release(open_course(course), read_assignment(course, grading.ASSIGNMENT), force=True)
    assert sorted(path.name for path in (course / "release").rglob("*")) == ["old.txt", "streams", "streams.ipynb"]


def test_release_again_takes_the_place_of_the_old_one(course: Path) -> None:
    """As a whole: nothing of the old one is left; the course's own hook finds the new one where students do."""
    seen: list[str] = []
    put(course, "old.txt", "old")
    source = course / "source" / grading.ASSIGNMENT / grading.FILE
    source.write_text(source.read_text().replace("# Streams", "# Rivers"))
    here = open_course(course)
    here.config.GenerateAssignment.post_convert_hook = lambda **_: seen.append(
        (course / "release" / grading.ASSIGNMENT / grading.FILE).read_text()
    )
    release(here, read_assignment(course, grading.ASSIGNMENT), force=True)

    assert [path.name for path in sorted((course / "release").rglob("*"))] == ["streams", "streams.ipynb"]
    assert ["# Rivers" in text for text in seen] == [True]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"points": 2', '"points": 5', "'test-batches' has 2 points in the notebook and 5 here"),
        ('"test-lag"', '"test-log"', "the test cell 'test-lag' has no properties"),
    ],
)
def test_desk_compares_points_with_the_release(course: Path, before: str, after: str, said: str) -> None:
    """Points that are nowhere would be lost for everybody."""
    import yaml

    path = course / "judging" / grading.ASSIGNMENT / "assignment.yaml"
    values = yaml.safe_load(json.dumps(yaml.safe_load(path.read_text())).replace("2.0", "2").replace(before, after))
    path.write_text(yaml.safe_dump(values))

    with pytest.raises(AssignmentError) as refused:
        Desk(open_course(course), read_assignment(course, grading.ASSIGNMENT))
    assert said in str(refused.value)
