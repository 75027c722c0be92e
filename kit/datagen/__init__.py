"""`kit.datagen`: the lecture's three streams, to look at or to send: music, cameras, basketball.

::

    for listen in kit.datagen.listens(seed=7):      # events without end, the same ones for the same seed
        ...
    kit.datagen.plays().send(cluster, "basketball.plays", count=1_000)
    with kit.datagen.detections(late=0.05, duplicates=0.01).run(cluster, "camera.detections", rate=50):
        ...
"""

from __future__ import annotations

from kit.datagen import basketball, cameras, music
from kit.datagen.events import Detection, Event, Listen, Play
from kit.datagen.report import Report, Written
from kit.datagen.running import Running
from kit.datagen.stream import START_MS, Stream

__all__ = [
    "START_MS", "Detection", "Event", "Listen", "Play", "Report", "Running", "Stream", "Written", "detections",
    "listens", "plays",
]  # fmt: skip

_LATE_MS = 60_000


def listens(
    seed: int = 1, *, late: float = 0, duplicates: float = 0, late_ms: int = _LATE_MS, start_ms: int = START_MS
) -> Stream[Listen]:
    """Music listens, 20 per second of event time; the key is the user.

    Args:
        seed: the same seed gives the same events, on every computer.
        late: the share of events that arrive late, from 0 to 1.
        duplicates: the share of events that arrive a second time, from 0 to 1.
        late_ms: how late at most; most late events come much sooner.
        start_ms: when the first events happen, milliseconds since 1970-01-01 UTC.

    Raises:
        DatagenError: an argument makes no sense.
    """
    return Stream(
        "listens", music.listens, seed=seed, late=late, duplicates=duplicates, late_ms=late_ms, start_ms=start_ms
    )


def detections(
    seed: int = 1, *, late: float = 0, duplicates: float = 0, late_ms: int = _LATE_MS, start_ms: int = START_MS
) -> Stream[Detection]:
    """Camera detections, from 0.1 per second of event time at night to 25 in a crowd; the key is the camera.

    Arguments and errors are those of `listens`.
    """
    return Stream(
        "detections",
        cameras.detections,
        seed=seed,
        late=late,
        duplicates=duplicates,
        late_ms=late_ms,
        start_ms=start_ms,
    )


def plays(
    seed: int = 1, *, late: float = 0, duplicates: float = 0, late_ms: int = _LATE_MS, start_ms: int = START_MS
) -> Stream[Play]:
    """Basketball plays of four games at once, about one every four seconds of event time; the key is the game.

    Arguments and errors are those of `listens`.
    """
    return Stream(
        "plays", basketball.plays, seed=seed, late=late, duplicates=duplicates, late_ms=late_ms, start_ms=start_ms
    )
