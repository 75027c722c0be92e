"""`check`: whole decks, as students' programs write them, read in a process of its own."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from pptx import Presentation

from autograder.deck import DeckLimits, check, check_bytes
from tests.support import decks


@pytest.mark.parametrize(("name", "deck"), [("good.pdf", decks.pdf()), ("good.pptx", decks.pptx())])
def test_check_gives_full_points_to_a_deck_with_everything(name: str, deck: bytes, tmp_path: Path) -> None:
    """Four pages, the four titles in order and enough words: all points, a reason for each, and nothing to look at."""
    (tmp_path / name).write_bytes(deck)

    report = check(tmp_path / name)

    assert report.line == f"{name}: 10 of 10 points; everything asked for is there."
    assert [each.points for each in report.properties] == [1, 1, 2, 2, 2, 2]
    assert all(each.reason for each in report.properties)
    assert (report.kind, report.pages, report.notes, report.needs_human) == (name.split(".")[1], 4, (), False)


def test_check_goes_by_the_content_and_not_by_the_name() -> None:
    """A PDF that is called a PPTX is read as what it is."""
    assert check_bytes(decks.pdf(), "deck.pptx").kind == "pdf"


def test_check_says_what_is_missing_and_what_it_cost() -> None:
    """Five pages, one section without a title and one with few words: each with its own reason."""
    slides = [*decks.GOOD[:2], ("What we send", decks.BODY), (decks.TITLES[3], "Ten words " * 5), ("Thank you", "")]

    report = check_bytes(decks.pptx(slides), "deck.pptx")

    assert {each.name: each.points for each in report.properties} == {
        "pages": 0.0,
        "order": 0.67,
        "project idea and goal": 2.0,
        "data source and stream design": 2.0,
        "producers": 0.0,
        "consumers and analysis goals": 1.0,
    }
    assert report.line == (
        "deck.pptx: 5.67 of 10 points; It has 5 pages; 2 to 4 are asked for. "
        "3 of 4 sections were found to be in order. No heading says 'producers'. "
        "'consumers and analysis goals', which begins on page 4, has 12 of 25 words."
    )


def test_check_leaves_a_deck_of_pictures_to_a_person() -> None:
    """Where there is no text there is no zero either: the number of pages is certain, the rest is open."""
    report = check_bytes(decks.picture_pdf(), "scan.pdf")

    assert report.points is None
    assert (report.least_points, report.most_points, report.needs_human) == (1, 10, True)
    assert [str(note) for note in report.notes] == [
        "scan.pdf: has 0 words and otherwise only pictures, so its sections were not marked; a person decides."
    ]
    assert report.line.startswith("scan.pdf: at least 1 of 10 points; a person decides: order, project idea and goal,")


def test_check_marks_nothing_down_for_what_may_be_in_one_picture() -> None:
    """A section that was not found may be on the page that is a picture; those that were found have their points."""
    presentation = Presentation(io.BytesIO(decks.pptx(decks.GOOD[:3])))
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    slide.shapes.add_picture(io.BytesIO(decks.png(8, 8)), 0, 0)

    report = check_bytes(decks.saved(presentation), "deck.pptx")

    assert [each.points for each in report.properties] == [1, None, 2, 2, 2, None]
    assert str(report.notes[0]).startswith("deck.pptx: has only pictures on these pages: 4;")


def test_check_marks_nothing_down_for_damaged_pages() -> None:
    """A page that cannot be read may have been right."""
    loop = decks.pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"])

    report = check_bytes(loop, "loop.pdf")

    assert report.least_points == 1
    assert [note.kind for note in report.notes] == ["damaged page"]


def test_check_flags_words_that_are_there_for_their_number() -> None:
    """The same words again and again reach any number; a person is asked to look."""
    report = check_bytes(decks.pptx([(title, "stream of data " * 12) for title in decks.TITLES]), "deck.pptx")

    assert report.points == 10
    assert [note.kind for note in report.notes] == ["repetition"]
    assert report.needs_human


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (b"", "empty", "is empty"),
        (b"hello", "not a deck", "is neither PDF nor PPTX"),
        (decks.png(8, 8), "not a deck", "is a PNG picture"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "not a deck", "is a file of an old Office version"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "encrypted", "a password"),
        (decks.pdf(password="x"), "encrypted", "opens only with a password"),
        (b"%PDF-1.7\n" + bytes(range(256)), "broken", "is a damaged PDF"),
        (decks.pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]), "broken", "PDF"),
        (b"PK\x03\x04" + bytes(100), "broken", "is a damaged zip archive"),
        (decks.changed(decks.pptx(), {"ppt/presentation.xml": b"<a/>"}), "not a deck", "without a presentation"),
    ],
)
def test_check_refuses_what_is_no_deck_in_one_line(content: bytes, kind: str, sentence: str) -> None:
    """Each is refused with its reason, none has a zero, and a person decides."""
    report = check_bytes(content, "deck.pdf")

    assert report.is_refused
    assert report.needs_human
    assert (report.points, report.most_points) == (None, 10)
    assert [note.kind for note in report.notes] == [kind]
    assert sentence in report.line
    assert "\n" not in report.line


def test_check_bounds_the_memory_that_a_pdf_takes() -> None:
    """Three kilobytes that unfold to a gigabyte end the process that reads them, not the one that grades."""
    bomb = decks.page_with(decks.deflated(decks.inflating_to(500)), filters=b"/Filter[/FlateDecode/FlateDecode]")

    report = check_bytes(bomb, "bomb.pdf", limits=DeckLimits(memory_bytes=300_000_000))

    assert len(bomb) < 5_000
    assert [note.kind for note in report.notes] == ["crash"]
    assert "perhaps for want of memory; it was not read, and a person decides about it." in report.line


def test_check_bounds_the_time_that_a_deck_takes() -> None:
    """A process that is not done in time is ended."""
    report = check_bytes(decks.pdf(), "slow.pdf", limits=DeckLimits(wall_s=0.01))

    assert report.line.startswith("slow.pdf: took longer to read than 0.01 s,")


def test_check_survives_a_pdf_that_draws_itself() -> None:
    """A form within itself, without end, is the child's trouble alone."""
    form = decks.stream(b"/F Do /F Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>")
    deck = decks.page_with(b"/F Do", resources=b"/XObject<</F 5 0 R>>", more=[form])

    report = check_bytes(deck, "self.pdf", limits=DeckLimits(memory_bytes=300_000_000))

    assert report.line.count("\n") == 0


def test_check_believes_no_number_of_pages_that_is_not_there() -> None:
    """A page tree that claims a billion pages has those that are there."""
    deck = decks.pdf_of([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1000000000>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    ])  # fmt: skip

    assert check_bytes(deck, "many.pdf").pages == 1


def test_check_counts_no_letters_that_nobody_sees() -> None:
    """Words outside the page, or too small to be read, are no words."""
    hidden = b" BT /F 12 Tf 5000 5000 Td (far outside of the page) Tj ET BT /F 1 Tf 50 50 Td (one point high) Tj ET"
    shown = b"BT /F 12 Tf 50 700 Td (Idea) Tj 0 -40 Td (just these three) Tj ET"
    font = b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"

    report = check_bytes(decks.page_with(shown + hidden, resources=font), "deck.pdf")

    assert report.properties[2].reason == "'project idea and goal', which begins on page 1, has 3 of 25 words."


def test_check_follows_no_link_and_waits_for_no_pipe(tmp_path: Path) -> None:
    """What is not an ordinary file of the submission is not opened."""
    (tmp_path / "real.pdf").write_bytes(decks.pdf())
    (tmp_path / "soft.pdf").symlink_to(tmp_path / "real.pdf")
    os.mkfifo(tmp_path / "pipe.pdf")
    os.link(tmp_path / "real.pdf", tmp_path / "hard.pdf")

    lines = [check(tmp_path / f"{name}.pdf").line for name in ("soft", "pipe", "hard", "none")]

    assert [line.split(";")[0].split(":")[1] for line in lines] == [
        " is a link, and links are not followed",
        " is not an ordinary file",
        " is a hard link",
        " cannot be read (No such file or directory)",
    ]


def test_check_refuses_a_file_that_is_too_large_before_it_reads_it(tmp_path: Path) -> None:
    """The size is looked at first."""
    with (tmp_path / "large.pdf").open("wb") as file:
        file.truncate(10**12)

    assert "has 1,000,000.0 MB, and 50 are allowed" in check(tmp_path / "large.pdf").line


def test_check_shows_no_control_characters_of_a_name() -> None:
    """A file's name cannot colour or overwrite the instructor's terminal."""
    line = check_bytes(b"", "a\x1b[31m\u202e.pdf").line

    assert line.isprintable()


def test_report_is_data() -> None:
    """A report goes through JSON without loss."""
    report = check_bytes(decks.picture_pdf(), "scan.pdf")

    assert json.loads(json.dumps(report.to_json()))["line"] == report.line
