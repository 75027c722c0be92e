"""The checks of assignment 1 that look at a function alone need no cluster, and show the example that failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

import kit


def plays(values: list[bytes | None]) -> dict[str, int]:
    """Right, as long as every value is a listen."""
    songs = [json.loads(each)["song"] for each in values if each is not None]
    return {song: songs.count(song) for song in songs}


def no_none(values: list[Any]) -> dict[str, int]:
    """Right for everything but None."""
    good = [each for each in values if each.startswith(b'{"') and b"song" in each]
    return plays(good)


def ends_at_the_first(values: list[bytes | None]) -> dict[str, int]:
    """What is no listen is the end."""
    found: dict[str, int] = {}
    for each in values:
        if each is None or b"song" not in each:
            break
        for song, number in plays([each]).items():
            found[song] = found.get(song, 0) + number
    return found


@pytest.mark.parametrize(
    ("function", "where"),
    [
        (plays, "called with [b'not JSON']"),
        (no_none, "called with [None]"),
        (ends_at_the_first, '\'{"id":"listen-4","user":"eve"}\', None]'),
    ],
)
def test_plays_is_shown_the_value_at_which_it_fails(function: Any, where: str) -> None:
    """Alone where it fails alone, and nothing is cut off where only all of them show it."""
    found = kit.check("A1.plays", answer=function)
    assert not found.passed
    assert where in found.where
    assert "also None" in found.try_next


def test_a_lag_that_raises_is_told_what_it_forgot() -> None:
    """In words about offsets."""
    found = kit.check("A1.lag", answer=lambda ends, done: sum(end - done[each] for each, end in ends.items()))
    assert "KeyError" in found.happened
    assert "nothing was committed" in found.try_next
    right = kit.check("A1.lag", answer=lambda ends, done: sum(end - done.get(each, 0) for each, end in ends.items()))
    assert right.passed
