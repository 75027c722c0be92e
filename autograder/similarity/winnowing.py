"""Fingerprints of a row of tokens.

Source: Schleimer, Wilkerson, Aiken: Winnowing: Local Algorithms for Document Fingerprinting, SIGMOD 2003. Of the hashes
of all runs of `RUN` tokens, the smallest in each window of `WINDOW` is kept, the last of equal ones. So whatever two
rows share is found when it has `RUN` + `WINDOW` - 1 tokens, and nothing shorter than `RUN` is ever found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

RUN = 20  # tokens: two or three lines
WINDOW = 13
_BASE = 1_000_003
_PRIME = (1 << 61) - 1


def hashes(tokens: Sequence[int]) -> list[int]:
    """The hash of each run of tokens, by the place of its first; empty for a row that is shorter than a run."""
    if len(tokens) < RUN:
        return []
    highest = pow(_BASE, RUN - 1, _PRIME)
    value = 0
    for token in tokens[:RUN]:
        value = (value * _BASE + token) % _PRIME
    found = [value]
    for gone, token in zip(tokens, tokens[RUN:], strict=False):
        value = ((value - gone * highest) * _BASE + token) % _PRIME
        found.append(value)
    return found


def winnow(values: Sequence[int | None]) -> set[int]:
    """The fingerprints among the hashes; None stands for a run that is nobody's own and is passed over."""
    chosen: set[int] = set()
    smallest: deque[tuple[int, int]] = deque()  # (value, place), rising; its first is the smallest of the window
    own = [(place, value) for place, value in enumerate(values) if value is not None]
    for count, (place, value) in enumerate(own):
        while smallest and smallest[-1][0] >= value:
            smallest.pop()
        smallest.append((value, count))
        if smallest[0][1] <= count - WINDOW:
            smallest.popleft()
        if count >= WINDOW - 1 or place == own[-1][0]:
            chosen.add(smallest[0][0])
    return chosen
