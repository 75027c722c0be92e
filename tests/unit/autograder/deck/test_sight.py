"""Text of a slide that nobody sees is not counted, as far as its XML says so; what is not certain is seen."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.util import Inches, Pt

from autograder.deck import check_bytes, pptx
from autograder.deck.limits import LIMITS
from tests.support import decks

_TEXT = "one two three four five"
_WHITE, _NAVY = RGBColor(255, 255, 255), RGBColor(0, 0, 60)
Make = Callable[[Any], object]


def _box(slide: Any, *, left: float = 1, size: float = 20) -> Any:
    box = slide.shapes.add_textbox(Inches(left), Inches(3), Inches(4), Inches(1))
    run = box.text_frame.paragraphs[0].add_run()
    run.text, run.font.size = _TEXT, Pt(size)
    return box


def _coloured(slide: Any, colour: RGBColor) -> Any:
    box = _box(slide)
    box.text_frame.paragraphs[0].runs[0].font.color.rgb = colour
    return box


def _filled(shape: Any, colour: RGBColor) -> Any:
    shape.fill.solid()
    shape.fill.fore_color.rgb = colour
    return shape


def _named(slide: Any) -> None:
    _box(slide).text_frame.paragraphs[0].runs[0].font.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1


def _on_ground(slide: Any, ground: RGBColor, colour: RGBColor) -> None:
    _filled(slide.background, ground)
    _coloured(slide, colour)


def _covered(slide: Any) -> None:
    _box(slide)
    _filled(slide.shapes.add_shape(1, 0, Inches(2), Inches(10), Inches(5)), _WHITE)


def _transparent(slide: Any) -> None:
    run = _coloured(slide, _NAVY).text_frame.paragraphs[0].runs[0]
    colour = run.font.color._color._xClr  # noqa: SLF001 - python-pptx has no public way to make a colour transparent
    colour.append(colour.makeelement(colour.tag.replace("srgbClr", "alpha"), {"val": "0"}))


def _on_picture(slide: Any) -> None:
    slide.shapes.add_picture(io.BytesIO(decks.png(8, 8)), 0, 0, Inches(10), Inches(7))
    _coloured(slide, _WHITE)


def _on_shape(slide: Any) -> None:
    _filled(slide.shapes.add_shape(1, 0, Inches(2), Inches(10), Inches(5)), _NAVY)
    _coloured(slide, _WHITE)


def _in_group_off_slide(slide: Any) -> None:
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(-9), 0, Inches(4), Inches(1)).text_frame.text = _TEXT


def _in_hidden_group(slide: Any) -> None:
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(4), Inches(1)).text_frame.text = _TEXT
    group._element.nvGrpSpPr.cNvPr.set("hidden", "1")  # noqa: SLF001 - as above


def _read(make: Make) -> tuple[list[str], list[str]]:
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "the title"
    make(slide)
    contents = pptx.read(decks.saved(presentation), LIMITS)
    return [line.text for line in contents.pages[0].lines], [sentence for _, sentence in contents.notes]


@pytest.mark.parametrize(
    "make",
    [
        lambda slide: _coloured(slide, _WHITE),
        lambda slide: _coloured(slide, RGBColor(250, 250, 250)),
        _named,
        lambda slide: _on_ground(slide, _NAVY, RGBColor(5, 5, 66)),
        lambda slide: _filled(_coloured(slide, _NAVY), _NAVY),
        _transparent,
        _covered,
        _in_group_off_slide,
        lambda slide: _box(slide, size=4),
        lambda slide: _box(slide, left=-8),
        lambda slide: _box(slide, left=30),
    ],
)
def test_text_that_nobody_sees_is_not_counted(make: Make) -> None:
    """White on white by number or by name, transparent, covered, off the slide, too small; and a line says so."""
    assert _read(make) == (["the title"], ["5 words on slide 1 cannot be seen; they were not counted"])


@pytest.mark.parametrize(
    "make",
    [
        _box,
        lambda slide: _on_ground(slide, _NAVY, _WHITE),
        lambda slide: _filled(_coloured(slide, _WHITE), _NAVY),
        _on_picture,
        _on_shape,
        lambda slide: _coloured(slide, RGBColor(200, 200, 200)),
        lambda slide: _box(slide, size=6),
        lambda slide: _box(slide, left=-1),
    ],
)
def test_honest_text_is_counted(make: Make) -> None:
    """White on a dark ground, shape or picture, pale, small, half outside: nothing is left out or told."""
    assert _read(make) == (["the title", _TEXT], [])


def test_hidden_groups_are_as_hidden_as_shapes() -> None:
    """What the selection pane hides is not shown, with all that is in it."""
    assert _read(_in_hidden_group) == (["the title"], [])


def test_check_gives_nothing_for_white_words() -> None:
    """A white paragraph below each heading gives no points, and the instructor reads why."""
    presentation = Presentation(io.BytesIO(decks.pptx()))
    for slide in presentation.slides:
        for run in slide.placeholders[1].text_frame.paragraphs[0].runs:
            run.font.color.rgb = _WHITE

    report = check_bytes(decks.saved(presentation), "deck.pptx")

    assert report.points == 2
    assert [note.sentence for note in report.notes] == [
        f"41 words on slide {number} cannot be seen; they were not counted." for number in range(1, 5)
    ]
