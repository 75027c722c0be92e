"""Decks as students hand them in: made by the libraries that programs use, and by hand where they are hostile."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from pptx import Presentation
from pptx.util import Inches

TITLES = ("Project idea and goal", "Data source and stream design", "Producers", "Consumers and analysis goals")
BODY = (
    "Sensors on the bikes of our city send where they are, how fast they go and how full the battery is; whoever looks "
    "for one sees the nearest in a second, and tomorrow morning the van knows where bikes are missing."
)  # 38 words
Slides = Sequence[tuple[str, str]]  # a title and a text for each

GOOD: Slides = tuple((title, BODY) for title in TITLES)


def pdf(slides: Slides = GOOD, *, password: str = "", title_size: int = 28, white: str = "") -> bytes:
    """One page for each title and text; a title has larger letters. ``white`` is there in white, too."""
    document = FPDF(orientation="landscape")
    if password:
        document.set_encryption(owner_password="owner", user_password=password)
    for title, text in slides:
        document.add_page()
        document.set_font("helvetica", size=title_size)
        document.cell(0, 20, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        document.set_font("helvetica", size=14)
        document.multi_cell(0, 8, text, new_x=XPos.LMARGIN)
        if white:
            document.set_text_color(255)
            document.multi_cell(0, 8, white, new_x=XPos.LMARGIN)
            document.set_text_color(0)
    return bytes(document.output())


def picture_pdf(pages: int = 4) -> bytes:
    """Pages of pictures, as a scanner or a careless export makes them."""
    document = FPDF()
    for _ in range(pages):
        document.add_page()
        document.image(io.BytesIO(png(8, 8)), w=150, h=150)
    return bytes(document.output())


def pptx(slides: Slides = GOOD, *, picture: bytes = b"") -> bytes:
    """One slide for each title and text, with the picture on each."""
    presentation = Presentation()
    for title, text in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
        if picture:
            slide.shapes.add_picture(io.BytesIO(picture), Inches(1), Inches(1))
    return saved(presentation)


def saved(presentation: object) -> bytes:
    """A presentation of python-pptx as a file."""
    file = io.BytesIO()
    presentation.save(file)  # type: ignore[attr-defined]
    return file.getvalue()


def changed(deck: bytes, parts: Mapping[str, bytes]) -> bytes:
    """A PPTX in which some parts have another content, or are new."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(deck)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            if name not in parts:
                after.writestr(name, before.read(name))
        for name, content in parts.items():
            after.writestr(name, content)
    return out.getvalue()


def part(deck: bytes, name: str) -> bytes:
    """One part of a PPTX."""
    with zipfile.ZipFile(io.BytesIO(deck)) as archive:
        return archive.read(name)


def png(width: int, height: int) -> bytes:
    """A black picture that says it is so large, whatever it has."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min(height, 64) * (min(width, 64) + 1)))
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def pdf_of(objects: Sequence[bytes], *, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of these objects, numbered from 1, with a right table of where they are."""
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + each + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d %s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, table)
    return bytes(out)


def page_with(content: bytes, *, filters: bytes = b"", resources: bytes = b"", more: Sequence[bytes] = ()) -> bytes:
    """A PDF of one page with this content stream (object 4) and further objects from 5 on."""
    return pdf_of([
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<<%s>>>>" % resources,
        stream(content, filters),
        *more,
    ])  # fmt: skip


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A PDF's stream object."""
    return b"<</Length %d%s>>stream\n" % (len(content), entries) + content + b"\nendstream"


def inflating_to(size_mb: int, filling: bytes = b" ") -> bytes:
    """A zlib stream that unfolds to so many megabytes, made without unfolding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(filling * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + block * size_mb + packer.flush(zlib.Z_FINISH) + bytes(4)


def deflated(content: bytes) -> bytes:
    """A zlib stream of it."""
    return zlib.compress(content, 9)
