"""Which texts of a slide can be seen, as far as its XML says so: places, sizes, colours, and what lies over them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element

from autograder.deck.colours import Colour, Scheme, is_same, is_transparent
from autograder.deck.package import Package

_SMALLEST_SIZE = 500  # hundredths of a point
# What makes letters visible in another way than their colour, or hides nothing: taken to be seen.
_OTHER_LOOKS = frozenset({"ln", "highlight", "effectLst", "effectDag", "gradFill", "blipFill", "pattFill"})


class Box(NamedTuple):
    """Where a shape is, in the slide's own units."""

    left: int
    top: int
    right: int
    bottom: int

    def is_beside(self, other: Box) -> bool:
        """Whether they have no point in common."""
        return (
            self.right <= other.left or self.left >= other.right or self.bottom <= other.top or self.top >= other.bottom
        )

    def covers(self, other: Box) -> bool:
        """Whether nothing of the other is outside of this one."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )


class Sight:
    """What can be seen of one slide.

    Args:
        top: its shapes and groups, the lowest first.
        page: the whole slide; None when the presentation does not say.
    """

    def __init__(self, package: Package, name: str, root: Element, top: list[Element], page: Box | None) -> None:
        self._scheme = Scheme(package, name, root)
        self._page = page
        self._places = {id(each): number for number, each in enumerate(top)}
        self._top = top
        self._boxes = [_box(each) for each in top]
        self._grounds: dict[int, Colour | None] = {}

    def is_out_of_sight(self, shape: Element) -> bool:
        """Whether a shape or group is off the slide, or has an opaque one over all of it. In a group nothing is."""
        place = self._places.get(id(shape))
        own = None if place is None else self._boxes[place]
        if place is None or own is None:
            return False
        if self._page is not None and own.is_beside(self._page):
            return True
        above = zip(self._top[place + 1 :], self._boxes[place + 1 :], strict=True)
        return any(box is not None and box.covers(own) and self._is_opaque(each) for each, box in above)

    def shows(self, shape: Element, style: Element | None) -> bool:
        """Whether letters of this style, in this shape, can be seen."""
        if style is None:
            return True
        size = style.get("sz", "")
        if size.isdigit() and len(size) < 7 and int(size) < _SMALLEST_SIZE:
            return False
        if any(_name(each) in _OTHER_LOOKS for each in style):
            return True
        if id(shape) not in self._grounds:
            self._grounds[id(shape)] = self._behind(shape)
        return not (is_transparent(style) or is_same(self._scheme.fill(style)[1], self._grounds[id(shape)]))

    def _behind(self, shape: Element) -> Colour | None:
        """The colour behind the letters of a shape; None when only drawing it could tell."""
        if _name(shape) != "sp":  # a table has the colours of its style
            return None
        for part in shape:
            if _name(part) == "spPr":
                is_filled, colour = self._scheme.fill(part)
                if is_filled:
                    return colour
            if _name(part) == "style" and any(_name(each) == "fillRef" and each.get("idx") != "0" for each in part):
                return None
        place = self._places.get(id(shape))
        if (
            place is None
            or self._scheme.is_decorated
            or any(self._may_lie_behind(below, place) for below in range(place))
        ):
            return None
        return self._scheme.ground

    def _may_lie_behind(self, below: int, place: int) -> bool:
        one, other = self._boxes[below], self._boxes[place]
        return has_paint(self._top[below]) and (one is None or other is None or not one.is_beside(other))

    def _is_opaque(self, shape: Element) -> bool:
        """A rectangle of one colour; a picture may have holes."""
        looks = [part for part in shape if _name(part) == "spPr"]
        for look in looks if _name(shape) == "sp" else []:
            is_rectangle = any(_name(each) == "prstGeom" and each.get("prst") == "rect" for each in look)
            is_whole = not any(_name(each) == "alpha" for each in look.iter())
            return is_rectangle and is_whole and self._scheme.fill(look)[1] is not None
        return False


def has_paint(shape: Element) -> bool:
    """Whether something of it may be seen besides its text."""
    if _name(shape) != "sp":
        return True
    return any(_name(each) in {"solidFill", "gradFill", "blipFill", "pattFill", "style"} for each in _looks(shape))


def _looks(shape: Element) -> Iterator[Element]:
    for part in shape:
        if _name(part) == "style":
            yield part
        elif _name(part) == "spPr":
            yield from part


def _box(shape: Element) -> Box | None:
    """Of a shape that says where it is; a placeholder may leave that to its layout."""
    for part in shape:
        if _name(part) in {"spPr", "grpSpPr"}:
            return next((_box_of(each) for each in part if _name(each) == "xfrm"), None)
        if _name(part) == "xfrm":
            return _box_of(part)
    return None


def _box_of(transform: Element) -> Box | None:
    if transform.get("rot", "0") != "0":
        return None
    found = {_name(each): each for each in transform}
    try:
        x, y = (int(found["off"].get(key, "")) for key in ("x", "y"))
        width, height = (int(found["ext"].get(key, "")) for key in ("cx", "cy"))
    except (KeyError, ValueError):
        return None
    return Box(x, y, x + width, y + height)


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
