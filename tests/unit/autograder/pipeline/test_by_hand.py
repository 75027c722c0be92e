"""A mark that a person gave counts for the work that it was given for, and for no other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autograder.assignment import read_assignment
from autograder.job import seed_of
from autograder.pipeline.batch import Batch, open_ledger
from autograder.pipeline.by_hand import digests
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from autograder.pipeline.pool import ForeignPool
from autograder.pipeline.submission import Desk
from tests.support import grading, pretend


@contextmanager
def grade_of(course: Path, cell: str, student: str = "ada") -> Iterator[Any]:
    """What the gradebook has for a cell, to look at or to change."""
    with open_course(course).gradebook() as gradebook:
        yield gradebook.find_grade(cell, "streams", grading.ASSIGNMENT, student)
        gradebook.db.commit()


def mark(course: Path, cell: str = "why", points: float = 2.5) -> None:
    """Give points as a person does in formgrader."""
    with grade_of(course, cell) as grade:
        grade.manual_score, grade.needs_manual_grade = points, False


def seen(course: Path, cell: str = "why") -> tuple[float | None, bool]:
    """The points by hand, and whether formgrader asks for them."""
    with grade_of(course, cell) as grade:
        return grade.manual_score, grade.needs_manual_grade


def again(folder: Path, *others: str) -> Entry:
    """Grade ada's work in this very process, and that of others."""
    course = open_course(folder)
    desk = Desk(course, read_assignment(folder, grading.ASSIGNMENT))
    batch = Batch(desk, ForeignPool(ThreadPoolExecutor(1), 1), open_ledger(course), pretend.execute)
    batch.choose(["ada", *others])
    told: dict[str, Entry] = {}
    batch.run(lambda entry: told.update({entry.student: entry}))
    return told["ada"]


def graded(course: Path, **work: Any) -> Entry:
    """Hand something in, and grade it."""
    grading.hand_in(course, "ada", grading.work(course, **work))
    return again(course)


@contextmanager
def judge_that_stops_at_ada(course: Path) -> Iterator[None]:
    """Change the judge; bob hands in, too, for it can judge others."""
    grading.hand_in(course, "bob", grading.work(course))
    judge = course / "judging" / grading.ASSIGNMENT / "judge.py"
    right = judge.read_text()
    judge.write_text(
        right.replace("    together = ", f"    assert seed != {seed_of('ada', grading.ASSIGNMENT)}\n    together = ")
    )
    yield
    judge.write_text(right)


def test_mark_stays_for_the_same_work(course: Path) -> None:
    """The judge was mended: nobody has to look again at a text that has not changed."""
    graded(course)
    mark(course)
    judge = course / "judging" / grading.ASSIGNMENT / "judge.py"
    judge.write_text(judge.read_text() + "\n# mended\n")
    entry = again(course)

    assert seen(course) == (2.5, False)
    assert (entry.flags, entry.needs_human) == ((), False)


def test_mark_for_another_text_does_not_count(course: Path) -> None:
    """It is open again, and the instructor reads how many points it had."""
    graded(course)
    mark(course)
    entry = graded(course, text="Order within a partition.")

    assert seen(course) == (None, True)
    assert (entry.needs_human, entry.until_marked) == (True, True)
    why = "why: 2.5 points were given by hand for something else than what is there now; "
    assert entry.flags == (f"{why}they do not count any more, and formgrader asks again.",)


def test_mark_asks_for_a_look_when_other_cells_have_changed(course: Path) -> None:
    """What was marked is the same, so the points count; a text may speak of other cells, as nbgrader thinks, too."""
    graded(course)
    mark(course)
    entry = graded(course, first="# another line")

    assert seen(course) == (2.5, True)
    assert entry.flags == ()


def test_mark_of_a_test_cell_is_for_the_whole_work(course: Path) -> None:
    """Points that a person gave beside the judge's go with the code that they were given for."""
    graded(course)
    mark(course, "test-lag", 1)
    entry = graded(course, first="# another line")

    assert seen(course, "test-lag") == (None, True)
    assert "test-lag: 1 points were given by hand" in entry.flags[0]


def test_mark_beside_other_automatic_points_is_told(course: Path) -> None:
    """The same work, and a judge that gives more: whoever gave points by hand may want to know."""
    judge = course / "judging" / grading.ASSIGNMENT / "judge.py"
    right = judge.read_text()
    judge.write_text(
        right.replace("lambda end, committed: {p: end[p] - committed.get(p, 0)", "lambda end, committed: {p: 7")
    )
    graded(course)
    mark(course, "test-lag", 2)
    judge.write_text(right)
    entry = again(course)

    assert seen(course, "test-lag") == (2, True)
    assert entry.flags == (
        "test-lag: 2 points were given by hand, and it has 2 automatically now; look whether they still fit.",
    )
    assert entry.needs_human


def test_withdrawn_work_takes_its_mark_along(course: Path) -> None:
    """Nothing of it is shown or counted any more; the mark is in the line."""
    graded(course)
    mark(course)
    folder = course / "submitted" / "ada" / grading.ASSIGNMENT
    shutil.rmtree(folder)
    folder.mkdir()
    entry = again(course)

    assert entry.status == "nothing"
    assert any(line.startswith("why: 2.5 points were given by hand for work that is not there") for line in entry.flags)
    assert seen(course) == (None, True)
    assert not (course / "autograded" / "ada" / grading.ASSIGNMENT).exists()


def test_mark_of_unknown_work_stays_and_is_told(course: Path) -> None:
    """It was graded by nbgrader alone, or by an older version: no mark is lost for that."""
    graded(course)
    mark(course)
    path = course / "autograded" / "ada" / grading.ASSIGNMENT / grading.FILE
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"autograder"', '"other"'))
    entry = graded(course, text="Order within a partition.")

    assert seen(course) == (2.5, True)
    assert "nobody knows for which work" in entry.flags[0]


def test_failure_of_the_judge_keeps_the_mark(course: Path) -> None:
    """When the judge is mended, nobody is asked about marks for the same work, nor told of other automatic points."""
    graded(course)
    mark(course)
    mark(course, "test-lag", 1)
    with judge_that_stops_at_ada(course):
        assert again(course, "bob").status == "failed"
    assert seen(course) == (2.5, False)
    entry = again(course)

    assert (seen(course), seen(course, "test-lag")) == ((2.5, False), (1, False))
    assert (entry.flags, entry.needs_human) == ((), False)


def test_failure_of_the_judge_hides_no_other_work(course: Path) -> None:
    """What was handed in meanwhile is something else: the mark for the older text does not count."""
    graded(course)
    mark(course)
    with judge_that_stops_at_ada(course):
        grading.hand_in(course, "ada", grading.work(course, text="Order within a partition."))
        assert again(course, "bob").status == "failed"
    again(course)

    assert seen(course) == (None, True)


def test_mark_of_a_deck_is_for_the_files(course: Path) -> None:
    """What stands in the cell is made by the judge, and may be made better; another deck is another work."""
    notebooks = {grading.FILE: grading.work(course)}
    mended = {grading.FILE: grading.work(course, text="shown in another way")}
    before = digests({"deck.pdf": b"1", "timestamp.txt": b"1"}, notebooks, ["why"])[grading.FILE]["why"]

    assert digests({"deck.pdf": b"1", "timestamp.txt": b"2"}, mended, ["why"])[grading.FILE]["why"] == before
    assert digests({"deck.pdf": b"2"}, notebooks, ["why"])[grading.FILE]["why"] != before
    assert digests({}, notebooks, ["why"])[grading.FILE]["why"] != before
