"""Topics and offsets, read often enough to see them move and seldom enough to leave the computer alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from kit.topics import Topic
from kit.widgets.live_view.look import Listed, Offsets, Watched
from kit.widgets.live_view.rates import Rates

# Up to so many partitions a cluster is read whole every time; of a bigger one, what is shown.
_SMALL_PARTITIONS = 300
_LIST_EVERY_S = 3.0

Wanted = Callable[[tuple[Listed, ...]], Collection[str]]  # of what is there, the topics that are shown


class Reading:
    """Reads one cluster again and again.

    Args:
        wanted: tells which topics are shown.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.offsets = Offsets()
        self._wanted = wanted
        self._rates = Rates()
        self._listed_s = 0.0

    def read(self, cluster: Watched) -> None:
        """Read what is there now into `offsets`; raises what `Cluster.topics` raises."""
        now_s = time.monotonic()
        num_partitions = sum(topic.num_partitions for topic in self.offsets.listed)
        if num_partitions <= _SMALL_PARTITIONS or now_s - self._listed_s > _LIST_EVERY_S:
            topics = self._list(cluster.topics(wait=False))
            self._listed_s = now_s
        else:
            topics = cluster.topics(self._wanted(self.offsets.listed), wait=False)
        rates = self._rates.take(time.monotonic(), topics)
        self.offsets = replace(
            self.offsets, topics=topics, rates=rates, read_ms=time.time_ns() // 1_000_000, trouble=""
        )

    def failed(self, trouble: str) -> None:
        """Nothing could be read: what was known stays, and nothing moves."""
        self.offsets = replace(self.offsets, rates={}, trouble=trouble)

    def _list(self, topics: Mapping[str, Topic]) -> dict[str, Topic]:
        listed = tuple(Listed(name, len(topic.partitions), topic.is_internal) for name, topic in topics.items())
        self.offsets = replace(self.offsets, listed=listed, counts=_counts(topics))
        if sum(topic.num_partitions for topic in listed) <= _SMALL_PARTITIONS:
            return dict(topics)
        return {name: topics[name] for name in self._wanted(listed) if name in topics}


def _counts(topics: Mapping[str, Topic]) -> dict[int, tuple[int, int]]:
    counts: dict[int, list[int]] = {}
    for topic in topics.values():
        for partition in topic.partitions:
            for node_id in partition.replicas:
                counts.setdefault(node_id, [0, 0])[node_id != partition.leader] += 1
    return {node_id: (leads, follows) for node_id, (leads, follows) in counts.items()}
