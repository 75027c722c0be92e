"""`draw` and `notebook`: what the one who grades gets to see."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from pptx import Presentation
from pptx.util import Inches

from autograder.deck import LECTURE, check_bytes, draw, draw_bytes, images, markup, notebook, reader, render
from autograder.deck.limits import LIMITS, DeckLimits
from autograder.deck.office import NO_WALLS
from autograder.deck.page import Line, Page
from tests.support import decks, formgrader
from tests.support.requirements import need

HOSTILE = "<script>alert(1)</script> ![x](http://e.example/x.png) `code` *bold* $$\\href{javascript:1}{x}$$ \x1b[31m"


@pytest.fixture
def without_office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No LibreOffice is to be found."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_render_draws_each_page_of_a_pdf(tmp_path: Path) -> None:
    """Pictures in the order of the pages, each as wide as a screen."""
    (tmp_path / "deck.pdf").write_bytes(decks.pdf(decks.GOOD[:2]))

    pages = render(tmp_path / "deck.pdf", tmp_path / "pages")

    assert [page.name for page in pages] == ["page-1.png", "page-2.png"]
    assert [images.media_type(page.read_bytes(), LIMITS) for page in pages] == ["image/png"] * 2
    assert int.from_bytes(pages[0].read_bytes()[16:20]) == 1400
    assert pages[0].read_bytes() != pages[1].read_bytes()


@pytest.mark.usefixtures("without_office")
def test_draw_shows_texts_and_pictures_of_slides_without_libreoffice(tmp_path: Path) -> None:
    """The report says that this is not how the slides look, and why."""
    rendering = draw_bytes(decks.pptx(picture=decks.png(8, 8)), tmp_path)

    first = rendering.pages[0].read_text(encoding="utf-8")
    assert len(rendering.pages) == 4
    assert "<h3>Project idea and goal</h3>" in first
    assert first.count('<img src="data:image/png;base64,') == 1
    assert rendering.how == (
        "The slides are shown as their texts and pictures, not as they look: LibreOffice is not installed here."
    )


@pytest.mark.usefixtures("without_office")
def test_draw_shows_no_picture_that_unfolds_too_far(tmp_path: Path) -> None:
    """A picture of a hundred bytes and a billion pixels would fill the memory of the instructor's browser."""
    deck = decks.changed(decks.pptx(picture=decks.png(8, 8)), {"ppt/media/image1.png": decks.png(60_000, 60_000)})

    rendering = draw_bytes(deck, tmp_path)

    assert "<img" not in rendering.pages[0].read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_draw_lets_libreoffice_draw_slides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for LibreOffice is asked as the real one would be, and its PDF is drawn."""
    _stand_in(tmp_path, monkeypatch, 'cp "$(dirname "$0")/made.pdf" "$8/deck.pdf"')
    (tmp_path / "made.pdf").write_bytes(decks.pdf(decks.GOOD[:3]))

    rendering = draw_bytes(decks.pptx(), tmp_path / "pages")

    assert [page.name for page in rendering.pages] == ["page-1.png", "page-2.png", "page-3.png"]
    assert rendering.how == "The pages are pictures of the slides by LibreOffice."


@pytest.mark.skipif(sys.platform != "linux", reason="walls are Linux's")
def test_draw_walls_libreoffice_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of anybody's, no process to see, no network: whatever is wrong, the stand-in says so by failing."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "office").mkdir()
    tries = f'test ! -e "{tmp_path}/secret" && test ! -e /etc/hostname && ! kill -0 {os.getpid()} || exit 3\n'
    network = "test $(wc -l < /proc/net/dev) -le 3 && test $(wc -l < /proc/net/route) -le 1 || exit 4\n"
    _stand_in(tmp_path / "office", monkeypatch, tries + network + 'cp "$(dirname "$0")/made.pdf" "$8/deck.pdf"')
    (tmp_path / "office" / "made.pdf").write_bytes(decks.pdf(decks.GOOD[:3]))

    assert draw_bytes(decks.pptx(), tmp_path / "pages").how == "The pages are pictures of the slides by LibreOffice."


@pytest.mark.skipif(sys.platform == "win32", reason="walls are Linux's")
def test_draw_uses_no_libreoffice_without_walls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that refuses namespaces shows texts and pictures, and the program has not been called."""
    _stand_in(tmp_path, monkeypatch, 'touch "$(dirname "$0")/was-called"')
    run = reader._run  # noqa: SLF001 - the process that would find out that there are no namespaces
    monkeypatch.setattr(reader, "_run", lambda task, *rest: NO_WALLS if task["do"] == "convert" else run(task, *rest))

    rendering = draw_bytes(decks.pptx(), tmp_path / "pages")

    assert [page.suffix for page in rendering.pages] == [".html"] * 4
    assert "only in namespaces of its own, which this system refuses" in rendering.how


def test_draw_lets_the_real_libreoffice_draw_tables_and_pictures(tmp_path: Path) -> None:
    """Each slide is one picture, with more on it than its black square; the speaker's notes are no page."""
    need("libreoffice")
    presentation = Presentation(io.BytesIO(decks.pptx(decks.GOOD[:2], picture=decks.png(64, 64))))
    slide = presentation.slides[0]
    slide.notes_slide.notes_text_frame.text = "for the speaker"
    slide.shapes.add_table(2, 2, 0, Inches(5), Inches(5), Inches(2)).table.cell(0, 1).text = "in a table"

    rendering = draw_bytes(decks.saved(presentation), tmp_path)

    assert rendering.how == "The pages are pictures of the slides by LibreOffice."
    assert [images.media_type(page.read_bytes(), LIMITS) for page in rendering.pages] == ["image/png"] * 2
    assert rendering.pages[0].read_bytes() != rendering.pages[1].read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_draw_does_without_a_libreoffice_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts and pictures are shown instead, with the reason."""
    _stand_in(tmp_path, monkeypatch, "exit 3")

    rendering = draw_bytes(decks.pptx(), tmp_path / "pages")

    assert [page.suffix for page in rendering.pages] == [".html"] * 4
    assert "LibreOffice could not draw it" in rendering.how


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_draw_lets_libreoffice_fetch_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slide with a linked picture is not given to a program that would fetch it."""
    _stand_in(tmp_path, monkeypatch, 'touch "$(dirname "$0")/was-called"')
    deck, name = decks.pptx(), "ppt/slides/_rels/slide1.xml.rels"
    link = b'<Relationship Id="r9" Type="x/image" Target="http://e.example" TargetMode="External"/></Relationships>'
    linked = decks.part(deck, name).replace(b"</Relationships>", link)

    rendering = draw_bytes(decks.changed(deck, {name: linked}), tmp_path / "pages")

    assert not (tmp_path / "was-called").exists()
    assert "it would make LibreOffice fetch something from elsewhere" in rendering.how


def _stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "soffice"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    folder.chmod(0o755)  # behind its walls it is run by another user
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_draw_says_why_nothing_can_be_shown(tmp_path: Path) -> None:
    """A refused deck has no pages, and a sentence."""
    assert draw(tmp_path / "none.pdf", tmp_path / "pages").how.startswith(
        "The pages cannot be shown: the file cannot be"
    )
    assert draw_bytes(b"", tmp_path).how == "The pages cannot be shown: the file is empty."


def test_draw_bounds_a_page_as_wide_as_the_world(tmp_path: Path) -> None:
    """The picture has the size that we choose, whatever the page says."""
    wide = decks.pdf_of([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e30 9]/UserUnit 1e9>>",
    ])  # fmt: skip

    for page in draw_bytes(wide, tmp_path).pages:
        assert images.media_type(page.read_bytes(), LIMITS) == "image/png"


def test_escaped_leaves_no_sign_of_markup() -> None:
    """A student's text has no meaning in HTML or in Markdown; control characters are gone."""
    assert re.fullmatch(r"(?:[\w .,:;]|&#\d+;)*", markup.escaped(HOSTILE))


def test_graded_notebook_is_what_formgrader_shows(tmp_path: Path) -> None:
    """Formgrader's own template shows the pages, the marks and the rubric, and nothing of the student's acts there."""
    deck = decks.pptx([(HOSTILE[:50].replace("\x1b", ""), HOSTILE.replace("\x1b", ""))])
    report = check_bytes(deck, "<b>deck</b>.pptx")
    made = notebook.graded(report, draw_bytes(decks.pdf(decks.GOOD[:2]), tmp_path))
    made["cells"][-1]["source"] += markup.slide(Page((Line(HOSTILE),)), [])
    cells = nbformat.from_dict(made)
    nbformat.validate(cells)

    page = formgrader.page(cells)

    assert page.count("data:image/png;base64,") == 2
    assert "Rubric: a person decides" in page
    assert LECTURE.criteria[0].question in page
    body = page[page.index("deck-report") :]
    assert "alert" in body
    assert not re.search(r"<script>alert|<b>deck|<em>bold|<img[^>]*e\.example", body)


def test_graded_notebook_leaves_out_pages_that_are_too_large(tmp_path: Path) -> None:
    """A notebook stays small enough for formgrader, and says what is missing."""
    rendering = draw_bytes(decks.pdf(decks.GOOD[:2]), tmp_path)

    made = notebook.graded(check_bytes(b"", "deck.pdf"), rendering, picture_bytes=10)

    assert "attachments" not in made["cells"][-1]
    assert "2 pages are not shown" in made["cells"][-1]["source"]


def test_release_notebook_has_the_cells_that_are_graded() -> None:
    """What students get and what takes its place have the same cells: the structure, and by hand the rest."""
    released, graded = notebook.release(), notebook.graded(check_bytes(b"", "x"), draw_bytes(b"", Path()))

    nbformat.validate(nbformat.from_dict(released))
    assert [cell["metadata"] for cell in released["cells"]] == [cell["metadata"] for cell in graded["cells"]]
    assert [cell["metadata"]["nbgrader"]["points"] for cell in released["cells"][1:]] == [10, 10]
    assert all(section.name in released["cells"][0]["source"] for section in LECTURE.sections)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (decks.png(8, 8), "image/png"),
        (decks.png(0, 8), ""),
        (b"GIF89a\x08\0\x08\0", "image/gif"),
        (b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xff\xc2\0\x0b\x08\0\x08\0\x09\x01", "image/jpeg"),
        (b"\xff\xd8\xff\xe0\0\0" * 5, ""),
        (b"\xff\xd8\xff", ""),
        (b"<svg onload='alert(1)'/>", ""),
        (b"BM" + bytes(100), ""),
        (b"", ""),
    ],
)
def test_media_type_knows_pictures_that_may_be_shown(content: bytes, kind: str) -> None:
    """PNG, JPEG and GIF with a size; SVG can have scripts in it."""
    assert images.media_type(content, DeckLimits()) == kind
