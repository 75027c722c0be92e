"""What a check is told in its unit tests: evidence made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kit.checks import SeenEvent, SeenMember, SeenPartition, SeenRecord


@dataclass
class FakeEvidence:
    """Evidence from a list. Every topic has as many partitions as told as soon as it has a record.

    Attributes:
        committed: by group and topic, partition to offset.
        folder: what `Evidence.data_dir` gives.
        described: what `Evidence.partitions` gives, by topic.
        configs: what `Evidence.topic_configs` gives, by topic.
        events: what `Evidence.timeline` gives.
        empty_topics: topics without a record.
        members: what `Evidence.group_members` gives, by group.
    """

    all_records: Sequence[SeenRecord] = ()
    committed: dict[tuple[str, str], dict[int, int]] = field(default_factory=dict)
    num_partitions: int = 3
    folder: str | None = None
    described: Mapping[str, Sequence[SeenPartition]] = field(default_factory=dict)
    configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    events: Sequence[SeenEvent] | None = ()
    empty_topics: Sequence[str] = ()
    members: Mapping[str, Sequence[SeenMember]] = field(default_factory=dict)

    def topic_names(self) -> list[str]:
        """See `Evidence`."""
        return sorted({*self.empty_topics, *self.described, *(record.topic for record in self.all_records)})

    def records(self, topic: str) -> list[SeenRecord]:
        """See `Evidence`."""
        return [record for record in self.all_records if record.topic == topic]

    def log_start_offsets(self, topic: str) -> dict[int, int]:
        """See `Evidence`."""
        return dict.fromkeys(self.log_end_offsets(topic), 0)

    def log_end_offsets(self, topic: str) -> dict[int, int]:
        """See `Evidence`."""
        records = self.records(topic)
        ends = {
            p: max((r.offset + 1 for r in records if r.partition == p), default=0) for p in range(self.num_partitions)
        }
        return ends if records else {}

    def committed_offsets(self, group_id: str, topic: str) -> dict[int, int]:
        """See `Evidence`."""
        return self.committed.get((group_id, topic), {})

    def group_ids(self) -> list[str]:
        """See `Evidence`."""
        return sorted({group_id for group_id, _ in self.committed})

    def group_members(self, group_id: str) -> Sequence[SeenMember]:
        """See `Evidence`."""
        return self.members.get(group_id, ())

    def data_dir(self) -> str | None:
        """See `Evidence`."""
        return self.folder

    def partitions(self, topic: str) -> Sequence[SeenPartition]:
        """See `Evidence`."""
        return self.described.get(topic, ())

    def topic_configs(self, topic: str) -> Mapping[str, str]:
        """See `Evidence`."""
        return self.configs.get(topic, {})

    def timeline(self) -> Sequence[SeenEvent] | None:
        """See `Evidence`."""
        return self.events
