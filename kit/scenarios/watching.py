"""Who leads and who is in sync, as an ordinary client is told; asked often, so with few requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError


@dataclass(frozen=True, slots=True)
class PartitionNow:
    """A partition as the metadata has it; `leader` is None while there is none."""

    leader: int | None
    leader_epoch: int
    isr: tuple[int, ...]


Partitions = Mapping[tuple[str, int], PartitionNow]


class Watch:
    """Describes topics again and again, and never believes what is older than what it was told before.

    Args:
        options: of `kafka.KafkaAdminClient`: whom to ask first.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._admin: KafkaAdminClient | None = None
        self._epochs: dict[tuple[str, int], int] = {}

    def look(self, topics: Iterable[str]) -> Partitions | None:
        """The partitions of these topics; None while nobody knows, or only who is behind."""
        names = list(topics)
        try:
            described = self._connected().describe_topics(names)
        except KafkaError:  # the brokers are electing; the client goes on believing what it once learnt of them
            self.close()
            return None
        found = {
            (topic["name"], each["partition_index"]): PartitionNow(
                each["leader_id"] if each["leader_id"] >= 0 else None, each["leader_epoch"], tuple(each["isr_nodes"])
            )
            for topic in described
            for each in topic["partitions"]
        }
        if {name for name, _ in found} != set(names) or not self._is_news(found):
            self.close()  # the next client may find a broker that knows more
            return None
        return found

    def expect_newer(self, leader_epochs: Mapping[tuple[str, int], int]) -> None:
        """From now on these are old news: believe only higher leader epochs."""
        self._epochs |= {where: leader_epoch + 1 for where, leader_epoch in leader_epochs.items()}

    def close(self) -> None:
        """Close the client; the next question makes another one."""
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()

    def _is_news(self, found: Partitions) -> bool:
        if any(each.leader_epoch < self._epochs.get(where, 0) for where, each in found.items()):
            return False
        self._epochs |= {where: each.leader_epoch for where, each in found.items()}
        return True

    def _connected(self) -> KafkaAdminClient:
        if self._admin is None:
            self._admin = KafkaAdminClient(**self._options)
        return self._admin
