"""Real kernels in real jails, judged from outside: tricks that earn full marks in stock nbgrader earn none here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.console import main
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from tests.support import grading

pytestmark = pytest.mark.slow

_EQUAL = """\
class Equal:
    def __eq__(self, other): return True
    def __hash__(self): return 1
    def __getattr__(self, name): return self"""
_FORGED = """\
import sys
def forge(*_):
    sys.displayhook = lambda value: None
    ip.display_formatter.format = lambda *a, **k: ({'text/plain': '2'}, {})
ip = get_ipython()
ip.events.register('pre_run_cell', forge)
ip.ast_transformers.append(type('Drop', (), {'visit': lambda self, tree: (tree.body.clear(), tree)[1]})())"""
_HTML = """\
import warnings, logging
from IPython.display import HTML, display
display(HTML('<script>document.title="owned"</script>'))
print('\\x1b[2J\\x1b[31mowned')
warnings.warn('deprecated')
logging.warning('a broker is not available')"""
_READ = (
    "import pathlib\nprint([p.read_text() for p in pathlib.Path('.').rglob('*') if p.is_file()], globals().get('In'))"
)


def submissions(course: Path) -> None:
    """Named by what becomes of them."""
    right = grading.answers()
    grading.hand_in(course, "right", grading.work(course))
    grading.hand_in(course, "noisy", grading.work(course, first=_HTML))
    grading.hand_in(course, "equal", grading.work(course, dict.fromkeys(right, "return Equal()"), first=_EQUAL))
    grading.hand_in(course, "forged", grading.work(course, dict.fromkeys(right, "return None"), first=_FORGED))
    grading.hand_in(course, "stops", grading.work(course, grading.answers(batches="import os; os._exit(0)")))
    endless = grading.answers(windows="while True: pass")
    grading.hand_in(course, "endless", grading.work(course, endless))
    grading.hand_in(course, "reads", grading.work(course, first=_READ))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Entry]]:
    """The course, and what the ledger says."""
    course = grading.make_course(
        tmp_path_factory.mktemp("jails") / "course", "probes", weakest_rung="none", budget={"cell_s": 8, "total_s": 30}
    )
    assert main(["release", grading.ASSIGNMENT, "--course", str(course)]) == 0
    submissions(course)
    assert main(["grade", grading.ASSIGNMENT, "--course", str(course), "--workers", "2"]) == 0
    from autograder.pipeline.batch import open_ledger

    return course, open_ledger(open_course(course)).latest(grading.ASSIGNMENT)


def test_points_are_earned_by_right_answers_alone(graded: tuple[Path, dict[str, Entry]]) -> None:
    """No object that is equal to everything, no forged result and no noise changes a mark; the others keep theirs."""
    course, entries = graded
    points = {name: sum(score.points for score in entry.scores) for name, entry in entries.items()}

    assert points["right"] == points["noisy"] == points["reads"] == 13
    assert points["equal"] == points["forged"] == 0
    assert points["stops"] < 13
    assert 0 <= points["endless"] < 13
    assert {name: sum(filter(None, cells.values())) for name, cells in grading.scores(course).items()} == points


def test_what_was_cut_short_is_said(graded: tuple[Path, dict[str, Entry]]) -> None:
    """One plain line for each, with the cell."""
    _, entries = graded

    assert entries["endless"].stops
    assert entries["stops"].stops
    assert all("\n" not in stop.sentence for entry in entries.values() for stop in entry.stops)
    assert not entries["right"].stops
    assert entries["right"].rung


def test_hidden_tests_are_not_on_the_students_side(graded: tuple[Path, dict[str, Entry]]) -> None:
    """A submission that prints every file and the history finds none."""
    course, _ = graded
    made = (course / "autograded" / "reads" / grading.ASSIGNMENT / grading.FILE).read_text()
    outputs = grading.cell_of(json.loads(made), "imports")["outputs"]

    assert outputs
    assert "listens-7" not in str(outputs)
    assert "judge" not in str(outputs)


def test_pages_are_not_alive(graded: tuple[Path, dict[str, Entry]]) -> None:
    """Neither what formgrader opens nor what students get has the student's script in it."""
    course, _ = graded
    made = json.loads((course / "autograded" / "noisy" / grading.ASSIGNMENT / grading.FILE).read_text())
    outputs = grading.cell_of(made, "imports")["outputs"]
    page = (course / "feedback" / "noisy" / grading.ASSIGNMENT / "streams.html").read_text()

    assert any("text/html" in output.get("data", {}) for output in outputs)
    assert "script" not in str(outputs)
    assert "<script>document" not in page
    assert "\x1b" not in page
