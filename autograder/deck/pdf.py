"""A PDF's pages: texts with the size of their letters, and pictures of whole pages, by PDFium."""

from __future__ import annotations

import ctypes
import math
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from autograder.deck.ink import without_ink
from autograder.deck.limits import DeckLimits
from autograder.deck.page import Contents, Line, Page, within
from autograder.deck.refusal import RefusedError

_LONGEST_SIDE_PIXELS = 1400
_MOST_OBJECTS = 5_000  # of a page, looked at for pictures
_MANY_SHAPES = 40  # a table with a frame round each cell has fewer
_SMALLEST_SIZE = 5.0  # points: smaller letters nobody reads
_MENTIONED = 5  # words of a page that are not counted
_BOLD = 600  # weights go from 100 to 900
_SHARE_FOR_INK = 0.4  # of the time for a deck: drawing pages may take long, and their texts are to be read in any case


def read(content: bytes, limits: DeckLimits) -> Contents:
    """Read a PDF.

    Raises:
        RefusedError: it is damaged, or opens only with a password.
    """
    document = _document(content)
    contents = Contents(count=len(document))
    ink_until_s = time.process_time() + _SHARE_FOR_INK * limits.cpu_s
    for number in range(min(len(document), limits.pages)):
        try:
            page, *left_out = _page(document[number], limits, ink_until_s)
            contents.pages.append(page)
            contents.notes.extend(_notes(number + 1, *left_out))
        except pypdfium2.PdfiumError:
            contents.pages.append(Page(()))
            contents.unreadable += 1
    if time.process_time() > ink_until_s:
        contents.notes.append(("invisible text", "its pages are too heavy to see of each whether its text is visible"))
    return contents


def draw(content: bytes, limits: DeckLimits, folder: Path) -> list[str]:
    """Draw the pages into ``folder`` as page-1.png and so on; those that cannot be drawn are left out.

    Raises:
        RefusedError: as of `read`.
    """
    document = _document(content)
    drawn = []
    for number in range(min(len(document), limits.pages)):
        name = f"page-{number + 1}.png"
        try:
            (folder / name).write_bytes(_picture(document[number]))
        except pypdfium2.PdfiumError:
            continue
        drawn.append(name)
    return drawn


def _document(content: bytes) -> Any:
    try:
        document = pypdfium2.PdfDocument(content)
        if len(document) == 0:
            raise RefusedError("broken", "is a PDF without a page")
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise RefusedError("encrypted", "opens only with a password") from error
        if "security" in str(error).lower():
            raise RefusedError("encrypted", "is encrypted in a way that is not known here") from error
        raise RefusedError("broken", "is a damaged PDF") from error
    return document


def _notes(number: int, unseen: int, elsewhere: int) -> Iterator[tuple[str, str]]:
    """A line where it is more than a slip: a chart's tiny figures, a word under a picture."""
    if unseen >= _MENTIONED:
        yield "invisible text", f"{unseen} words on page {number} cannot be seen; they were not counted"
    if elsewhere >= _MENTIONED:
        what = f"{elsewhere} words on page {number} are outside of it, or too small to be read"
        yield "invisible text", f"{what}; they were not counted"


def _page(page: Any, limits: DeckLimits, ink_until_s: float) -> tuple[Page, int, int]:
    """A page, how many words on it leave no ink, and how many are outside of it or too small.

    Args:
        ink_until_s: by `time.process_time`; later nobody looks for ink, and all texts count.
    """
    count = _count_pictures(page)  # before its texts are taken away
    text = page.get_textpage()
    try:
        letters = _letters(text, page.get_bbox(), limits.page_characters)
        asked = [index for index, each in enumerate(letters) if each.size > 0]
        unseen = _without_ink(page, text, asked) if time.process_time() <= ink_until_s else frozenset()
    finally:
        text.close()
    lines = within(_lines(each for index, each in enumerate(letters) if index not in unseen), limits)
    return Page(lines, count), _words(unseen), _words({n for n, each in enumerate(letters) if not each.sign})


def _words(letters: AbstractSet[int]) -> int:
    """How many words these letters are, by their places in the text."""
    return sum(index - 1 not in letters for index in letters)


def _without_ink(page: Any, text: Any, letters: list[int]) -> frozenset[int]:
    is_sound = 0 < min(page.get_size()) <= max(page.get_size()) < 1e5
    return without_ink(page, text, letters) if is_sound else frozenset()


class _Letter(NamedTuple):
    """A sign and its size; spaces and ends of lines have none, and are never outside of the page."""

    sign: str
    size: float = 0.0
    is_bold: bool = False


def _letters(text: Any, visible: tuple[float, float, float, float], most: int) -> list[_Letter]:
    """The signs of a page in the order of the file; of letters outside the page, or too small, they are empty."""
    found = []
    for index in range(min(text.count_chars(), most)):
        sign = _letter(pdfium.FPDFText_GetUnicode(text, index))
        if sign in "\n " or pdfium.FPDFText_IsGenerated(text, index) == 1:
            found.append(_Letter(sign))
        elif (size := _size(text, index)) >= _SMALLEST_SIZE and _is_within(text, index, visible):
            found.append(_Letter(sign, size, pdfium.FPDFText_GetFontWeight(text, index) >= _BOLD))
        else:
            found.append(_Letter(""))
    return found


def _lines(letters: Iterable[_Letter]) -> Iterator[Line]:
    line: list[_Letter] = []
    for each in letters:
        if each.sign == "\n":
            yield from _line(line)
            line = []
        else:
            line.append(each)
    yield from _line(line)


def _line(letters: list[_Letter]) -> Iterator[Line]:
    text = " ".join("".join(each.sign for each in letters).split())
    printed = [each for each in letters if each.size > 0]
    if text:
        size = round(max((each.size for each in printed), default=0.0), 1)
        yield Line(text, size, is_bold=bool(printed) and all(each.is_bold for each in printed))


def _letter(code: int) -> str:
    if code in {0x0A, 0x0D}:
        return "\n"
    letter = chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
    return letter if letter.isprintable() else " "


def _size(text: Any, index: int) -> float:
    """Of a letter as it stands on the page: many programs write size 1, and enlarge it by the matrix."""
    matrix = pdfium.FS_MATRIX()
    size = float(pdfium.FPDFText_GetFontSize(text, index))
    if not pdfium.FPDFText_GetMatrix(text, index, matrix):
        return size
    found = size * math.hypot(matrix.c, matrix.d)
    return min(found, 1000.0) if math.isfinite(found) else 0.0


def _is_within(text: Any, index: int, visible: tuple[float, float, float, float]) -> bool:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not pdfium.FPDFText_GetCharBox(text, index, left, right, bottom, top):
        return True
    x, y = (left.value + right.value) / 2, (bottom.value + top.value) / 2
    return visible[0] <= x <= visible[2] and visible[1] <= y <= visible[3]


def _count_pictures(page: Any) -> int:
    """Its pictures; many lines and shapes are a drawing, in which letters may be drawn too."""
    count = 0
    shapes = 0
    for number, each in enumerate(page.get_objects(max_depth=3)):
        if number == _MOST_OBJECTS:
            break
        count += each.type == pdfium.FPDF_PAGEOBJ_IMAGE
        shapes += each.type in {pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING}
    return count + (shapes >= _MANY_SHAPES)


def _picture(page: Any) -> bytes:
    longest = max(page.get_size())
    if not math.isfinite(longest) or longest <= 0 or min(page.get_size()) <= 0:
        raise pypdfium2.PdfiumError("The page has no size.")
    bitmap = page.render(scale=_LONGEST_SIDE_PIXELS / longest, rev_byteorder=True, may_draw_forms=False)
    try:
        return _png(bitmap)
    finally:
        bitmap.close()


def _png(bitmap: Any) -> bytes:
    """A bitmap of red, green, blue (and a fourth byte, which is left out) as PNG.

    Source: PNG (third edition), sections 5.3 and 11.2. Written here because it needs no library of pictures.
    """
    pixels = bytes(bitmap.buffer)
    rows = []
    for row in range(bitmap.height):
        line = pixels[row * bitmap.stride :][: bitmap.width * bitmap.n_channels]
        if bitmap.n_channels == 4:
            line = _without_fourth(line)
        rows.append(b"\0" + line)  # no filter
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, 2, 0, 0, 0)  # 8 bits, colours, no interlacing
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _without_fourth(line: bytes) -> bytes:
    kept = bytearray(len(line) // 4 * 3)
    for channel in range(3):
        kept[channel::3] = line[channel::4]
    return bytes(kept)
