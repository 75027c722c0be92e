"""How fast partitions fill: from high watermarks that were read, and from nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from kit.topics import Topic
from kit.widgets.live_view.look import Key

_OVER_S = 1.0


class Rates:
    """Records per second by partition, over the last second or so."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, dict[Key, int]]] = deque()

    def take(self, time_s: float, topics: Mapping[str, Topic]) -> dict[Key, float]:
        """Note the high watermarks of now; the rates of the partitions that grew."""
        now = {
            (name, partition.partition): partition.high_watermark
            for name, topic in topics.items()
            for partition in topic.partitions
            if partition.high_watermark is not None
        }
        self._samples.append((time_s, now))
        while len(self._samples) > 2 and time_s - self._samples[1][0] >= _OVER_S:
            self._samples.popleft()
        then_s, then = self._samples[0]
        if time_s <= then_s:
            return {}
        return {
            key: round((offset - then[key]) / (time_s - then_s), 1)
            for key, offset in now.items()
            if offset > then.get(key, offset)
        }
