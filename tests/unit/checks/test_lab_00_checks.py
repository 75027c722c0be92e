"""The check of lab 00 on evidence made by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.checks import SeenRecord, verdict
from kit.checks.lab_00 import PLAYS
from tests.support.fake_evidence import FakeEvidence


@dataclass
class Happened:
    """An event of a timeline."""

    time_ms: int
    kind: str = "kill"
    node_id: int | None = 2
    topic: str | None = None
    partition: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass
class Telling(FakeEvidence):
    """Evidence with a timeline."""

    events: tuple[Happened, ...] | None = ()

    def timeline(self) -> Any:
        """See `Evidence`."""
        return self.events


def play(offset: int, number: object, game: bytes = b"game-1", time_ms: int | None = None) -> SeenRecord:
    """Give the record of one play."""
    value = number if isinstance(number, bytes) else json.dumps({"play": number}).encode()
    return SeenRecord(PLAYS, 0, offset, 1_000 + offset if time_ms is None else time_ms, game, value)


FLOWING = [play(offset, offset + 1) for offset in range(10)]
CRASH = (Happened(1_004),)


@pytest.mark.parametrize(("answer", "passed"), [("they go on", True), ("they stop", False), ("some are lost", False)])
def test_crash_judges_the_guess_by_what_was_counted(answer: str, passed: bool) -> None:
    """Only the guess that fits to the records passes; both get the numbers."""
    result = verdict("00.crash", Telling(FLOWING, events=CRASH), answer)

    assert result.passed is passed
    assert "5 plays arrived after the crash, and in none of 1 games is a play missing" in result.happened
    assert "broker 2" in result.where


@pytest.mark.parametrize("answer", [None, 7, [], "THEY GO", "<b>they go on</b>"])
def test_crash_shows_the_guesses_to_whoever_writes_another_one(answer: object) -> None:
    """What is none of the three guesses is told, with the three."""
    result = verdict("00.crash", Telling(FLOWING, events=CRASH), answer)

    assert not result
    assert repr(answer) in result.try_next
    assert "'they stop'" in result.try_next


@pytest.mark.parametrize("events", [None, (), (Happened(1_000, "restart"),)])
def test_crash_wants_a_crash_first(events: tuple[Happened, ...] | None) -> None:
    """Without a broker that crashed the right guess is not enough."""
    result = verdict("00.crash", Telling(FLOWING, events=events), "they go on")

    assert not result
    assert "No broker of this cluster has crashed yet" in result.happened


def test_crash_wants_plays_after_it() -> None:
    """A stream that stopped before the crash shows nothing about it."""
    result = verdict("00.crash", Telling(FLOWING, events=(Happened(9_999),)), "they go on")

    assert not result
    assert "No play has arrived since" in result.happened


def test_crash_counts_what_is_missing() -> None:
    """A hole in a game's count is told, whatever was guessed; other games and strangers' records do not hide it."""
    records = [play(0, 1), play(1, 4, time_ms=2_000), play(2, 1, b"game-2"), play(3, b"\xff"), play(4, True)]

    result = verdict("00.crash", Telling(records, events=CRASH), "they go on")

    assert not result
    assert "2 plays of 2 games are missing" in result.happened
