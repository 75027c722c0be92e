"""`render`: a deck's pages as files that an instructor can look at."""

from __future__ import annotations

import base64
import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autograder.deck import images, markup, office, reader
from autograder.deck.limits import LIMITS, DeckLimits
from autograder.deck.refusal import RefusedError

_MOST_OFFICE_BYTES = 4_000_000_000  # of address space; LibreOffice maps more than it uses


@dataclass(frozen=True)
class Rendering:
    """A deck's pages as files.

    Attributes:
        pages: PNG pictures, or HTML fragments; in the order of the pages.
        how: what they are and how they came about, as a sentence for the instructor.
    """

    pages: tuple[Path, ...]
    how: str


def render(path: Path, folder: Path, limits: DeckLimits = LIMITS) -> list[Path]:
    """Draw the pages of a deck into ``folder``; see `draw`, which also says how it was done."""
    return list(draw(path, folder, limits).pages)


def draw(path: Path, folder: Path, limits: DeckLimits = LIMITS) -> Rendering:
    """Draw the pages of the deck at ``path`` into ``folder``, which is made.

    A PDF, and a PPTX where LibreOffice is installed, as page-1.png and so on. A PPTX elsewhere as page-1.html: the
    texts and pictures of each slide, without their places on it.
    """
    try:
        return draw_bytes(reader.take(path, limits), folder, limits)
    except RefusedError as refusal:
        return Rendering((), f"The pages cannot be shown: the file {refusal.sentence}.")


def draw_bytes(content: bytes, folder: Path, limits: DeckLimits = LIMITS) -> Rendering:
    """Draw the pages of a deck that has been read into memory; see `draw`."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if reader.kind_of(content) == "pdf":
            pages = _draw_pdf(content, folder, limits)
            return Rendering(
                pages, "The pages are pictures of the PDF." if pages else "None of its pages can be drawn."
            )
        return _draw_pptx(content, folder, limits)
    except RefusedError as refusal:
        return Rendering((), f"The pages cannot be shown: the file {refusal.sentence}.")


def _draw_pdf(content: bytes, folder: Path, limits: DeckLimits) -> tuple[Path, ...]:
    with tempfile.TemporaryDirectory() as inner:
        # A page's picture may be ten times as large as the file; each is bounded on its own.
        drawn = reader.ask("draw", "pdf", content, limits, Path(inner)).get("drawn", [])
        names = [name for number in range(1, limits.pages + 1) if (name := f"page-{number}.png") in drawn]
        return tuple(_kept(Path(inner) / name, folder / name, limits) for name in names)


def _draw_pptx(content: bytes, folder: Path, limits: DeckLimits) -> Rendering:
    with tempfile.TemporaryDirectory() as inner:
        answer = reader.ask("unpack", "pptx", content, limits, Path(inner))
        contents = reader.contents_of(answer)
        program = office.program()
        why = "LibreOffice is not installed here"
        if program is not None and contents.fetches:
            why = "it would make LibreOffice fetch something from elsewhere"
        elif program is not None:
            try:
                pdf = _converted(program, content, limits)
                return Rendering(_draw_pdf(pdf, folder, limits), "The pages are pictures of the slides by LibreOffice.")
            except RefusedError as refusal:
                why = f"LibreOffice could not draw it ({refusal.sentence})"
        pages = []
        for number, page in enumerate(contents.pages, 1):
            sources = _sources(number, Path(inner), limits)
            pages.append(folder / f"page-{number}.html")
            pages[-1].write_text(markup.slide(page, sources), encoding="utf-8")
    return Rendering(tuple(pages), f"The slides are shown as their texts and pictures, not as they look: {why}.")


def _converted(program: str, content: bytes, limits: DeckLimits) -> bytes:
    """The slides as PDF: LibreOffice needs more room and time than a reader."""
    wide = dataclasses.replace(
        limits, memory_bytes=_MOST_OFFICE_BYTES, cpu_s=3 * limits.cpu_s, wall_s=3 * limits.wall_s
    )
    return reader.convert(program, content, wide)


def _sources(slide: int, inner: Path, limits: DeckLimits) -> list[str]:
    """The pictures of a slide that may be shown, as addresses that hold them whole."""
    sources = []
    for number in range(1, limits.page_pictures + 1):
        path = inner / f"picture-{slide}-{number}"
        if not path.exists():
            break
        picture = _bytes(path, limits)
        if kind := images.media_type(picture, limits):
            sources.append(f"data:{kind};base64,{base64.b64encode(picture).decode()}")
    return sources


def _kept(found: Path, kept: Path, limits: DeckLimits) -> Path:
    """Take a picture over: the process that made it had the deck in its hands, so it is looked at like a stranger's."""
    content = _bytes(found, limits)
    if images.media_type(content, dataclasses.replace(limits, picture_bytes=limits.written_bytes)) != "image/png":
        raise RefusedError("broken", "was drawn by a process that gave no pictures")
    kept.write_bytes(content)
    return kept


def _bytes(path: Path, limits: DeckLimits) -> bytes:
    return reader.take(path, dataclasses.replace(limits, file_bytes=limits.written_bytes))
