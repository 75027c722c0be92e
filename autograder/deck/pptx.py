"""A PPTX's slides: texts and pictures, read from the XML without any presentation program.

Source: ECMA-376 part 1, PresentationML (``p:``) and DrawingML (``a:``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from xml.etree.ElementTree import Element

from autograder.deck.limits import DeckLimits
from autograder.deck.package import Package
from autograder.deck.page import Contents, Line, Page, within
from autograder.deck.refusal import RefusedError
from autograder.deck.sight import Box, Sight

# Only the names after the namespace are compared: files saved as "strict" have namespaces of their own.
_TITLES = frozenset({"title", "ctrTitle"})
_NOT_CONTENT = frozenset({"dt", "ftr", "sldNum", "hdr"})  # date, footer, slide number, header
_DRAWN = frozenset({"sp", "pic", "graphicFrame", "cxnSp", "grpSp", "contentPart", "AlternateContent"})
_MENTIONED = 5  # words of a slide that nobody sees
_OTHERS = {"word/": "a Word document", "xl/": "an Excel workbook", "Index/": "a Keynote presentation"}


def read(content: bytes, limits: DeckLimits, *, with_pictures: bool = False) -> Contents:
    """Read a PPTX.

    Raises:
        RefusedError: it is not a PPTX, or does not keep to the limits.
    """
    package = Package(content, limits)
    names = _slide_names(package)
    roots = [(name, package.xml(name)) for name in names[: limits.pages]]
    shown = [(name, root) for name, root in roots if root.get("show") not in {"0", "false"}]
    contents = Contents(count=len(names) - len(roots) + len(shown), fetches=package.fetches())
    contents.notes.extend(_notes(package, hidden=len(roots) - len(shown)))
    page = _page_box(package)
    for number, (name, root) in enumerate(shown, 1):
        slide = _Slide(package, name, root, limits, page)
        contents.pages.append(Page(slide.lines(), len(slide.pictures)))
        if slide.unseen_words >= _MENTIONED:
            sentence = f"{slide.unseen_words} words on slide {number} cannot be seen; they were not counted"
            contents.notes.append(("invisible text", sentence))
        if with_pictures:
            contents.pictures.append(slide.picture_bytes())
    return contents


def _notes(package: Package, *, hidden: int) -> Iterator[tuple[str, str]]:
    if hidden:
        yield "hidden slides", f"{hidden} hidden slides were not counted and not read"
    if any(name.endswith("vbaProject.bin") for name in package.names):
        yield "macros", "it has macros, which were not run"
    if archives := package.archive.archives():
        yield "archive", f"it has {len(archives)} archives inside, which were not opened"


def _slide_names(package: Package) -> list[str]:
    """The names of the slides in the order of the presentation."""
    main = package.main()
    root = package.xml(main) if main is not None and main.endswith(".xml") else None
    if main is None or root is None or _name(root) != "presentation":
        raise RefusedError("not a deck", f"is {_what_else(package.names)}; a PDF or a PPTX is asked for")
    relations = package.relations(main)
    listed = (each for part in root if _name(part) == "sldIdLst" for each in part)
    return [relations[key] for each in listed for key in _keys(each, "id") if key in relations]


def _page_box(package: Package) -> Box | None:
    """How large the slides are."""
    root = package.xml(package.main() or "")
    for each in root:
        if _name(each) == "sldSz" and (each.get("cx", "") + each.get("cy", "")).isdigit():
            return Box(0, 0, int(each.get("cx", "0")), int(each.get("cy", "0")))
    return None


def _what_else(names: Collection[str]) -> str:
    if "content.xml" in names:
        return "an OpenDocument file"
    for beginning, what in _OTHERS.items():
        if any(name.startswith(beginning) for name in names):
            return what
    return "a zip archive without a presentation"


class _Slide:
    """One slide: its shapes, in the order of the file, those of groups among them."""

    def __init__(self, package: Package, name: str, root: Element, limits: DeckLimits, page: Box | None = None) -> None:
        self._package = package
        self._limits = limits
        self._relations = package.relations(name)
        trees = [tree for part in root if _name(part) == "cSld" for tree in part if _name(tree) == "spTree"]
        drawn = [each for tree in trees for each in tree if _name(each) in _DRAWN]
        self._sight = Sight(package, name, root, drawn, page)
        self._shapes = [shape for tree in trees for shape in _shapes(tree)]
        self._out_of_sight = {
            id(shape)
            for tree in trees
            for top in tree
            if self._sight.is_out_of_sight(top)
            for shape in ([top] if _name(top) != "grpSp" else _shapes(top))
        }
        self.pictures = [name for shape in self._shapes for name in self._parts(shape, "blip", "embed")]
        self.unseen_words = 0

    def lines(self) -> tuple[Line, ...]:
        """Its paragraphs, the title's first."""
        titles: list[Line] = []
        others: list[Line] = []
        for shape in self._shapes:
            kind = next((each.get("type", "body") for each in shape.iter() if _name(each) == "ph"), "")
            if kind in _NOT_CONTENT:
                continue
            is_title = kind in _TITLES
            into = titles if is_title else others
            into.extend(self._seen(shape, is_title=is_title))
            for name in self._parts(shape, "relIds", "dm"):  # a diagram ("SmartArt") has its texts in a part of its own
                into.extend(_paragraphs(self._package.xml(name), lambda _: True, is_title=False))
        return within(titles + others, self._limits)

    def _seen(self, shape: Element, *, is_title: bool) -> list[Line]:
        """The paragraphs of a shape without what nobody can see, which is counted."""
        is_out = id(shape) in self._out_of_sight
        every = list(_paragraphs(shape, lambda _: True, is_title=is_title))
        found = (
            [] if is_out else list(_paragraphs(shape, lambda style: self._sight.shows(shape, style), is_title=is_title))
        )
        self.unseen_words += sum(line.words for line in every) - sum(line.words for line in found)
        return found

    def picture_bytes(self) -> list[bytes]:
        """The files of its pictures that are not too large to be shown."""
        most_bytes = self._limits.picture_bytes
        names = [name for name in dict.fromkeys(self.pictures) if self._package.archive.size(name) <= most_bytes]
        return [self._package.archive.read(name, most_bytes) for name in names[: self._limits.page_pictures]]

    def _parts(self, shape: Element, element: str, attribute: str) -> list[str]:
        """The parts that elements of ``shape`` lead to."""
        keys = (key for each in shape.iter() if _name(each) == element for key in _keys(each, attribute))
        return [self._relations[key] for key in keys if key in self._relations]


def _shapes(tree: Element) -> Iterator[Element]:
    """Every shape that is not a group. Of alternatives for older and newer programs, the first is taken."""
    waiting = list(reversed(tree))
    while waiting:
        each = waiting.pop()
        name = _name(each)
        if name == "grpSp" and not _is_hidden(each):
            waiting.extend(reversed(each))
        elif name == "AlternateContent":
            waiting.extend(reversed(next(iter(each), each)))
        elif name in {"sp", "pic", "graphicFrame", "cxnSp"} and not _is_hidden(each):
            yield each


def _is_hidden(shape: Element) -> bool:
    about = (each for part in shape if _name(part).startswith("nv") for each in part if _name(each) == "cNvPr")
    return any(each.get("hidden") in {"1", "true"} for each in about)


def _paragraphs(root: Element, shows: Callable[[Element | None], bool], *, is_title: bool) -> Iterator[Line]:
    for paragraph in root.iter():
        if _name(paragraph) != "p":
            continue
        runs = [each for each in paragraph if _name(each) in {"r", "fld", "br"} and shows(_style(each))]
        text = "".join(" " if _name(run) == "br" else _text(run) for run in runs)
        styles = [style for run in runs if _text(run).strip() and (style := _style(run)) is not None]
        sizes = [_hundredths(style.get("sz", "")) for style in styles]
        is_bold = bool(styles) and all(style.get("b") in {"1", "true"} for style in styles)
        if text.strip():
            yield Line(" ".join(text.split()), max(sizes, default=0.0), is_title, is_bold)


def _style(run: Element) -> Element | None:
    return next((each for each in run if _name(each) == "rPr"), None)


def _text(run: Element) -> str:
    return "".join(each.text or "" for each in run if _name(each) == "t")


def _hundredths(text: str) -> float:
    return int(text) / 100 if text.isascii() and text.isdigit() and len(text) < 7 else 0.0


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _keys(element: Element, attribute: str) -> Iterator[str]:
    """The relationship ids in an attribute, whatever its namespace."""
    return (value for key, value in element.attrib.items() if key.endswith("}" + attribute))
