"""How much a deck may bring, and what reading one may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DeckLimits:
    """A deck with more than this is refused, or the rest of it left out, and said so.

    Attributes:
        file_bytes: of the file.
        entries: files in a PPTX.
        unpacked_bytes: of all of them together, as the archive itself declares; nothing is unpacked beyond that.
        ratio: unpacked to packed, of a PPTX that unpacks to more than 20 MB.
        xml_bytes, xml_elements, xml_depth: of one XML part of a PPTX.
        pages: that are read; a deck may have more, and loses points for that.
        page_characters, page_lines: that are read of one page.
        page_pictures, picture_bytes, picture_pixels: that are shown of one page; of one picture.
        memory_bytes, cpu_s, wall_s, written_bytes: of the process that reads it.
    """

    file_bytes: int = 50_000_000
    entries: int = 2_000
    unpacked_bytes: int = 200_000_000
    ratio: int = 100
    xml_bytes: int = 10_000_000
    xml_elements: int = 200_000
    xml_depth: int = 200
    pages: int = 30
    page_characters: int = 20_000
    page_lines: int = 500
    page_pictures: int = 12
    picture_bytes: int = 5_000_000
    picture_pixels: int = 40_000_000
    memory_bytes: int = 1_000_000_000
    cpu_s: int = 20
    wall_s: float = 30.0
    written_bytes: int = 50_000_000


LIMITS = DeckLimits()
