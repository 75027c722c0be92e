"""The rehearsal of the course's own assignments: submissions named by their fate, graded by the real command."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from autograder.console import main
from autograder.pipeline.batch import open_ledger
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from tests.grading.test_rehearsal import command
from tests.support import decks, ordinary_user, surviving
from tests.support.course import COURSE, changed, solution

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

_PIPELINE = solution("first-pipeline", "first-pipeline.ipynb")
_WRONG_PARTITIONER = ("producer.send(", 'producer.send(partition=int(listen["user"][-1]) % 6, topic=')
_PATCHED = """
class Future:
    def succeeded(self): return True
KafkaProducer.send = lambda *_, **__: Future()
KafkaProducer.flush = lambda *_, **__: None
"""


@dataclasses.dataclass(frozen=True)
class Fate:
    """A submission.

    Attributes:
        assignment: of the course.
        work: the text of all functions, or the files beside the notebook.
        lost: the properties that lose points.
        tells: a text on the student's page.
        flag: a regular expression for a line to the instructor; empty where there is none.
        human: whether somebody has to look.
    """

    assignment: str
    work: str | dict[str, bytes]
    lost: frozenset[str]
    tells: str
    flag: str = ""
    human: bool = False


def _pipeline(text: str, tells: str, *lost: str) -> Fate:
    return Fate("first-pipeline", text, frozenset(lost), tells)


def _surviving(name: str, tells: str) -> Fate:
    _, lost, text = surviving.WRONG[name]
    return Fate("surviving-failure", text, frozenset(lost), tells)


def _deck(tells: str, *lost: str, flag: str = "", human: bool = False, **files: bytes) -> Fate:
    named = {name.replace("_", "."): content for name, content in files.items()}
    return Fate("project-ideation", named, frozenset(lost), tells, flag, human)


_SECTIONS = tuple(title.lower() for title in decks.TITLES)
_SHORT = [(title, "A few words.") if number == 1 else (title, text) for number, (title, text) in enumerate(decks.GOOD)]
FATES = {
    "pipeline-passes-all": _pipeline(_PIPELINE, "All 6 calls gave the right answer."),
    "wrong-partitioner": _pipeline(changed(_PIPELINE, _WRONG_PARTITIONER), "partition", "partition"),
    "monkeypatched-kafka": _pipeline(
        _PIPELINE + _PATCHED, "complete", "complete", "acknowledged", "key", "value", "partition", "order"
    ),
    "surviving-passes-all": Fate("surviving-failure", surviving.SOLUTION, frozenset(), "Every record is in the log"),
    "loses-on-failover": _surviving("acks-one", "lost-write"),
    "duplicates": _surviving("no-idempotence", "duplicate"),
    "deck-passes-all": _deck("4 pages", deck_pdf=decks.pdf()),
    "deck-too-few-words": _deck("has 3 of 25 words", "data source and stream design", deck_pptx=decks.pptx(_SHORT)),
    "deck-of-pictures": _deck(
        "0 of 2, a person decides", "order", *_SECTIONS, flag="only pictures, so its sections were not marked",
        human=True, deck_pdf=decks.picture_pdf(3),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def graded() -> Iterator[tuple[Path, dict[str, Entry], str]]:
    """A copy of the course, in which everybody was graded; the ledger's entries, and what was said."""
    with ordinary_user.folder() as folder:
        course = folder / "course"
        shutil.copytree(COURSE, course, ignore=shutil.ignore_patterns("release", "*.db", ".autograder"))
        said = ""
        for assignment in dict.fromkeys(fate.assignment for fate in FATES.values()):
            _once(course, assignment)
            assert main(["release", assignment, "--course", str(course)]) == 0
        for name, fate in FATES.items():
            hand_in(course, name, fate)
        ordinary_user.give(folder)
        entries: dict[str, Entry] = {}
        for assignment in dict.fromkeys(fate.assignment for fate in FATES.values()):
            said += command(course, "grade", assignment, "--workers", "2")[1]
            entries |= open_ledger(open_course(course)).latest(assignment)
        yield course, entries, said


def _once(course: Path, assignment: str) -> None:
    """Play each run with one seed; that the worst of several counts is tested elsewhere."""
    path = course / "judging" / assignment / "assignment.yaml"
    described = yaml.safe_load(path.read_text(encoding="utf-8"))
    if "arena" in described:
        described["arena"]["seeds"] = 1
        path.write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")


def hand_in(course: Path, student: str, fate: Fate) -> None:
    """Put work where it is collected: the functions in the last cell for them, or files."""
    release = course / "release" / fate.assignment
    folder = course / "submitted" / student / fate.assignment
    folder.mkdir(parents=True)
    (path,) = release.glob("*.ipynb")
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(fate.work, str):
        marks = [cell["metadata"].get("nbgrader", {}) for cell in notebook["cells"]]
        last = max(number for number, each in enumerate(marks) if each.get("solution"))
        notebook["cells"][last]["source"] = fate.work
    else:
        for name, content in fate.work.items():
            (folder / name).write_bytes(content)
    (folder / path.name).write_text(json.dumps(notebook), encoding="utf-8")


@pytest.mark.parametrize("name", FATES)
def test_fate(graded: tuple[Path, dict[str, Entry], str], name: str) -> None:
    """Exactly the right properties lose points, and the page says why."""
    course, entries, said = graded
    fate = FATES[name]
    assert name in entries, said
    entry = entries[name]
    assert entry.status == "graded", entry.trouble
    lost = {score.name: (score.reason, score.proof) for score in entry.scores if score.points < score.of}
    assert set(lost) == fate.lost, lost
    assert all(score.reason for score in entry.scores)
    flags = [line for line in entry.flags if "shown as their texts" not in line]  # where LibreOffice cannot be used
    assert bool(fate.flag) is bool(flags)
    assert not fate.flag or any(re.search(fate.flag, line) for line in entry.flags)
    assert entry.needs_human is fate.human
    (page,) = (course / "feedback" / name / fate.assignment).glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert fate.tells in text
    for reason, _ in lost.values():
        assert reason.split("'")[0][:40] in text


def test_deck_of_pictures_is_counted_and_left_open(graded: tuple[Path, dict[str, Entry], str]) -> None:
    """The last line says that somebody has to look; the cell has no mark, which is not 0, and the pages are shown."""
    course, _, said = graded
    assert "To be looked at: 1. `autograder report project-ideation` lists them with the reasons." in said
    assert "deck-of-pictures: at least 1 of 10 points; a person decides about the rest." in said
    with open_course(course).gradebook() as gradebook:
        grade = gradebook.find_grade("deck-structure", "deck", "project-ideation", "deck-of-pictures")
        assert (grade.auto_score, grade.manual_score, grade.needs_manual_grade) == (1, None, True)
