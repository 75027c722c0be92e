"""Whether a text on a slide can be told from what is behind it, as far as the file says so without drawing it.

Only what is certain counts: both colours are written down as numbers or lead to the theme's. A picture, a gradient,
or a shape behind the text leave it open, and then it is taken to be seen.

Source: ECMA-376 part 1, DrawingML (20.1.2.3, colours) and PresentationML (19.3.1.1, backgrounds).
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from autograder.deck.package import Package

Colour = tuple[int, int, int]
_FILLS = frozenset({"solidFill", "gradFill", "blipFill", "pattFill", "grpFill"})
_LEAST_DISTANCE = 16  # of 255, in one of the three
_LEAST_ALPHA = 10_000  # thousandths of a percent
# What a theme calls its colours, where a slide does not say otherwise.
_USUAL_MAP = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}


class Scheme:
    """The colours behind names, and the ground, of one slide.

    Attributes:
        ground: the slide's own colour; None when it is none, or not certain.
        is_decorated: its layout or master puts pictures or coloured shapes on it.
    """

    def __init__(self, package: Package, slide: str, root: Element) -> None:
        chain = [(slide, root)]  # the slide, its layout, that one's master
        for kind in ("slideLayout", "slideMaster"):
            name = next((each for each in package.relations(chain[-1][0]).values() if f"/{kind}s/" in each), None)
            if name is not None:
                chain.append((name, package.xml(name)))
        self._theme = _theme(package, chain[-1][0])
        self._map = _USUAL_MAP | next((dict(each.attrib) for each in chain[-1][1] if _name(each) == "clrMap"), {})
        self.ground = self._ground([each for _, each in chain])
        self.is_decorated = any(map(_has_decoration, (each for _, each in chain[1:])))

    def fill(self, parent: Element) -> tuple[bool, Colour | None]:
        """Whether an element says how it is filled, and with which one colour, if that can be told."""
        for each in parent:
            if _name(each) == "noFill":
                return False, None
            if _name(each) in _FILLS:
                return True, self.colour(each) if _name(each) == "solidFill" else None
        return False, None

    def colour(self, fill: Element) -> Colour | None:
        """The colour of a solid fill; None when it is made of another, which only a program could tell."""
        for each in fill:
            if any(_name(change) != "alpha" for change in each):
                return None
            kind, value = _name(each), each.get("val", "")
            if kind == "schemeClr":
                return self._theme.get(self._map.get(value, value))
            return _number(each.get("lastClr", "") if kind == "sysClr" else value)
        return None

    def _ground(self, roots: list[Element]) -> Colour | None:
        for root in roots:
            pages = (page for part in root if _name(part) == "cSld" for page in part if _name(page) == "bg")
            for ground in (each for page in pages for each in page):
                if _name(ground) == "bgRef":  # the first of a theme's grounds is the colour as it is
                    return self.colour(ground) if ground.get("idx") == "1001" else None
                return self.fill(ground)[1]
        return None


def is_transparent(style: Element) -> bool:
    """Whether letters of this style have no fill, or hardly any."""
    for fill in style:
        if _name(fill) == "noFill":
            return True
        alphas = [each.get("val", "") for each in fill.iter() if _name(each) == "alpha"]
        if _name(fill) == "solidFill" and any(each.isdigit() and int(each) < _LEAST_ALPHA for each in alphas):
            return True
    return False


def is_same(one: Colour | None, other: Colour | None) -> bool:
    """Whether nobody can tell one from the other."""
    if one is None or other is None:
        return False
    return all(abs(a - b) < _LEAST_DISTANCE for a, b in zip(one, other, strict=True))


def _has_decoration(root: Element) -> bool:
    trees = [tree for part in root if _name(part) == "cSld" for tree in part if _name(tree) == "spTree"]
    looks = [each for tree in trees for shape in tree for each in shape if _name(each) in {"spPr", "grpSpPr"}]
    shapes = {_name(shape) for tree in trees for shape in tree}
    return bool(shapes & {"pic", "graphicFrame", "grpSp"}) or any(
        _name(each) in _FILLS for part in looks for each in part
    )


def _theme(package: Package, master: str) -> Mapping[str, Colour]:
    name = next((each for each in package.relations(master).values() if "/theme/" in each), None)
    schemes = [] if name is None else [each for each in package.xml(name).iter() if _name(each) == "clrScheme"]
    found = {}
    for each in (entry for scheme in schemes for entry in scheme):
        colour = next((_number(value.get("lastClr", value.get("val", ""))) for value in each), None)
        if colour is not None:
            found[_name(each)] = colour
    return found


def _number(text: str) -> Colour | None:
    try:
        red, green, blue = bytes.fromhex(text)
    except ValueError:
        return None
    return red, green, blue


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
