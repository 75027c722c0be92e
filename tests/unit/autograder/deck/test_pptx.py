"""`pptx.read`: slides as presentation programs write them, and as attackers do."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile

import pytest
from pptx import Presentation
from pptx.util import Inches, Pt

from autograder.deck import pptx
from autograder.deck.limits import LIMITS, DeckLimits
from autograder.deck.refusal import RefusedError
from tests.support import decks

SLIDE = "ppt/slides/slide1.xml"


def _presentation() -> tuple[Presentation, object]:
    presentation = Presentation()
    return presentation, presentation.slides.add_slide(presentation.slide_layouts[5])


def _texts(deck: bytes) -> list[str]:
    return [line.text for page in pptx.read(deck, LIMITS).pages for line in page.lines]


def test_read_finds_texts_in_tables_groups_and_boxes() -> None:
    """All text of a slide is read, wherever it is, and the title comes first."""
    presentation, slide = _presentation()
    slide.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "in a box"
    slide.shapes.add_table(1, 2, 0, 0, Inches(2), Inches(1)).table.cell(0, 1).text = "in a table"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "in a group"
    slide.shapes.title.text = "the title"

    assert _texts(decks.saved(presentation)) == ["the title", "in a box", "in a table", "in a group"]


def test_read_finds_sizes_and_bold_letters() -> None:
    """A line without a title's place may be a heading by its look."""
    presentation, slide = _presentation()
    run = slide.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.paragraphs[0].add_run()
    run.text, run.font.size, run.font.bold = "large", Pt(30), True

    (line,) = pptx.read(decks.saved(presentation), LIMITS).pages[0].lines

    assert (line.size, line.is_bold, line.is_title) == (30.0, True, False)


def test_read_keeps_the_order_of_the_presentation() -> None:
    """Slides that were moved come where they were moved to, not by the names of their files."""
    presentation = Presentation(io.BytesIO(decks.pptx()))
    slides = presentation.slides._sldIdLst  # noqa: SLF001 - python-pptx has no public way to move a slide
    slides.insert(0, slides[3])

    titles = [page.lines[0].text for page in pptx.read(decks.saved(presentation), LIMITS).pages]

    assert titles == [decks.TITLES[3], *decks.TITLES[:3]]


def test_read_counts_no_hidden_slides() -> None:
    """A slide that is not shown is no page, and a line says so."""
    deck = decks.pptx()
    hidden = decks.part(deck, SLIDE).replace(b"<p:sld ", b'<p:sld show="0" ', 1)

    contents = pptx.read(decks.changed(deck, {SLIDE: hidden}), LIMITS)

    assert (contents.count, len(contents.pages)) == (3, 3)
    assert [kind for kind, _ in contents.notes] == ["hidden slides"]


def test_read_counts_slides_beyond_those_it_reads() -> None:
    """The number of pages is right however many there are."""
    contents = pptx.read(decks.pptx(), DeckLimits(pages=2))

    assert (contents.count, len(contents.pages)) == (4, 2)


def test_read_tells_of_macros_and_archives() -> None:
    """What is never run or opened is at least told; the workbook behind a chart is nothing special."""
    deck = decks.changed(
        decks.pptx(),
        {"ppt/vbaProject.bin": b"", "ppt/media/all.zip": b"PK", "ppt/embeddings/Book1.xlsx": b"PK"},
    )

    assert pptx.read(deck, LIMITS).notes == [
        ("macros", "it has macros, which were not run"),
        ("archive", "it has 1 archives inside, which were not opened"),
    ]


def test_read_sees_what_a_program_would_fetch() -> None:
    """A picture that is only linked would be fetched by a program that shows the slide; a link to click would not."""
    deck = decks.pptx()
    name = "ppt/slides/_rels/slide1.xml.rels"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    relation = b'<Relationship Id="rId9" Type="%s" Target="file:///etc/hosts" TargetMode="External"/></Relationships>'

    def with_link(what: str) -> bool:
        changed = decks.part(deck, name).replace(b"</Relationships>", relation % (kind + what).encode())
        return pptx.read(decks.changed(deck, {name: changed}), LIMITS).fetches

    assert (with_link("image"), with_link("hyperlink")) == (True, False)


def test_read_follows_no_relationship_out_of_the_archive() -> None:
    """A slide's target outside leads nowhere: there is no slide."""
    deck = decks.pptx()
    name = "ppt/_rels/presentation.xml.rels"
    changed = decks.part(deck, name).replace(b"slides/slide1.xml", b"../../../etc/passwd")

    assert pptx.read(decks.changed(deck, {name: changed}), LIMITS).count == 3


def test_read_takes_a_part_of_a_page_that_never_ends() -> None:
    """Text beyond the limit of a page is left out."""
    deck = decks.pptx([("T", "word " * 1_000)])

    (page,) = pptx.read(deck, DeckLimits(page_characters=100)).pages

    assert sum(len(line.text) for line in page.lines) == 100


@pytest.mark.parametrize(
    ("part", "limits", "kind"),
    [
        (bytes(30_000_000), LIMITS, "zip bomb"),  # unfolds to a thousand times its size
        (bytes(30_000), DeckLimits(unpacked_bytes=20_000), "zip bomb"),
        (bytes(30_000), DeckLimits(xml_bytes=20_000), "zip bomb"),
        (b"<a>" * 300, LIMITS, "xml bomb"),
        (b"<a>" + b"<b/>" * 300 + b"</a>", DeckLimits(xml_elements=200), "xml bomb"),
        (b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><a>&d;</a>', LIMITS, "xml bomb"),
        (
            '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a SYSTEM "file:///x"><a/>'.encode("utf-16"),
            LIMITS,
            "xml bomb",
        ),
        (b"<a>", LIMITS, "broken"),
        (b'<?xml version="1.0" encoding="none-such"?><a/>', LIMITS, "broken"),
        (b"", LIMITS, "broken"),
    ],
)
def test_read_refuses_hostile_parts(part: bytes, limits: DeckLimits, kind: str) -> None:
    """Bombs of any kind are refused with the kind named."""
    with pytest.raises(RefusedError) as refusal:
        pptx.read(decks.changed(decks.pptx(), {SLIDE: part}), limits)

    assert refusal.value.kind == kind


def test_read_unpacks_no_more_than_a_part_declares() -> None:
    """A part that lies about its size is damaged, and nothing beyond the lie is unpacked."""
    deck = decks.changed(decks.pptx(), {SLIDE: b"<a>" + b" " * 5_000 + b"</a>"})
    deck = deck.replace((5_007).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    with pytest.raises(RefusedError) as refusal:
        pptx.read(deck, LIMITS)

    assert refusal.value.kind == "broken"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x", "C:\\x"])
def test_read_refuses_names_that_lead_out(name: str) -> None:
    """A name that leads out of the archive is in no honest deck."""
    with pytest.raises(RefusedError) as refusal:
        pptx.read(decks.changed(decks.pptx(), {name: b""}), LIMITS)

    assert refusal.value.kind == "names"


@pytest.mark.parametrize("count", [2_100, 25_000])
def test_read_refuses_too_many_files(count: int) -> None:
    """Many files cost memory each, so they are counted first."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", b"PK\x01\x02" * count if count > 20_000 else b"")
        for number in range(count if count < 20_000 else 0):
            archive.writestr(f"{number}", b"")

    with pytest.raises(RefusedError) as refusal:
        pptx.read(file.getvalue(), LIMITS)

    assert refusal.value.kind == "zip bomb"


def test_read_refuses_encrypted_parts() -> None:
    """A zip archive with a password is told as such."""
    deck = bytearray(decks.pptx())
    entry = deck.rindex(b"PK\x01\x02")
    deck[entry + 8] |= 1

    with pytest.raises(RefusedError) as refusal:
        pptx.read(bytes(deck), LIMITS)

    assert refusal.value.kind == "encrypted"


@pytest.mark.parametrize(
    ("name", "what"), [("word/document.xml", "a Word document"), ("content.xml", "an OpenDocument file")]
)
def test_read_names_other_office_files(name: str, what: str) -> None:
    """Who handed in the wrong kind of file is told which."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"<a/>")

    with pytest.raises(RefusedError, match=what):
        pptx.read(file.getvalue(), LIMITS)


@pytest.mark.parametrize("seed", range(40))
def test_read_survives_damaged_files(seed: int) -> None:
    """Whatever byte is wrong, the deck is read or refused."""
    chance = random.Random(seed)
    deck = bytearray(decks.pptx())
    for _ in range(10):
        deck[chance.randrange(len(deck))] = chance.randrange(256)

    with contextlib.suppress(RefusedError):
        assert pptx.read(bytes(deck), LIMITS).count >= 0
