"""The looks that are remembered, so that one can go back in time; the oldest go when there are too many."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque

from kit.widgets.live_view.look import Look

MAX_LOOKS = 3_000
MAX_PARTITIONS = 60_000  # over all looks: some twenty megabytes
# Of looks that differ only in offsets so many milliseconds apart are enough.
_EVERY_MS = 1_000
_SOON_MS = 600


class Memory:
    """Remembers looks in their order.

    Args:
        max_looks, max_partitions: how much is kept.
    """

    def __init__(self, max_looks: int = MAX_LOOKS, max_partitions: int = MAX_PARTITIONS) -> None:
        self._max_looks = max_looks
        self._max_partitions = max_partitions
        self._looks: deque[Look] = deque()
        self._sizes: deque[int] = deque()
        self._num_partitions = 0

    def add(self, look: Look) -> bool:
        """Take a look in, if it tells more than the last one; whether it did."""
        if self._looks and not self._is_worth_it(look):
            return False
        self._looks.append(look)
        self._sizes.append(sum(len(topic.partitions) for topic in look.offsets.topics.values()))
        self._num_partitions += self._sizes[-1]
        while len(self._looks) > 1 and (
            len(self._looks) > self._max_looks or self._num_partitions > self._max_partitions
        ):
            self._looks.popleft()
            self._num_partitions -= self._sizes.popleft()
        return True

    def at(self, time_ms: int) -> Look | None:
        """What was known at a time; the oldest look for one before it, None when there is none at all."""
        looks = list(self._looks)
        index = bisect_right(looks, time_ms, key=lambda look: look.time_ms)
        return looks[max(index - 1, 0)] if looks else None

    def after(self, time_ms: int, *, of_partitions: bool = False) -> Look | None:
        """The first look that can have seen an event of that time; the newest look while there is none.

        Args:
            of_partitions: what happened to partitions is seen a moment later than what happened to nodes.
        """
        looks = list(self._looks)
        later = looks[bisect_left(looks, time_ms, key=lambda look: look.time_ms) :]
        soon = [look for look in later if look.time_ms <= time_ms + _SOON_MS and look.offsets.read_ms >= time_ms]
        found = soon if of_partitions and soon else later or looks[-1:]
        return found[0] if found else None

    @property
    def oldest_ms(self) -> int | None:
        """How far one can go back, in milliseconds since 1970; None while nothing is remembered."""
        return self._looks[0].time_ms if self._looks else None

    def __len__(self) -> int:
        return len(self._looks)

    def _is_worth_it(self, look: Look) -> bool:
        last = self._looks[-1]
        if look.state != last.state or _roles(look) != _roles(last):
            return True
        return look.time_ms - last.time_ms >= _EVERY_MS and _amounts(look) != _amounts(last)


def _amounts(look: Look) -> tuple[object, ...]:
    return look.offsets.topics, look.offsets.rates, look.offsets.trouble


def _roles(look: Look) -> list[object]:
    return [
        (name, partition.leader, partition.isr, partition.replicas)
        for name, topic in look.offsets.topics.items()
        for partition in topic.partitions
    ]
