"""Assignment 3: a right deck has all points of its structure, none has 0, and each planted mistake loses its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.assignment import read_assignment
from autograder.deck import LECTURE, notebook, office
from autograder.job import Outcome
from autograder.judge import Look
from autograder.judge.script import Script
from autograder.pipeline.batch import Batch, open_ledger
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from autograder.pipeline.pool import LocalPool
from autograder.pipeline.releasing import leaks, release
from autograder.pipeline.submission import Desk
from tests.support import decks, formgrader, pretend
from tests.support.course import COURSE, Scores, lost

NAME = "project-ideation"
IDEA, SOURCE, PRODUCERS, CONSUMERS = (section.name for section in LECTURE.sections)
SCRIPT = Script.of(read_assignment(COURSE, NAME))


def judged(**files: bytes) -> Scores:
    """What a student gets who handed these decks in, by the name of the property."""
    named = {name.replace("_", "."): content for name, content in files.items()}
    return {score.name: score for score in SCRIPT.judge(Outcome("ann", NAME, 7, "none", {}), 7, named)}


def slides(*, without: int | None = None, short: int | None = None) -> decks.Slides:
    """The right slides, but one without its title, or one with few words."""
    return [
        ("Something else" if number == without else title, "A few words." if number == short else text)
        for number, (title, text) in enumerate(decks.GOOD)
    ]


def test_the_notebook_is_the_one_that_the_rubric_makes() -> None:
    """What students are asked for cannot differ from what is marked."""
    assert nbformat.read(COURSE / "source" / NAME / notebook.NAME, as_version=4) == notebook.release()


@pytest.mark.parametrize("deck", [{"deck_pdf": decks.pdf()}, {"deck_pptx": decks.pptx()}, {"Mine_PDF": decks.pdf()}])
def test_a_right_deck_has_all_points(deck: dict[str, bytes]) -> None:
    """Whatever program it was made with, also under a name of its own."""
    scores = judged(**deck)
    assert lost(scores) == set()
    assert sum(score.points for score in scores.values()) == LECTURE.structure_points == 10


def test_no_deck_has_no_points() -> None:
    """And the same reason everywhere."""
    scores = judged(notes_txt=b"My deck is in the cloud.")
    assert sum(score.points for score in scores.values()) == 0
    assert {score.reason for score in scores.values()} == set(SCRIPT.flags({}, 7))
    assert not any(score.needs_human for score in scores.values())


def test_a_deck_of_another_kind_is_for_a_person() -> None:
    """It was handed in, so it is no certain 0, and a line names it."""
    scores = judged(deck_odp=b"PK", notes_txt=b"")
    assert all(score.points == 0 and score.needs_human for score in scores.values())
    (line,) = SCRIPT.flags({"deck.odp": b"PK", "notes.txt": b""}, 7)
    assert isinstance(line, Look)
    assert "There is deck.odp, which cannot be read here." in line


MORE: decks.Slides = [("Thank you", "Questions?")] * 3
WRONG = {
    "three pages too many": ({"pages"}, [*decks.GOOD, *MORE]),
    "a section is missing": ({"order", PRODUCERS}, slides(without=2)),
    "in another order": ({"order"}, [decks.GOOD[number] for number in (0, 2, 1, 3)]),
    "too few words": ({SOURCE}, slides(short=1)),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("make", [decks.pdf, decks.pptx])
def test_a_planted_mistake_loses_its_own_points(name: str, make: type[bytes]) -> None:
    """And no other, in both formats."""
    expected, wrong = WRONG[name]
    kind = "deck_pdf" if make is decks.pdf else "deck_pptx"
    scores = judged(**{kind: make(wrong)})  # type: ignore[arg-type]
    assert lost(scores) == expected
    assert not any(score.needs_human for score in scores.values())


def test_slides_that_are_shown_as_text_are_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """`grade` and `explain` say why they do not look as they do; nobody is asked to look for that alone."""
    monkeypatch.setattr(office, "program", lambda: None)
    (line,) = SCRIPT.flags({"deck.pptx": decks.pptx([("Title", "Some words."), *decks.GOOD[1:]])}, 7)
    assert line == (
        "deck.pptx: the slides are shown as their texts and pictures, not as they look: "
        "LibreOffice is not installed here."
    )
    assert not isinstance(line, Look)
    assert SCRIPT.flags({"deck.pdf": decks.pdf()}, 7) == ()


def bomb() -> bytes:
    """A PPTX of a few hundred kilobytes that says that it unfolds to 250 MB."""
    return decks.changed(decks.pptx(), {"ppt/media/picture.bin": bytes(250_000_000)})


def test_what_cannot_be_read_is_left_to_a_person() -> None:
    """Pictures of text and a bomb have no zero: each property that is not certain says so."""
    pictures = judged(deck_pdf=decks.picture_pdf(3))
    refused = judged(deck_pptx=bomb())

    assert {name for name, score in pictures.items() if score.needs_human} == set(pictures) - {"pages"}
    assert pictures["pages"].points == 1
    assert all(score.needs_human for score in refused.values())


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Entry]]:
    """The course with a few students' decks, graded; there is nothing in them for a jail to hold."""
    root = tmp_path_factory.mktemp("ideation") / "course"
    for part in (f"source/{NAME}", f"judging/{NAME}"):
        shutil.copytree(COURSE / part, root / part)
    shutil.copy(COURSE / "nbgrader_config.py", root)
    course, assignment = open_course(root), read_assignment(root, NAME)
    release(course, assignment)
    assert leaks(course, assignment) == []
    handed_in = {
        "right": {"deck.pdf": decks.pdf()},
        "pictures": {"deck.pdf": decks.picture_pdf(3)},
        "bomb": {"deck.pptx": bomb()},
        "none": {"deck.ipynb": (root / "release" / NAME / "deck.ipynb").read_bytes()},
        "large": {"deck.pdf": b"%PDF-" + bytes(20_000_001)},
    }
    for student, files in handed_in.items():
        place = root / "submitted" / student / NAME
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
    batch = Batch(Desk(course, assignment), LocalPool(2), open_ledger(course), pretend.execute)
    batch.choose(course.students(NAME))
    entries: list[Entry] = []
    batch.run(entries.append)
    return root, {entry.student: entry for entry in entries}


def test_flags_say_who_needs_a_person(graded: tuple[Path, dict[str, Entry]]) -> None:
    """The one without a deck has a 0 and a line; those that could not be read have a line and no 0."""
    root, entries = graded
    assert {name: entry.needs_human for name, entry in entries.items()} == {
        "right": False, "pictures": True, "bomb": True, "none": False, "large": True,
    }  # fmt: skip
    assert not entries["right"].flags
    assert all(len(entries[name].flags) == 1 for name in ("pictures", "bomb", "none")), entries
    with open_course(root).gradebook() as gradebook:
        found = {name: gradebook.find_grade("deck-structure", "deck", NAME, name) for name in entries}
        marks = {name: (grade.auto_score, bool(grade.needs_manual_grade)) for name, grade in found.items()}
    assert marks == {
        "right": (10, False), "pictures": (1, True), "bomb": (None, True), "none": (0, False), "large": (None, True),
    }  # fmt: skip


def test_formgrader_shows_the_pages_beside_the_rubric(graded: tuple[Path, dict[str, Entry]]) -> None:
    """Whoever marks by hand sees what was handed in, what was checked, and the questions to answer."""
    root, _ = graded
    text = (root / "autograded" / "right" / NAME / "deck.ipynb").read_text()
    page = formgrader.page(nbformat.reads(text, as_version=4))

    assert page.count("data:image/png;base64,") == 4
    assert all(criterion.question in page for criterion in LECTURE.criteria)
    assert "10 of 10 points" in page
    with open_course(root).gradebook() as gradebook:
        assert gradebook.find_grade("deck", "deck", NAME, "right").needs_manual_grade
