"""The committed offsets of the groups of one ``__consumer_offsets`` partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kit.broker.groups.records import CommittedOffset, OffsetChange, OffsetKey


class OffsetStore:
    """Offsets by group, topic and partition.

    A reader sees what is committed in the log. What was appended and is still on its way there is only counted: a
    deletion has to know of it.
    """

    def __init__(self) -> None:
        self._by_group: dict[str, dict[OffsetKey, CommittedOffset]] = {}
        self._in_flight: Counter[OffsetKey] = Counter()

    def begin(self, changes: Iterable[OffsetChange]) -> None:
        """Note that ``changes`` are on their way into the log."""
        self._in_flight.update(change.key for change in changes)

    def end(self, changes: Iterable[OffsetChange]) -> None:
        """Note that ``changes`` have arrived in the log, or never will."""
        for change in changes:
            self._in_flight[change.key] -= 1
            if not self._in_flight[change.key]:
                del self._in_flight[change.key]

    def apply(self, change: OffsetChange) -> None:
        """Change the offsets as the log says."""
        group_id = change.key.group_id
        offsets = self._by_group.setdefault(group_id, {})
        if change.committed is None:
            offsets.pop(change.key, None)
        else:
            offsets[change.key] = change.committed
        if not offsets:
            del self._by_group[group_id]

    def get(self, key: OffsetKey) -> CommittedOffset | None:
        """What is committed, if anything is."""
        return self._by_group.get(key.group_id, {}).get(key)

    def knows(self, key: OffsetKey) -> bool:
        """Whether there is anything to delete: a committed offset, or one on its way."""
        return key in self._in_flight or self.get(key) is not None

    def of_group(self, group_id: str) -> dict[OffsetKey, CommittedOffset]:
        """All that one group has committed."""
        return dict(self._by_group.get(group_id, {}))

    def of_topics(self, topics: frozenset[str]) -> Iterator[OffsetKey]:
        """Every committed offset in one of ``topics``, whichever group has it."""
        for offsets in self._by_group.values():
            for key in offsets:
                if key.topic in topics:
                    yield key
