"""Chance that falls the same way for the same seed, on every platform and in every Python.

Python promises that only for `random.Random.random`, so everything here is made from it with arithmetic that IEEE 754
defines to the last bit. Logarithms are not among that: the table of waits is rounded, which hides their last bit.
"""

from __future__ import annotations

import itertools
import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# The middle of each 1024th of the exponential distribution with mean 1: the longest wait is 7.6 times the mean.
_WAITS = tuple(round(-math.log((number + 0.5) / 1024), 6) for number in range(1024))


class Chance:
    """One source of chance.

    Args:
        seed: any text; different texts have nothing to do with one another.

    Attributes:
        share: gives the next number from 0 up to 1, exclusive.
    """

    __slots__ = ("share",)

    def __init__(self, seed: str) -> None:
        self.share = random.Random(seed).random

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens now."""
        return self.share() < probability

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included, all equally likely."""
        return least + int(self.share() * (most - least + 1))

    def pick(self, things: Sequence[T]) -> T:
        """One of them, all equally likely."""
        return things[int(self.share() * len(things))]

    def wait(self, mean: float) -> float:
        """The time until the next of many events that know nothing of one another, in the unit of ``mean``."""
        return mean * _WAITS[int(self.share() * 1024)]


class Weighted:
    """Draws numbers from 0 on, each as often as its weight says."""

    __slots__ = ("_ends", "_total")

    def __init__(self, weights: Sequence[float]) -> None:
        self._ends = tuple(itertools.accumulate(weights))
        self._total = self._ends[-1]

    def draw(self, chance: Chance) -> int:
        """One number."""
        return bisect_right(self._ends, chance.share() * self._total)


def zipf(count: int) -> Weighted:
    """Popularity as Zipf found it in words: number 1 comes ten times as often as number 9, 100 times as number 99.

    Source: G. K. Zipf, Human Behavior and the Principle of Least Effort, 1949; exponent 1.
    """
    return Weighted([1 / rank for rank in range(1, count + 1)])
