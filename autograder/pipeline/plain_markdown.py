"""Markdown of a stranger: whether what nbconvert makes of it is nothing but text, formulas, pictures and links."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.filters.strings import _convert_header_id

from autograder.pipeline.plain_html import is_address

_MOST_CHARACTERS = 50_000  # besides pictures; parsers of Markdown can be slow with what nobody writes
# Tags that people write into Markdown by hand, without attributes; each must be closed.
_TAG = re.compile(r"<(/?)(b|br|code|em|hr|i|kbd|mark|s|small|strong|sub|sup|u)\s?(/?)>", re.IGNORECASE)
_VOID = frozenset({"br", "hr"})
_FILE = re.compile(r"(?:\./)?[\w-][\w .-]*(?:/[\w-][\w .-]*){0,5}")  # beside the notebook, and nowhere else
_PLACE = re.compile(r"#[\w-]+")
_DATA = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*")
_ATTACHMENT = "attachment:"
# What MathJax does beyond setting formulas, in case that a page loads it.
_NO_FORMULA = re.compile(r"\\(?:href|url|class|cssId|style|data|html\w*|require|includegraphics|unicode)(?![a-zA-Z])")
# Ids of nbgrader's own pages; a heading's is made of its text.
_OWN_IDS = frozenset({"toc", "top", "notebook", "notebook-container", "statusmessage"})


def is_harmless(text: str, attachments: Collection[str] = (), taken_ids: Collection[str] = ()) -> bool:
    """Whether a cell with this text can be shown as it is.

    Args:
        attachments: names of the cell's pictures; nbconvert gives up a whole notebook for one that is missing.
        taken_ids: ids of the page's own parts, besides those of every page.
    """
    if is_too_long(text):
        return False
    looking = _Looking(attachments, taken_ids)
    try:
        MarkdownWithMath(renderer=looking).render(text)
    except (ValueError, RecursionError):
        return False
    return looking.is_harmless()


def is_too_long(text: str) -> bool:
    """Whether nobody would write so much into one cell."""
    return len(_DATA.sub("", text)) > _MOST_CHARACTERS


class _Looking(IPythonRenderer):
    """Renders as nbconvert does, and looks at all that is not text."""

    def __init__(self, attachments: Collection[str], taken_ids: Collection[str]) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self._names = attachments
        self._taken = _OWN_IDS.union(*((each, f"{each}-comment", f"{each}_extra_credit") for each in taken_ids))
        self._found_harm = False
        self._open: list[str] = []

    def is_harmless(self) -> bool:
        return not self._found_harm and not self._open

    def _expect(self, is_fine: object) -> None:
        self._found_harm = self._found_harm or not is_fine

    def inline_html(self, html: str) -> str:
        found = _TAG.fullmatch(html)
        self._expect(found)
        if found and (name := found[2].lower()) not in _VOID:
            if not found[1]:
                self._open.append(name)
            else:
                self._expect(self._open and self._open.pop() == name)
        return ""

    def block_html(self, html: str) -> str:
        rest = _TAG.sub(self._take, html)
        self._expect("<" not in rest and "&" not in rest)
        return ""

    def _take(self, found: re.Match[str]) -> str:
        self.inline_html(found[0])
        return ""

    def block_mermaidjs(self, code: str) -> str:  # nbconvert writes it into the page as it is
        self._expect("<" not in code and "&" not in code)
        return ""

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        shown = re.sub(r"<[^>]*>", "", text)
        self._expect(_convert_header_id(shown) not in self._taken)  # type: ignore[no-untyped-call]
        return str(super().heading(text, level, **attrs))

    def link(self, text: str, url: str, title: str | None = None) -> str:
        del title  # it is escaped
        self._expect(is_address(url) or _FILE.fullmatch(url) or _PLACE.fullmatch(url))
        return text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        del title
        if url.startswith(_ATTACHMENT):
            self._expect(url.removeprefix(_ATTACHMENT) in self._names)
        else:
            self._expect(_FILE.fullmatch(url) or _DATA.fullmatch(url))
        return text

    def block_math(self, body: str) -> str:
        return self._formula(body)

    def inline_math(self, body: str) -> str:
        return self._formula(body)

    def latex_environment(self, name: str, body: str) -> str:
        del name  # small letters
        return self._formula(body)

    def _formula(self, body: str) -> str:
        self._expect(not _NO_FORMULA.search(body))
        return ""
