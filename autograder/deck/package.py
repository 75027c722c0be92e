"""An Office package: parts, and the relationships between them.

Source: ECMA-376 part 2, Open Packaging Conventions.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element

from autograder.deck.archive import Archive
from autograder.deck.limits import DeckLimits
from autograder.deck.xml_part import parse

_HARMLESS = "/hyperlink"  # a link that somebody has to click


class Package:
    """The parts of a PPTX by name.

    Raises:
        RefusedError: here and from every method: the file or a part of it is damaged, or beyond the limits.
    """

    def __init__(self, content: bytes, limits: DeckLimits) -> None:
        self.archive = Archive(content, limits)
        self.names: Collection[str] = frozenset(self.archive.names)
        self._limits = limits

    def xml(self, name: str) -> Element:
        """The root element of a part."""
        return parse(self.archive.read(name, self._limits.xml_bytes), self._limits)

    def main(self) -> str | None:
        """The name of the part that the package is about."""
        for each in self._listed("_rels/.rels"):
            if each.get("Type", "").endswith("/officeDocument"):
                name = posixpath.normpath("/" + each.get("Target", "")).lstrip("/")
                return name if name in self.names else None
        return None

    def relations(self, name: str) -> dict[str, str]:
        """Of a part: relationship id -> the name of the part that it leads to; those that lead outside are left out."""
        folder, file = posixpath.split(name)
        found = {}
        for each in self._listed(posixpath.join(folder, "_rels", file + ".rels")):
            inside = posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))).lstrip("/")
            if each.get("TargetMode") != "External" and inside in self.names:
                found[each.get("Id", "")] = inside
        return found

    def fetches(self) -> bool:
        """Whether a program that shows it would fetch something from elsewhere: a linked picture, a template."""
        return any(
            each.get("TargetMode") == "External" and not each.get("Type", "").endswith(_HARMLESS)
            for name in self.names
            if name.endswith(".rels")
            for each in self._listed(name)
        )

    def _listed(self, listing: str) -> Iterator[Element]:
        return iter(self.xml(listing)) if listing in self.names else iter(())
