"""HTML of a stranger, written anew with the few tags that tables and texts need, each of them closed.

Written by hand because it must be quick: it runs in the one process that records marks, and both bleach and nh3 need
minutes for 250 kB of `<div>` (html5lib 175 s). Here one look at each character is enough; what comes out has only tags
and attributes of this file, in the right order, so it means the same to every browser.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_VOID = frozenset({"br", "hr"})
_KEPT = _VOID | {
    "a", "b", "blockquote", "caption", "code", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "i", "kbd", "li", "ol",
    "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
    "ul",
}  # fmt: skip
# Left out with all that is in them: to a browser it is no text, or not of this page.
_WITH_CONTENT = frozenset({
    "applet", "audio", "canvas", "embed", "head", "iframe", "math", "noembed", "noframes", "noscript", "object",
    "plaintext", "script", "select", "style", "svg", "template", "textarea", "title", "video", "xmp",
})  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}
_TABLE_ONLY = frozenset({"caption", "tbody", "td", "tfoot", "th", "thead", "tr"})
_LISTS = frozenset({"ol", "ul"})
_DEEPEST = 50
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})(?![a-zA-Z0-9])([^<>]{0,2000})>|<!--|<[!?/][^<>]{0,2000}>")
_ATTRIBUTE = re.compile(r"([a-zA-Z]{1,20})\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>=`]+))")
_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20\"'<>\\`]+", re.IGNORECASE)


def cleaned(text: str) -> str:
    """The same with tags of the list alone; everything else is left out, or text.

    Takes time in proportion to the length of ``text``.
    """
    return "".join(_Writing(text).parts())


def is_address(text: str) -> bool:
    """Whether it leads to a page or a mailbox elsewhere, and not to this computer's own pages or into a program."""
    return _ADDRESS.fullmatch(text) is not None


class _Writing:
    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[str] = []

    def parts(self) -> Iterator[str]:
        at = 0
        while found := _TAG.search(self._text, at):
            yield _escaped(self._text[at : found.start()])
            at = found.end()
            name = (found[2] or "").lower()
            if found[0] == "<!--":
                at = self._behind("-->", at)
            elif name in _WITH_CONTENT and not found[1]:
                at = self._behind(f"</{name}", at)
                at = at if at == len(self._text) else self._behind(">", at)
            elif name in _KEPT:
                yield from self._end(name) if found[1] else self._begin(name, found[3])
        yield _escaped(self._text[at:])
        yield from self._close(0)

    def _behind(self, mark: str, at: int) -> int:
        """The place after ``mark``, of small letters; the end where there is none, so nobody looks there twice."""
        if mark.startswith("</"):
            found = re.compile(re.escape(mark), re.IGNORECASE).search(self._text, at)
            return found.end() if found else len(self._text)
        place = self._text.find(mark, at)
        return len(self._text) if place < 0 else place + len(mark)

    def _begin(self, name: str, attributes: str) -> Iterator[str]:
        if name == "li":  # a browser closes the item before, and would take our later end of it for another's
            inner = max((n for n, each in enumerate(self._open) if each in _LISTS), default=-1)
            before = [n for n, each in enumerate(self._open) if each == "li" and n > inner]
            yield from self._close(before[0]) if before else ()
        if len(self._open) >= _DEEPEST or (name in _TABLE_ONLY and "table" not in self._open):
            return
        yield f"<{name}{''.join(_attributes(name, attributes))}>"
        if name not in _VOID:
            self._open.append(name)

    def _end(self, name: str) -> Iterator[str]:
        if name in self._open:
            yield from self._close(len(self._open) - 1 - self._open[::-1].index(name))

    def _close(self, depth: int) -> Iterator[str]:
        while len(self._open) > depth:
            yield f"</{self._open.pop()}>"


def _attributes(name: str, text: str) -> Iterator[str]:
    seen = set()
    for found in _ATTRIBUTE.finditer(text):
        key = found[1].lower()
        value = html.unescape(found[2] or found[3] or found[4] or "")
        if key in _ATTRIBUTES.get(name, ()) and key not in seen and _is_allowed(key, value):
            seen.add(key)
            yield f' {key}="{html.escape(value)}"'


def _is_allowed(key: str, value: str) -> bool:
    if key in {"colspan", "rowspan"}:
        return _NUMBER.fullmatch(value) is not None
    if key == "scope":
        return value in {"row", "col", "rowgroup", "colgroup"}
    return key == "title" or is_address(value)


def _escaped(text: str) -> str:
    """Text as it was meant: entities stay what they are, and no sign begins a tag."""
    return html.escape(html.unescape(text), quote=False)
