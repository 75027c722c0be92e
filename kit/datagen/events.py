"""What happens in the three streams: one class for each kind of event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

# An event that nothing delays arrives so much later than it happens.
ON_TIME_MS = 40
# An event that arrives at least so much later than it happened is called late.
LATE_FROM_MS = 1_000

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and how it reached us.

    Attributes:
        id: the same in an event and its duplicates, and in no other event of the stream.
        timestamp_ms: when it happened (event time), milliseconds since 1970-01-01 UTC.
        arrival_ms: when it reached us; events come in this order.
        is_duplicate: whether the same event has arrived before. The record does not tell, just as in real life.
    """

    id: str
    timestamp_ms: int
    arrival_ms: int
    is_duplicate: bool

    stream: ClassVar[str]

    @property
    def key(self) -> bytes:
        """The key of its record: events that must stay in order have the same one."""
        raise NotImplementedError

    @property
    def value(self) -> bytes:
        """The value of its record: a JSON object in UTF-8."""
        return _to_json(self.fields()).encode()

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The headers of its record, as kafka-python takes them."""
        return [("source", b"kit.datagen"), ("stream", self.stream.encode())]

    @property
    def is_late(self) -> bool:
        """Whether it took at least `LATE_FROM_MS` to reach us."""
        return self.arrival_ms - self.timestamp_ms >= LATE_FROM_MS

    def fields(self) -> dict[str, Any]:
        """What its value says, before it becomes JSON."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Listen(Event):
    """Somebody listened to a song.

    Attributes:
        played_ms: how long; less than 30 s counts as skipped.
    """

    user: str
    song: str
    artist: str
    device: str
    played_ms: int

    stream: ClassVar[str] = "listens"

    @property
    def key(self) -> bytes:
        """The user."""
        return self.user.encode()

    def fields(self) -> dict[str, Any]:
        """See `Event.fields`."""
        return {
            "id": self.id,
            "at_ms": self.timestamp_ms,
            "user": self.user,
            "song": self.song,
            "artist": self.artist,
            "device": self.device,
            "played_ms": self.played_ms,
        }


@dataclass(frozen=True, slots=True)
class Detection(Event):
    """A camera recognised something in one picture.

    Attributes:
        place: what the camera looks at.
        track: the passage that it belongs to: the same person, or the same car, seen in several pictures.
        label: "person", "bicycle", "car" or "dog".
        confidence: from 0.5 to 0.99, as the recognition sees it.
    """

    camera: str
    place: str
    track: str
    label: str
    confidence: float

    stream: ClassVar[str] = "detections"

    @property
    def key(self) -> bytes:
        """The camera."""
        return self.camera.encode()

    def fields(self) -> dict[str, Any]:
        """See `Event.fields`."""
        return {
            "id": self.id,
            "at_ms": self.timestamp_ms,
            "camera": self.camera,
            "place": self.place,
            "track": self.track,
            "label": self.label,
            "confidence": self.confidence,
        }


@dataclass(frozen=True, slots=True)
class Play(Event):
    """One line of a basketball game's play-by-play.

    Attributes:
        play: its number in the game, from 1, without gaps.
        period: 1 to 4, and from 5 on overtime.
        clock: what is left of the period, minutes and seconds, such as "11:42".
        kind: "period-start", "shot-made", "shot-missed", "rebound", "turnover", "foul", "free-throw-made",
            "free-throw-missed", "period-end" or "game-end".
        team: whose play it is; None when nobody's.
        player: the team's player, by the number on the shirt; None when nobody's.
        points: that it brought.
        home_score, away_score: after it.
    """

    game: str
    play: int
    period: int
    clock: str
    kind: str
    team: str | None
    player: int | None
    points: int
    home: str
    away: str
    home_score: int
    away_score: int

    stream: ClassVar[str] = "plays"

    @property
    def key(self) -> bytes:
        """The game."""
        return self.game.encode()

    def fields(self) -> dict[str, Any]:
        """See `Event.fields`."""
        return {
            "id": self.id,
            "at_ms": self.timestamp_ms,
            "game": self.game,
            "play": self.play,
            "period": self.period,
            "clock": self.clock,
            "kind": self.kind,
            "team": self.team,
            "player": self.player,
            "points": self.points,
            "home": self.home,
            "away": self.away,
            "home_score": self.home_score,
            "away_score": self.away_score,
        }
