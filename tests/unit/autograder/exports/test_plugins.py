"""The exports, with a gradebook of nbgrader's own and students whose names are made to break a CSV file."""

from __future__ import annotations

import csv
import datetime as dt
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import Config

from autograder.exports import CanvasExport, MoodleExport, SafeCsvExport
from autograder.exports.cells import number, text

DUE = dt.datetime(2026, 11, 1, tzinfo=dt.UTC).replace(tzinfo=None)  # nbgrader keeps UTC without saying so
HONEST = {
    "ada": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org", "lms_user_id": "17"},
    "bob": {"first_name": "Bob", "last_name": "Möller", "email": None, "lms_user_id": "B-22"},
    "eve": {"first_name": None, "last_name": None, "email": "eve@example.org", "lms_user_id": None},
}
HOSTILE = {
    '=cmd|"/C calc"!A0': {"first_name": "Smith, John", "last_name": 'the "Rock"', "email": "@SUM(1+1)"},
    "$(rm -rf ~);`id`": {"first_name": "two\nlines\x1b[31m", "last_name": "\t=1+1", "lms_user_id": "-7"},
    "＝1+1": {"first_name": " =HYPERLINK()", "last_name": "O'Neil-Smith"},
}


pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")  # nbgrader's own, of SQLAlchemy


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two assignments of one notebook with two points each; Ada has handed in both, Bob the first, late."""
    path = tmp_path_factory.mktemp("made") / "gradebook.db"
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader makes its tables with the command `alembic`, which is where this Python is.
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        book = Gradebook(f"sqlite:///{path}")
    with book:
        for name in ("hw1", "hw2"):
            book.add_assignment(name, duedate=DUE)
            book.add_notebook("work", name)
            book.add_grade_cell("cell", "work", name, max_score=2, cell_type="code")
        for name, about in HONEST.items():
            book.add_student(name, **about)
        _hand_in(book, "hw1", "ada", 2.0)
        _hand_in(book, "hw2", "ada", 1.5)
        _hand_in(book, "hw1", "bob", 1.0, penalty=0.25)
    return path


@pytest.fixture
def gradebook(made_once: Path, tmp_path: Path) -> Iterator[Gradebook]:
    """A copy of it for one test."""
    shutil.copy(made_once, tmp_path / "gradebook.db")
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as book:
        yield book


def _hand_in(book: Gradebook, assignment: str, student: str, score: float, penalty: float | None = None) -> None:
    book.add_submission(assignment, student, timestamp=DUE + dt.timedelta(days=1))
    grade = book.find_grade("cell", "work", assignment, student)
    grade.auto_score, grade.needs_manual_grade = score, False
    book.find_submission_notebook("work", assignment, student).late_submission_penalty = penalty
    book.db.commit()


def _table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_safe_csv_is_nbgraders_own_for_harmless_names(gradebook: Gradebook, tmp_path: Path) -> None:
    """Byte for byte what nbgrader writes, so whatever reads the one reads the other."""
    CsvExportPlugin(to=str(tmp_path / "stock.csv")).export(gradebook)
    SafeCsvExport(to=str(tmp_path / "ours.csv")).export(gradebook)

    assert (tmp_path / "ours.csv").read_text("utf-8") == (tmp_path / "stock.csv").read_text("utf-8")


@pytest.mark.parametrize("plugin", [SafeCsvExport, CanvasExport, MoodleExport])
def test_export_lets_no_name_be_a_formula_or_a_column(plugin: type, gradebook: Gradebook, tmp_path: Path) -> None:
    """Whatever students are called, each row has its columns and no cell begins a formula."""
    for name, about in HOSTILE.items():
        gradebook.add_student(name, **about)

    plugin(to=str(tmp_path / "out.csv")).export(gradebook)

    rows = _table(tmp_path / "out.csv")
    cells = [cell for row in rows for cell in row]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [cell for cell in cells if cell.strip()[:1] in set("=+-@＝")] == []
    assert all(cell.isprintable() for cell in cells)
    assert any('\'=cmd|"/C calc"!A0' in cell for cell in cells)
    assert any("$(rm -rf ~);`id`" in cell for cell in cells)


def test_canvas_export_has_the_columns_that_canvas_asks_for(gradebook: Gradebook, tmp_path: Path) -> None:
    """Students by Canvas's number or by what the school calls them, assignments by the names given for them."""
    config = Config({"CanvasExport": {"columns": {"hw1": "Homework 1 (4711)"}, "section": "S1"}})

    CanvasExport(config=config, to=str(tmp_path / "out.csv")).export(gradebook)

    assert _table(tmp_path / "out.csv") == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework 1 (4711)", "hw2"],
        ["    Points Possible", "", "", "", "", "2", "2"],
        ["eve", "", "", "eve", "S1", "0", "0"],
        ["Lovelace, Ada", "17", "", "ada", "S1", "2", "1.5"],
        ["Möller, Bob", "", "B-22", "bob", "S1", "0.75", "0"],
    ]


def test_moodle_export_has_what_moodle_can_map(gradebook: Gradebook, tmp_path: Path) -> None:
    """Three columns that know a student; where nothing was handed in it can stay empty."""
    MoodleExport(to=str(tmp_path / "out.csv"), missing="blank").export(gradebook)

    assert _table(tmp_path / "out.csv") == [
        ["Username", "ID number", "First name", "Last name", "Email address", "hw1", "hw2"],
        ["eve", "", "", "", "eve@example.org", "", ""],
        ["ada", "17", "Ada", "Lovelace", "ada@example.org", "2", "1.5"],
        ["bob", "B-22", "Bob", "Möller", "", "0.75", ""],
    ]


def test_export_takes_only_whom_and_what_was_asked_for(gradebook: Gradebook, tmp_path: Path) -> None:
    """The options of nbgrader choose students and assignments."""
    MoodleExport(to=str(tmp_path / "out.csv"), student=["bob"], assignment=["hw2"]).export(gradebook)

    assert [row[0] for row in _table(tmp_path / "out.csv")] == ["Username", "bob"]
    assert _table(tmp_path / "out.csv")[0][5:] == ["hw2"]


def test_export_tells_what_is_not_the_last_word(
    gradebook: Gradebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Half-graded work and names that an LMS will not know are a plain line each."""
    gradebook.find_grade("cell", "work", "hw1", "ada").needs_manual_grade = True
    gradebook.db.commit()
    gradebook.add_student("=x")
    plugin = MoodleExport(to=str(tmp_path / "out.csv"))
    plugin.log.propagate = True

    with caplog.at_level("WARNING"):
        plugin.export(gradebook)

    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "hw1: submissions still to be graded by hand: 1; their points may change.",
        (
            "The id of student '=x would be a formula in a spreadsheet; it was written with an apostrophe before it, "
            "and the LMS will not know it."
        ),
        (
            "Without ID number and email address, so Moodle can only look for a username of that name: '=x. Give "
            "numbers by `nbgrader db student import FILE.csv`, with the columns id and lms_user_id."
        ),
    ]


def test_canvas_export_tells_whom_canvas_may_not_know(
    gradebook: Gradebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line about all rows without a number, and how to give numbers; one about a number that two have."""
    for name in "nopqrs":
        gradebook.add_student(name)
    gradebook.add_student("ada-17", lms_user_id="17")
    plugin = CanvasExport(to=str(tmp_path / "out.csv"))
    plugin.log.propagate = True

    with caplog.at_level("WARNING"):
        plugin.export(gradebook)

    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 2
    assert ": eve, n, o, p, q and 2 more. Give numbers by `nbgrader db student import" in told[0]
    assert told[1] == "ada-17, ada have the same number 17: Canvas would take all rows for one student."


def test_columns_of_the_advice_give_numbers(gradebook: Gradebook, tmp_path: Path) -> None:
    """What the line says works, and leaves names and addresses as they are."""
    from nbgrader.apps.dbapp import DbStudentImportApp

    (tmp_path / "numbers.csv").write_text("id,lms_user_id\neve,23\n")
    app = DbStudentImportApp(config=Config({"CourseDirectory": {"db_url": str(gradebook.engine.url)}}))
    app.initialize([str(tmp_path / "numbers.csv")])
    app.start()
    gradebook.db.expire_all()

    assert (gradebook.find_student("eve").lms_user_id, gradebook.find_student("eve").email) == (
        "23", "eve@example.org"
    )  # fmt: skip


def test_export_writes_all_or_nothing(gradebook: Gradebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When something fails half-way, the file of last time is there as it was, and nothing else."""
    (tmp_path / "out.csv").write_text("last time", encoding="utf-8")

    def rows(*_: object) -> Iterator[list[str]]:
        yield ["half"]
        raise OSError("the disk is full")

    monkeypatch.setattr(MoodleExport, "rows", rows)
    with pytest.raises(OSError, match="full"):
        MoodleExport(to=str(tmp_path / "out.csv")).export(gradebook)

    assert (tmp_path / "out.csv").read_text("utf-8") == "last time"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gradebook.db", "out.csv"]


def test_export_is_for_the_instructor_alone(gradebook: Gradebook, tmp_path: Path) -> None:
    """Other people of the computer cannot read the marks."""
    MoodleExport(to=str(tmp_path / "out.csv")).export(gradebook)

    assert (tmp_path / "out.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Ada", "Ada"),
        ("=1", "'=1"),
        ("+49", "'+49"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("＠x", "'＠x"),
        ("a=1", "a=1"),
        ("a\r\nb", "a  b"),
        (None, ""),
        ("", ""),
        ("O'Neil", "O'Neil"),
    ],
)
def test_text_is_never_a_formula(value: str | None, shown: str) -> None:
    """An apostrophe stands before what a spreadsheet would calculate."""
    assert text(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(2.0, "2"), (0.1 + 0.2, "0.3"), (100.0, "100"), (-0.0, "0"), (1.25, "1.25")]
)
def test_number_has_no_digits_that_are_not_needed(value: float, shown: str) -> None:
    """What a person would write."""
    assert number(value) == shown
