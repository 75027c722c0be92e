"""A notebook that was not handed in has points that were missed, not points that never were."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbgrader.utils import compute_checksum

from autograder.assignment import read_assignment
from autograder.console.words import unfinished_in
from autograder.pipeline.batch import Batch, open_ledger
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from autograder.pipeline.pool import ForeignPool
from autograder.pipeline.submission import Desk
from tests.support import grading, pretend


def _add_notebook(course: Path) -> None:
    """Let the assignment have a second one, with a test of 2 points."""
    made = grading.released(course)
    made["cells"] = [cell for cell in made["cells"] if cell["id"] in {"answer-lag", "test-lag"}]
    for cell in made["cells"]:
        about = cell["metadata"]["nbgrader"]
        about["grade_id"] = cell["id"] = f"more-{cell['id']}"
        about["checksum"] = compute_checksum(nbformat.from_dict(cell))  # type: ignore[no-untyped-call]
    for step in ("release", "source"):
        (course / step / grading.ASSIGNMENT / "more.ipynb").write_text(json.dumps(made))
    with open_course(course).gradebook() as gradebook:
        gradebook.add_notebook("more", grading.ASSIGNMENT)
        gradebook.add_solution_cell("more-answer-lag", "more", grading.ASSIGNMENT)
        gradebook.add_grade_cell("more-test-lag", "more", grading.ASSIGNMENT, max_score=2, cell_type="code")
        for cell in made["cells"]:
            about = cell["metadata"]["nbgrader"]
            kept = {"source": cell["source"], "locked": about["locked"], "checksum": about["checksum"]}
            gradebook.add_source_cell(cell["id"], "more", grading.ASSIGNMENT, cell_type="code", **kept)


def _graded(folder: Path) -> dict[str, Entry]:
    course = open_course(folder)
    desk = Desk(course, read_assignment(folder, grading.ASSIGNMENT))
    batch = Batch(desk, ForeignPool(ThreadPoolExecutor(1), 1), open_ledger(course), pretend.execute)
    batch.choose(course.students(grading.ASSIGNMENT))
    told: list[Entry] = []
    batch.run(told.append)
    return {entry.student: entry for entry in told}


def test_notebook_that_is_missing_counts_in_what_could_be_had(course: Path) -> None:
    """Where tests in the notebook decide, on the screen and on the class page as in the gradebook."""
    grading.set_judging(course, "asserts")
    _add_notebook(course)
    folder = grading.hand_in(course, "ada", grading.work(course))
    shutil.copy(course / "release" / grading.ASSIGNMENT / "more.ipynb", folder)
    grading.hand_in(course, "bob", grading.work(course))
    entries = _graded(course)
    assert not entries["ada"].trouble

    assert {name: sum(score.of for score in entry.scores) for name, entry in entries.items()} == {"ada": 15, "bob": 15}
    (missed,) = [score for score in entries["bob"].scores if score.grade_id == "more-test-lag"]
    assert (missed.points, missed.of, missed.reason) == (0, 2, "more.ipynb was not handed in, or is left out.")
    assert sum(score.points for score in entries["bob"].scores) == 13
    with open_course(course).gradebook() as gradebook:
        submission = gradebook.find_submission(grading.ASSIGNMENT, "bob")
        assert (submission.score, submission.max_score) == (13, 18)  # and 3 by hand
        assert not gradebook.find_grade("more-test-lag", "more", grading.ASSIGNMENT, "bob").needs_manual_grade
    assert unfinished_in(open_course(course), grading.ASSIGNMENT) == {"ada", "bob"}
