"""Text of a PDF that nobody sees is not counted, and honest text on any ground is."""

from __future__ import annotations

import pytest

from autograder.deck import check_bytes, pdf
from autograder.deck.limits import LIMITS, DeckLimits
from tests.support import decks

_FONT = b"/Font<</F 5 0 R>>"
_HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
_SEEN = b"BT /F 20 Tf 50 700 Td (this can be seen) Tj ET "
_HIDDEN = b"50 600 Td (five hidden words are here) Tj ET "
_FORM = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</Font<</F 5 0 R>>>>"


def _read(content: bytes, form: bytes = b"", *, turned: bool = False) -> tuple[list[str], list[str]]:
    """The lines of a page, and what is said about it."""
    more = [_HELVETICA, decks.stream(form, _FORM)] if form else [_HELVETICA]
    resources = _FONT + (b"/XObject<</X 6 0 R>>" if form else b"")
    deck = decks.page_with(content, resources=resources, more=more)
    if turned:
        deck = deck.replace(b"[0 0 612 792]", b"[0 0 612 792]/Rotate 90", 1)
    contents = pdf.read(deck, LIMITS)
    return [line.text for line in contents.pages[0].lines], [sentence for _, sentence in contents.notes]


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("render mode 3", _SEEN + b"BT 3 Tr /F 20 Tf " + _HIDDEN, b""),
        ("white on white", _SEEN + b"BT 1 g /F 20 Tf " + _HIDDEN, b""),
        ("nearly white on white", _SEEN + b"BT 0.96 g /F 20 Tf " + _HIDDEN, b""),
        ("dark on dark", b"0.2 g 0 0 612 792 re f BT 0.22 g /F 20 Tf " + _HIDDEN + b"1 g " + _SEEN, b""),
        ("white at the place of black", _SEEN + b"BT 1 g /F 20 Tf " + _HIDDEN.replace(b"600", b"700"), b""),
        ("under a shape", b"BT /F 20 Tf " + _HIDDEN + b"0.5 g 0 550 400 100 re f 0 g " + _SEEN, b""),
        ("clipped", _SEEN + b"q 0 0 1 1 re W n BT /F 20 Tf " + _HIDDEN + b"Q", b""),
        ("in a form", _SEEN + b"/X Do", b"BT 1 g /F 20 Tf " + _HIDDEN),
    ],
)
def test_text_without_ink_is_not_counted(name: str, content: bytes, form: bytes) -> None:
    """However it is hidden, and one line says how much of it there was."""
    del name
    assert _read(content, form) == (
        ["this can be seen"],
        ["5 words on page 1 cannot be seen; they were not counted"],
    )


@pytest.mark.parametrize("hidden", [b"BT /F 4.5 Tf " + _HIDDEN, b"BT /F 20 Tf 5000 0 Td " + _HIDDEN])
def test_text_outside_or_too_small_is_not_counted(hidden: bytes) -> None:
    """Off the page, and smaller than five points."""
    lines, said = _read(_SEEN + hidden)

    assert lines == ["this can be seen"]
    assert said == ["5 words on page 1 are outside of it, or too small to be read; they were not counted"]


@pytest.mark.parametrize(
    ("content", "form", "turned"),
    [
        (b"0 0 0.3 rg 0 0 612 792 re f 1 g " + _SEEN, b"", False),
        (b"0.65 g " + _SEEN + b"BT /F 6 Tf 50 500 Td (i. l, - a: very small and pale) Tj ET", b"", False),
        (b"1 0 0 rg 0 0 612 792 re f 0 0.5 0 rg " + _SEEN, b"", False),
        (_SEEN, b"", True),
        (b"BT 1 Tr /F 20 Tf 50 650 Td (only outlines) Tj ET " + _SEEN, b"", False),
        (b"/X Do", _SEEN, False),
        (b"".join(b"0 0 %.2f rg BT /F 9 Tf 50 %d Td (blue) Tj ET " % (n / 50, 20 * n) for n in range(30)), b"", False),
    ],
)  # fmt: skip
def test_honest_text_is_counted(content: bytes, form: bytes, *, turned: bool) -> None:
    """White on dark, pale, small, red on green, turned, in outlines, in thirty colours: nothing is left out or told."""
    lines, said = _read(content, form, turned=turned)

    assert said == []
    assert len(lines) == content.count(b"Tj") + form.count(b"Tj")


def test_ink_takes_no_time_from_reading() -> None:
    """A deck whose pages take long to draw is read all the same; then a person is told that nobody looked for ink."""
    deck = decks.page_with(_SEEN + b"BT 1 g /F 20 Tf " + _HIDDEN, resources=_FONT, more=[_HELVETICA])

    contents = pdf.read(deck, DeckLimits(cpu_s=0))

    assert [line.text for line in contents.pages[0].lines] == ["this can be seen", "five hidden words are here"]
    assert [kind for kind, _ in contents.notes] == ["invisible text"]


def test_check_gives_nothing_for_words_that_nobody_sees() -> None:
    """White words below a heading give the section no points, and the instructor reads why."""
    thin = [(title, "Too few words.") for title, _ in decks.GOOD]
    deck = decks.pdf(thin, white=decks.BODY)

    report = check_bytes(deck, "deck.pdf")

    assert report.points == 10 - 8 + 4 * round(2 * 3 / 25, 1)
    assert [str(note) for note in report.notes] == [
        f"deck.pdf: 41 words on page {number} cannot be seen; they were not counted." for number in range(1, 5)
    ]
