"""`RefusedError`: a deck that is not read, with the line that says why."""

from __future__ import annotations


class RefusedError(Exception):
    """The deck is not read any further.

    Args:
        kind: one or two words, the same for all refusals of a kind.
        sentence: what was found, as the rest of a sentence after the file's name, without a full stop.
    """

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence
