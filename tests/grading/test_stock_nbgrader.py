"""nbgrader's own commands and pages, on what this autograder wrote: the same marks, and all of them still work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.console import main
from tests.support import grading
from tests.support.ports import free_port
from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "streaming"
c.AssignLatePenalties.plugin_class = "autograder.late.LinearLatePenalty"
c.LinearLatePenalty.percent_per_day = 10
"""
_LATE = {"timestamp.txt": "2026-11-03 13:00:00 UTC"}


def submissions(course: Path) -> None:
    """Honest work of every kind; none writes to standard error, which only stock nbgrader minds."""
    grading.hand_in(course, "right", grading.work(course), **_LATE)
    grading.hand_in(course, "untouched", grading.released(course))
    grading.hand_in(course, "some", grading.work(course, grading.answers(lag="return end", windows="return 1 / 0")))
    grading.hand_in(course, "names", grading.work(course, first="import nothing_of_this_name"))
    one_test_fails = grading.answers(by_key="return {'a': [v for _, v in records]}")
    grading.hand_in(course, "hidden", grading.work(course, one_test_fails), notes="my notes")
    grading.hand_in(course, "prints", grading.work(course, first="print('a' * 5000)\n{'a': 1}"))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that was graded by `autograder grade` with real jails, by nbgrader's own rules."""
    folder = tmp_path_factory.mktemp("stock")
    course = grading.make_course(folder / "course", "asserts", weakest_rung="none")
    (course / "nbgrader_config.py").write_text(_CONFIG)
    assert main(["release", grading.ASSIGNMENT, "--course", str(course)]) == 0
    _set_due(course)
    submissions(course)
    shutil.copytree(course, folder / "stock")
    assert main(["grade", grading.ASSIGNMENT, "--course", str(course), "--workers", "2"]) == 0
    return course


def _set_due(course: Path) -> None:
    from autograder.pipeline.course import open_course

    with open_course(course).gradebook() as gradebook:
        gradebook.update_or_create_assignment(grading.ASSIGNMENT, duedate="2026-11-01 12:00:00 UTC")


def test_marks_are_those_of_stock_nbgrader(graded: Path) -> None:
    """The file of marks is the same, byte for byte, the price of being late included."""
    stock = graded.parent / "stock"
    grading.nbgrader(stock, "autograde", grading.ASSIGNMENT)
    grading.nbgrader(stock, "export")

    ours, theirs = (folder / "grades.csv" for folder in (graded, stock))
    assert ours.read_text() == theirs.read_text()
    assert grading.scores(graded) == grading.scores(stock)
    assert {name: sum(filter(None, cells.values())) for name, cells in grading.scores(graded).items()} == {
        "right": 13,
        "untouched": 0,
        "some": 8,
        "names": 13,
        "hidden": 10,
        "prints": 13,
    }


def test_nbgrader_exports_what_the_autograder_recorded(graded: Path) -> None:
    """Its own exporter reads the same marks out of the gradebook."""
    ours = (graded / "grades.csv").read_text()
    grading.nbgrader(graded, "export", "--to=again.csv")

    assert (graded / "again.csv").read_text() == ours


def test_feedback_is_nbgraders_without_hidden_tests(graded: Path) -> None:
    """Scores, comments and the visible tests are there; lines of hidden tests are nowhere."""
    pages = {path.parts[-3]: path.read_text() for path in (graded / "feedback").rglob("*.html")}
    assert all("Content-Security-Policy" in page and "cdnjs" not in page for page in pages.values())

    assert set(pages) == {"right", "untouched", "some", "names", "hidden", "prints"}
    for page in pages.values():
        assert "Test cell" in page
        assert "forgeable" in page
        assert "b&#39;listens-7&#39;" not in page
        assert "listens-7" not in page
        assert "HIDDEN TESTS" not in page
    assert "A hidden test of this cell did not pass" in pages["hidden"]
    assert "ZeroDivisionError" in pages["some"] or "A hidden test" in pages["some"]


def test_nbgrader_can_autograde_again(graded: Path) -> None:
    """An instructor who goes back to stock nbgrader finds everything as it left it."""
    course = Path(shutil.copytree(graded, graded.parent / "again"))
    grading.nbgrader(course, "autograde", grading.ASSIGNMENT, "--student=some", "--force")
    grading.nbgrader(course, "generate_feedback", grading.ASSIGNMENT, "--student=some", "--force")

    assert grading.scores(course) == grading.scores(graded)


@pytest.fixture
def formgrader(graded: Path) -> Iterator[str]:
    """The address of a Jupyter server with formgrader in the course."""
    port = free_port()
    log = graded.parent / "server.log"
    environment = os.environ | {"HOME": str(graded.parent), "JUPYTER_PREFER_ENV_PATH": "1"}
    command = [
        sys.executable, "-m", "jupyter", "server", "--allow-root", "--no-browser", f"--port={port}", "--port-retries=0",
        "--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
        '--ServerApp.jpserver_extensions={"nbgrader.server_extensions.formgrader": True}',
    ]  # fmt: skip
    with log.open("w") as out, subprocess.Popen(command, cwd=graded, env=environment, stdout=out, stderr=out) as server:
        try:
            wait_until(lambda: _answers(f"http://127.0.0.1:{port}/api"), f"Jupyter's server, see {log}", timeout_s=60)
            yield f"http://127.0.0.1:{port}/formgrader"
        finally:
            server.terminate()


def _answers(url: str) -> bool:
    try:
        return bool(_get(url))
    except OSError:
        return False


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


def test_formgrader_works_on_the_result(formgrader: str) -> None:
    """Its lists know every submission and mark, and a submission can be opened for grading by hand."""
    assignments: list[dict[str, Any]] = json.loads(_get(f"{formgrader}/api/assignments"))
    listed: list[dict[str, Any]] = json.loads(_get(f"{formgrader}/api/submissions/{grading.ASSIGNMENT}"))
    notebooks = json.loads(_get(f"{formgrader}/api/submitted_notebooks/{grading.ASSIGNMENT}/streams"))

    assert [(each["name"], each["num_submissions"]) for each in assignments] == [(grading.ASSIGNMENT, 6)]
    assert {each["student"]: each["score"] for each in listed} == {
        "right": 13, "untouched": 0, "some": 8, "names": 13, "hidden": 10, "prints": 13,
    }  # fmt: skip
    assert all(each["autograded"] for each in listed)
    right = next(each for each in notebooks if each["student"] == "right")
    page = _get(f"{formgrader}/submissions/{right['id']}")
    assert "partition_of" in page
    assert "test-lag" in page
