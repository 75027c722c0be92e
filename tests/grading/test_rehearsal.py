"""The rehearsal: more than fifty submissions named by their fate, graded by the real command as an ordinary user."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from autograder.console import main
from autograder.pipeline.batch import open_ledger
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from tests.support import fates, grading, ordinary_user
from tests.support.fates import FATES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

_BUDGET = {"cell_s": 3, "total_s": 12, "disk_mib": 32, "file_mib": 16}
_LATE = {"grace_hours": 0, "percent_per_day": 10, "by_whole_days": True, "most_percent": 50}


@dataclass(frozen=True)
class Graded:
    """What came of it: the course, what the commands said, and the ledger."""

    course: Path
    status: int
    said: str
    entries: dict[str, Entry]

    def page(self, student: str) -> str:
        """A student's page."""
        return (self.course / "feedback" / student / grading.ASSIGNMENT / "streams.html").read_text()


class Alive(HTMLParser):
    """Finds what a browser would run that no template of ours has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note events, and addresses that are programs."""
        self._in_script = tag == "script"
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        """Note scripts that a student wrote."""
        if self._in_script and re.search(r"alert\(|owned", data):
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - any of them
        """The end of a script."""
        self._in_script = False


def command(course: Path, *words: str) -> tuple[int, str]:
    """Run ``autograder`` as the ordinary user; its exit status and what it printed."""
    home = {"env": {"HOME": str(course.parent)}}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with ordinary_user.start("autograder.console", [*words, "--course", str(course)], **home, **pipes) as process:
        said, _ = process.communicate()
    return process.returncode, said


@pytest.fixture(scope="module")
def graded() -> Iterator[Graded]:
    """Everybody, graded at once."""
    with ordinary_user.folder() as folder:
        course = grading.make_course(folder / "course", "probes", budget=_BUDGET, late=_LATE)
        assert main(["release", grading.ASSIGNMENT, "--course", str(course)]) == 0
        with open_course(course).gradebook() as gradebook:
            gradebook.update_or_create_assignment(grading.ASSIGNMENT, duedate="2026-11-01 12:00:00 UTC")
        for name, fate in FATES.items():
            fate.make(course, fate.student or name)
        ordinary_user.give(folder)
        status, said = command(course, "grade", grading.ASSIGNMENT, "--workers", "2")
        ledger = open_ledger(open_course(course)).latest(grading.ASSIGNMENT)
        yield Graded(course, status, said, ledger)


def test_everybody_is_there(graded: Graded) -> None:
    """One whose folder is a link has no marks, and the command says so; nobody else is missing."""
    assert len(FATES) >= 40
    assert set(graded.entries) == {fate.student or name for name, fate in FATES.items()}, graded.said
    assert (graded.status, [name for name, entry in graded.entries.items() if entry.status == "failed"]) == (
        3,
        ["linked-folder"],
    ), graded.said


@pytest.mark.parametrize("name", FATES)
def test_fate(graded: Graded, name: str) -> None:
    """The mark, the flags, the stops and the sentence on the page are those that this submission has to get."""
    fate = FATES[name]
    entry = graded.entries[fate.student or name]
    assert sum(score.points for score in entry.scores) == pytest.approx(fate.points), entry
    assert _found(fate.flag, entry.flags), entry.flags
    assert _found(fate.stop, [stop.sentence for stop in entry.stops]), entry.stops
    assert fate.fails in entry.trouble
    assert bool(fate.fails) is bool(entry.trouble)
    for line in (*entry.flags, *(stop.sentence for stop in entry.stops), entry.trouble):
        assert line.isprintable()
    assert (entry.status == "graded") is bool(fate.tells)
    if fate.tells:
        assert fate.tells in graded.page(entry.student)
        assert entry.rung in {"landlock", "bubblewrap", "namespaces"}
    else:
        assert entry.needs_human


def _found(pattern: str, lines: object) -> bool:
    """Whether a line is there that must be, and none where there must be none."""
    told = list(lines)  # type: ignore[call-overload]
    return any(re.search(pattern, line) for line in told) if pattern else not told


def test_gradebook_says_the_same(graded: Graded) -> None:
    """The gradebook's marks are those of the judge; being late costs what the assignment says."""
    book = {name: sum(filter(None, cells.values())) for name, cells in grading.scores(graded.course).items()}
    for name, fate in FATES.items():
        assert book.get(fate.student or name, 0.0) == pytest.approx(fate.points), name
    with (graded.course / "grades.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert float(rows["passes-all"]["score"]) == fates.ALL
    assert float(rows["late"]["raw_score"]) == fates.ALL
    assert float(rows["late"]["score"]) < fates.ALL
    assert not any(value.startswith(("=", "+", "@")) for row in rows.values() for value in row.values())


def test_nothing_of_a_student_is_alive(graded: Graded) -> None:
    """No script, no colour of a terminal, no command of a name got anywhere."""
    for name in ("html-injection", "html-in-an-answer", "ansi"):
        page = graded.page(name)
        alive = Alive()
        alive.feed(page)
        assert alive.found == [], name
        assert "\x1b" not in page
    assert "\x1b" not in graded.said
    assert not list(graded.course.parent.rglob("owned"))
    assert "root:" not in "".join(path.read_text() for path in (graded.course / "autograded").rglob("*.txt"))


def test_copies_are_told_and_others_are_not(graded: Graded) -> None:
    """The class page names who has the same code; `explain` says why points are missing."""
    status, said = command(graded.course, "report", grading.ASSIGNMENT)
    assert status == 0, said
    page = (graded.course / f"report-{grading.ASSIGNMENT}.html").read_text()
    assert "copied-from-classmate" in page
    status, said = command(graded.course, "explain", "infinite-loop")
    assert status == 0
    assert "no answer" in said
    assert "was interrupted" in said


def test_grading_again_runs_nothing(graded: Graded) -> None:
    """Only the one without marks is tried again."""
    status, said = command(graded.course, "grade", grading.ASSIGNMENT, "--no-feedback")
    assert status == 3
    assert f"{len(FATES) - 1} unchanged" in said
