"""Which file of several is the deck: the same in a student's notebook and when it is graded."""

from __future__ import annotations

from collections.abc import Iterable

NAMES = ("deck.pdf", "deck.pptx")
"""What students are asked for."""


def decks(names: Iterable[str]) -> list[str]:
    """The decks among files, by their paths with slashes: one of the name that was asked for first, or else any."""
    found = sorted(name for name in names if name.casefold().endswith((".pdf", ".pptx")))
    return sorted(found, key=lambda name: (name.casefold() not in NAMES, name.count("/")))
