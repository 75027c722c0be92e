"""Which letters of a PDF's page leave ink: the page is drawn with them and without them, and compared.

So it does not matter how a text was made invisible: no ink at all (render mode 3), the colour of what is behind it,
transparent, clipped away, or under a picture; and white letters on a dark ground are as visible as they look.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

_LONGEST_SIDE_PIXELS = 1000
_LEAST_CONTRAST = 20  # of 255, in one of three colours, in one pixel of a letter
_LEAST_SHARE = 0.3  # of a word's letters; a full stop in pale grey may leave no trace
_MOST_COLOURS = 6  # of texts that are looked at one by one; the others together

Colour = tuple[int, ...]


class _Letter(NamedTuple):
    """The colour of a letter, and its box in pixels: left, top, right, bottom."""

    colour: Colour
    box: tuple[int, int, int, int]


def without_ink(page: Any, text: Any, letters: Sequence[int]) -> frozenset[int]:
    """Of these letters (places in the text of the page) those of words that leave no ink.

    The page has no texts any more afterwards.
    """
    if not letters:
        return frozenset()
    scale = _LONGEST_SIDE_PIXELS / max(page.get_size())
    before = page.render(scale=scale, may_draw_forms=False)
    size = (before.width, before.height)
    found = {index: _Letter(_colour(text, index), _box(page, text, index, size)) for index in letters}
    seen: set[int] = set()
    left = set(letters)
    first = before
    for objects, colours in _by_colour(page):
        for each in objects:
            _remove(page, each)
        after = page.render(scale=scale, may_draw_forms=False)
        own = {index for index in left if found[index].colour in colours}
        seen.update(index for index in own if _differs(before, after, found[index].box))
        left -= own
        before = after
    seen.update(index for index in left if _differs(first, before, found[index].box))
    return frozenset(_of_blind_words(letters, seen))


def _of_blind_words(letters: Sequence[int], seen: set[int]) -> Iterator[int]:
    """The letters of words of which hardly one was seen; letters that follow one another are a word."""
    word: list[int] = []
    for index in (*letters, None):
        if word and index != word[-1] + 1:
            if sum(each in seen for each in word) < _LEAST_SHARE * len(word):
                yield from word
            word = []
        if index is not None:
            word.append(index)


def _by_colour(page: Any) -> Iterator[tuple[list[Any], frozenset[Colour]]]:
    """The page's texts, those of one colour together; at last those of all others."""
    groups: dict[Colour, list[Any]] = {}
    for each in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=5):
        groups.setdefault(_colour_of(pdfium.FPDFPageObj_GetFillColor, each.raw), []).append(each)
    most = sorted(groups, key=lambda colour: -len(groups[colour]))
    for colour in most[:_MOST_COLOURS]:
        yield groups[colour], frozenset({colour})
    if rest := [each for colour in most[_MOST_COLOURS:] for each in groups[colour]]:
        yield rest, frozenset(most[_MOST_COLOURS:])


def _remove(page: Any, each: Any) -> None:
    if each.container is not None:
        pdfium.FPDFFormObj_RemoveObject(each.container, each.raw)
    else:
        pdfium.FPDFPage_RemoveObject(page.raw, each.raw)


def _colour(text: Any, index: int) -> Colour:
    return _colour_of(pdfium.FPDFText_GetFillColor, text.raw, index)


def _colour_of(get: Any, *arguments: Any) -> Colour:
    parts = [ctypes.c_uint() for _ in range(4)]
    return tuple(each.value for each in parts) if get(*arguments, *parts) else ()


def _box(page: Any, text: Any, index: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not pdfium.FPDFText_GetCharBox(text.raw, index, left, right, bottom, top):
        return 0, 0, 0, 0
    corners = [_pixel(page, size, x.value, y.value) for x, y in ((left, top), (right, bottom))]
    across, down = (sorted(each) for each in zip(*corners, strict=True))
    return max(0, across[0]), max(0, down[0]), min(size[0], across[1] + 1), min(size[1], down[1] + 1)


def _pixel(page: Any, size: tuple[int, int], x: float, y: float) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, *size, 0, x, y, across, down)
    return across.value, down.value


def _differs(before: Any, after: Any, box: tuple[int, int, int, int]) -> bool:
    left, top, right, bottom = box
    first, second = memoryview(before.buffer).cast("B"), memoryview(after.buffer).cast("B")
    for row in range(top, bottom):
        begin = row * before.stride + left * before.n_channels
        end = begin + (right - left) * before.n_channels
        one, other = bytes(first[begin:end]), bytes(second[begin:end])
        if one != other and any(abs(x - y) > _LEAST_CONTRAST for x, y in zip(one, other, strict=True)):
            return True
    return False
