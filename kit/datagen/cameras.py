"""Camera detections: what the cameras of a campus recognise, picture by picture.

Realistic: a passage is seen in several pictures, so detections come in bursts; days are busy and nights are not, and
between 8:00 and 18:00 the first five minutes of an hour are a crowd (classes change); the main gate sees most.
Invented: every name; that weekends are like other days; that recognition is never wrong about the label.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from kit.datagen.chance import Chance, Weighted, zipf
from kit.datagen.events import ON_TIME_MS, Detection

PLACES = (
    "main gate", "library", "canteen", "bus stop", "lecture hall A", "parking", "lecture hall B", "sports hall",
    "bicycle racks", "laboratory", "back door", "roof",
)  # fmt: skip
CAMERAS = tuple(f"cam-{number:02d}" for number in range(1, len(PLACES) + 1))

# Passages per minute in all, for each hour of the day (UTC) from midnight on.
PASSAGES_PER_MINUTE = (2, 1, 1, 1, 1, 2, 6, 20, 40, 50, 50, 50, 60, 55, 50, 45, 40, 40, 30, 20, 15, 10, 6, 4)
CROWD_HOURS = range(8, 18)
CROWD_FACTOR = 4
PICTURE_MS = 200  # from one picture of a camera to the next that it looks at

_HOUR_MS = 3_600_000
_SLOT_MS = 300_000
_LABELS = ("person", "bicycle", "car", "dog")
_LABEL_WEIGHTS = Weighted([78, 12, 8, 2])
_CAMERA_RANKS = zipf(len(CAMERAS))


@dataclass(frozen=True, slots=True)
class _Passage:
    begin_ms: int
    camera: int
    track: str
    label: str
    num_pictures: int


def passages_per_minute(at_ms: int) -> int:
    """How many passages all cameras see in a minute like the one at ``at_ms``."""
    hour = at_ms // _HOUR_MS % 24
    is_crowd = hour in CROWD_HOURS and at_ms % _HOUR_MS < _SLOT_MS
    return PASSAGES_PER_MINUTE[hour] * (CROWD_FACTOR if is_crowd else 1)


def _passages(chance: Chance, start_ms: int) -> Iterator[_Passage]:
    at_ms, number = float(start_ms), 0
    while True:
        slot_end_ms = (int(at_ms) // _SLOT_MS + 1) * _SLOT_MS
        at_ms += chance.wait(60_000 / passages_per_minute(int(at_ms)))
        if at_ms >= slot_end_ms:  # nobody remembers how long they waited: from here on the next rate counts
            at_ms = float(slot_end_ms)
            continue
        number += 1
        yield _Passage(
            int(at_ms),
            _CAMERA_RANKS.draw(chance),
            f"track-{number:06d}",
            _LABELS[_LABEL_WEIGHTS.draw(chance)],
            chance.between(2, 12),
        )


def detections(seed: int, start_ms: int) -> Iterator[Detection]:
    """Detections without end, in the order in which they happened."""
    chance = Chance(f"detections {seed}")
    coming = _passages(Chance(f"passages {seed}"), start_ms)
    newest = next(coming)
    # (time of the next picture, number of the passage in case two are at once, picture, passage)
    going_on: list[tuple[int, str, int, _Passage]] = []
    number = 0
    while True:
        while not going_on or newest.begin_ms <= going_on[0][0]:
            heapq.heappush(going_on, (newest.begin_ms, newest.track, 1, newest))
            newest = next(coming)
        at_ms, track, picture, passage = going_on[0]
        if picture < passage.num_pictures:
            heapq.heapreplace(going_on, (at_ms + PICTURE_MS, track, picture + 1, passage))
        else:
            heapq.heappop(going_on)
        number += 1
        yield Detection(
            f"detection-{number:07d}", at_ms, at_ms + ON_TIME_MS, False,
            CAMERAS[passage.camera], PLACES[passage.camera], track, passage.label, chance.between(50, 99) / 100,
        )  # fmt: skip
