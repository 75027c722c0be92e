"""XML of a stranger: no document type, so no entities of its own, and no more elements than a slide needs."""

from __future__ import annotations

from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from autograder.deck.limits import DeckLimits
from autograder.deck.refusal import RefusedError


def parse(content: bytes, limits: DeckLimits) -> Element:
    """The root element; names read ``{namespace}name`` as in ElementTree.

    Raises:
        RefusedError: it is not XML, declares a document type or entities, or is too large or too deep.
    """
    return _Parsing(limits).parse(content)


class _Parsing:
    def __init__(self, limits: DeckLimits) -> None:
        self._limits = limits
        self._builder = TreeBuilder()
        self._elements = 0
        self._depth = 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._builder.data
        # Office files have no document type. It is what entity bombs and reads of other files begin with.
        self._parser.StartDoctypeDeclHandler = _refuse_doctype

    def parse(self, content: bytes) -> Element:
        try:
            self._parser.Parse(content, True)
            return self._builder.close()
        except (expat.ExpatError, AssertionError, ValueError, LookupError) as error:
            raise RefusedError("broken", "has a part that is not XML") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        if self._elements > self._limits.xml_elements:
            raise RefusedError("xml bomb", f"has a part of more than {self._limits.xml_elements:,} XML elements")
        if self._depth > self._limits.xml_depth:
            raise RefusedError("xml bomb", f"has XML elements more than {self._limits.xml_depth} deep")
        self._builder.start(_tag(name), {_tag(key): value for key, value in attributes.items()})

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._builder.end(_tag(name))


def _tag(name: str) -> str:
    return "{" + name if "}" in name else name


def _refuse_doctype(*_declared: object) -> NoReturn:
    raise RefusedError("xml bomb", "has XML with a document type, which no presentation program writes")
