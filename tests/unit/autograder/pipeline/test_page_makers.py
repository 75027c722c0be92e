"""Pages of many students: one that never ends costs nobody else anything."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from autograder.pipeline.bounded import Bounded, SpentError
from autograder.pipeline.page_makers import PageMakers


class StandIn:
    """Makes pages of one line each; what it does with a student is told by the name."""

    def __init__(self, root: str, assignment: str) -> None:
        self._root = Path(root)
        self._assignment = assignment

    def notebooks(self, student: str) -> list[str]:
        """The names of those that a student has."""
        if student == "broken":
            raise ValueError("no notebook can be read")
        return ["a.ipynb", "b.ipynb"]

    def write(self, student: str, notebook: str, is_plain: bool) -> None:
        """Write one page, or never end."""
        while student.startswith("endless") and notebook == "a.ipynb" and not is_plain:
            pass
        once = self._root / "killed"
        if student == "killed" and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (self._root / f"{student}-{notebook}").write_text(f"{self._assignment} {is_plain}")

    def pid(self) -> int:
        """The process that it is in."""
        return os.getpid()


def test_make_gives_up_a_page_that_never_ends_and_makes_it_plainly(tmp_path: Path) -> None:
    """Everybody has all pages; who has plain ones is told, and an error is one student's alone."""
    students = ["ada", "endless", "bert", "broken", "endless-2"]
    made = {
        student: (plain, str(error))
        for student, plain, error in PageMakers(tmp_path, "streams", 2, limit_s=0.5, make=StandIn).make(students)
    }

    assert made == {
        "ada": ([], "None"),
        "bert": ([], "None"),
        "broken": ([], "no notebook can be read"),
        "endless": (["a.ipynb"], "None"),
        "endless-2": (["a.ipynb"], "None"),
    }
    assert (tmp_path / "endless-a.ipynb").read_text() == "streams True"
    assert (tmp_path / "endless-b.ipynb").read_text() == "streams False"
    assert (tmp_path / "ada-b.ipynb").read_text() == "streams False"


def test_make_tries_again_when_somebody_else_ended_a_process(tmp_path: Path) -> None:
    """That is not the page's fault."""
    made = list(PageMakers(tmp_path, "streams", 1, make=StandIn).make(["killed"]))

    assert made == [("killed", [], None)]


def test_close_leaves_no_process_behind(tmp_path: Path) -> None:
    """And nothing can be asked any more."""
    bounded = Bounded(5, StandIn, str(tmp_path), "streams")
    pid = bounded.call("pid")
    bounded.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(SpentError):
        bounded.call("pid")
