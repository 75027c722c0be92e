"""What a check is shown where there is no cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.checks.evidence import Evidence, SeenEvent, SeenMember, SeenPartition, SeenRecord


class NoEvidence(Evidence):
    """Nothing: no topic, no record, no group. See `Evidence` for the methods."""

    def topic_names(self) -> list[str]:
        """None."""
        return []

    def records(self, topic: str) -> Sequence[SeenRecord]:
        """None."""
        del topic
        return []

    def log_start_offsets(self, topic: str) -> dict[int, int]:
        """None."""
        del topic
        return {}

    def log_end_offsets(self, topic: str) -> dict[int, int]:
        """None."""
        del topic
        return {}

    def committed_offsets(self, group_id: str, topic: str) -> dict[int, int]:
        """None."""
        del group_id, topic
        return {}

    def group_ids(self) -> list[str]:
        """None."""
        return []

    def group_members(self, group_id: str) -> Sequence[SeenMember]:
        """None."""
        del group_id
        return []

    def partitions(self, topic: str) -> Sequence[SeenPartition]:
        """None."""
        del topic
        return []

    def topic_configs(self, topic: str) -> Mapping[str, str]:
        """None."""
        del topic
        return {}

    def timeline(self) -> Sequence[SeenEvent] | None:
        """None: nobody tells."""
        return None

    def data_dir(self) -> str | None:
        """None."""
        return None
