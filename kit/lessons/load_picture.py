"""A load test as a picture: what each producer, partition and consumer has to carry, beside what it can.

The shapes are data. A notebook's output writes them as SVG, and the estimator's view makes nodes of them, so both show
the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

_HEIGHT = 112
_PANEL_WIDTH = 250
_GAP = 26
_TOP = 22
_MOST_BARS = 60
_DOES = {"producer": "send", "partition": "take", "consumer": "read"}
_TEXT = "var(--jp-ui-font-color1,#212121)"
# Waiting records have a dashed border as well, and what lags lies with the consumers only.
_CARRIED, _WAITS, _LAGS = "#009e73", "#ffd98a", "#56b4e9"


class Shape(NamedTuple):
    """An element of SVG: its name, its attributes, and its text, if it has one."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """Producers, partitions or consumers; all numbers are records per logical second.

    Attributes:
        noun: what they are: "producer", "partition" or "consumer".
        limit: what one can carry.
        carried: what each has carried, on average.
        left: what each had to leave over, on average: it waits.
    """

    noun: str
    limit: int
    carried: tuple[float, ...]
    left: tuple[float, ...]

    @property
    def asked(self) -> float:
        """What the busiest one had to carry."""
        return max(one + other for one, other in zip(self.carried, self.left, strict=True))

    @property
    def words(self) -> str:
        """The busiest one beside the limit."""
        at = "exactly at" if round(self.asked, 1) == self.limit else "over" if self.asked > self.limit else "below"
        return f"the busiest {self.noun} has {_rate(self.asked)} to {_DOES[self.noun]}, {at} its limit of {self.limit}"


def in_words(sides: Sequence[Side]) -> str:
    """What the picture says, in a sentence."""
    text = "; ".join(side.words for side in sides)
    return f"Each second {text}."


def shapes(sides: Sequence[Side]) -> list[Shape]:
    """The picture, side by side on one scale; at most so many bars of a side as can be told apart."""
    most = max(max(side.asked, side.limit) for side in sides)
    found = []
    for number, side in enumerate(sides):
        found += _panel(side, number * (_PANEL_WIDTH + _GAP), (_HEIGHT - _TOP) / most)
    return found


def view_box(sides: Sequence[Side]) -> str:
    """Of the picture."""
    return f"0 0 {len(sides) * (_PANEL_WIDTH + _GAP) - _GAP} {_HEIGHT + 22}"


def as_svg(sides: Sequence[Side]) -> str:
    """The picture as a text; its words stand beside it for those who do not see it."""
    inside = "".join(_written(each) for each in shapes(sides))
    box = view_box(sides)
    return f'<svg viewBox="{box}" style="max-width:{box.split()[2]}px;width:100%" aria-hidden="true">{inside}</svg>'


def _written(shape: Shape) -> str:
    attributes = " ".join(f'{name}="{escape(value)}"' for name, value in shape.attributes.items())
    return f"<{shape.tag} {attributes}>{escape(shape.text)}</{shape.tag}>"


def _panel(side: Side, left: float, per_record: float) -> list[Shape]:
    count = len(side.carried)
    drawn = min(count, _MOST_BARS)
    step = min(_PANEL_WIDTH / drawn, 24.0)
    width = max(step - min(3.0, step / 4), 1.0)
    many = f"{count:,} {side.noun}{'' if count == 1 else 's'}"
    found = [_words(left, 12, many + (f", {drawn} of them drawn" if drawn < count else ""), bold=True)]
    for number in range(drawn):
        carried, more = side.carried[number] * per_record, side.left[number] * per_record
        x = left + number * step
        found.append(_bar(x, _HEIGHT - carried, width, carried, _CARRIED))
        if more > 0.5:
            fill = _LAGS if side.noun == "consumer" else _WAITS
            found.append(_bar(x, _HEIGHT - carried - more, width, more, fill, dashed=fill == _WAITS))
        if not carried and not more:
            found.append(_words(x + width / 2 - 3, _HEIGHT - 4, "0"))
    end = left + max(drawn * step, 90.0)
    y = _HEIGHT - side.limit * per_record
    limit = {"x1": f"{left:.1f}", "x2": f"{end:.1f}", "y1": f"{y:.1f}", "y2": f"{y:.1f}"}
    found.append(Shape("line", {**limit, "stroke": _TEXT, "stroke-width": "2", "stroke-dasharray": "6 3"}))
    floor = {"x1": f"{left:.1f}", "x2": f"{end:.1f}", "y1": str(_HEIGHT), "y2": str(_HEIGHT)}
    found.append(Shape("line", {**floor, "stroke": _TEXT}))
    found.append(_words(left, _HEIGHT + 16, f"{_rate(side.asked)} for the busiest, limit {side.limit}"))
    return found


def _bar(x: float, y: float, width: float, height: float, fill: str, *, dashed: bool = False) -> Shape:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{max(height, 0):.1f}"}
    dashes = {"stroke-dasharray": "2 2"} if dashed else {}
    return Shape("rect", {**place, "fill": fill, "stroke": _TEXT, **dashes})


def _words(x: float, y: float, text: str, *, bold: bool = False) -> Shape:
    weight = {"font-weight": "600"} if bold else {}
    return Shape("text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "fill": _TEXT, "font-size": "12", **weight}, text)


def _rate(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")
