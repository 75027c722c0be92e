"""Pages of many students: one that never ends costs nobody else anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.pipeline.bounded import Bounded, SpentError
from autograder.pipeline.feedback import Plainly
from autograder.pipeline.page_makers import PageMakers
from tests.support.page_stand_in import StandIn


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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the memory of a process against its limit")
def test_make_gives_up_a_page_that_takes_all_memory_and_makes_it_plainly(tmp_path: Path) -> None:
    """And the process makes the next page with memory that nothing holds any more."""
    made = list(PageMakers(tmp_path, "streams", 1, make=StandIn).make(["huge", "ada"]))

    assert sorted(made) == [("ada", [], None), ("huge", ["a.ipynb"], None)]
    assert (tmp_path / "huge-a.ipynb").read_text() == "streams True"


def test_plainly_leaves_marks_reasons_and_every_text() -> None:
    """Only what takes time to show is gone; the last page that can be made has all of it."""
    scored = new_output("execute_result", data={"text/plain": "2.0", "text/html": "<td>reason</td>"})
    shouted = new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m")
    cells = [new_markdown_cell("[a](b) <i>"), new_code_cell("%%html\n<a ", outputs=[scored, shouted])]
    made, _ = Plainly().preprocess(new_notebook(cells=cells), {})
    page = nbformat.writes(made)

    assert "without colours" in made.cells[0].source
    assert made.cells[1].source == "<pre>&#91;a](b) &lt;i&gt;</pre>"
    assert made.cells[2].source == "%%html\n<a "
    assert made.cells[2].metadata.magics_language == "text"
    assert "<td>reason</td>" in page
    assert made.cells[2].outputs[1].text == "red"


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
