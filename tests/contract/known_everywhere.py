"""Clients for clusters on which metadata spreads while they go on.

Apache Kafka answers CreateTopics and its like when the quorum has it, and each broker hears of it a moment later. The
scenarios of tests/clients ask right after that, and a client may ask any broker: so a change returns here only when
every broker has made it.
"""

# ruff: noqa: D102 - the base classes say what each method does

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.clients.foreign_client import AdministersTopics, AltersConfigs, ForeignClient, Outgoing, Placed
from tests.contract.talk import Talk


class KnownEverywhere(ForeignClient, AdministersTopics, AltersConfigs):
    """Goes before a client's adapter in the list of bases.

    Args:
        talk: to the cluster that is waited for.
    """

    def __init__(self, talk: Talk) -> None:
        super().__init__(talk.cluster.bootstrap_servers)
        self._talk = talk

    def create_topic(self, topic: str, *, partitions: int, config: Mapping[str, str] | None = None) -> None:
        super().create_topic(topic, partitions=partitions, config=config)  # type: ignore[safe-super]
        self._talk.wait_usable(topic, partitions)

    def delete_topic(self, topic: str) -> None:
        super().delete_topic(topic)  # type: ignore[safe-super]
        self._talk.wait_gone(topic)

    def add_partitions(self, topic: str, total: int) -> None:
        super().add_partitions(topic, total)  # type: ignore[safe-super]
        self._talk.wait_usable(topic, total)

    def set_topic_config(self, topic: str, name: str, value: str) -> None:
        super().set_topic_config(topic, name, value)  # type: ignore[safe-super]
        self._talk.wait_setting(topic, name, value)

    def produce(
        self, topic: str, records: Sequence[Outgoing], *, compression: str = "none", idempotent: bool = False
    ) -> list[Placed]:
        """Produce as the adapter does; the first record may have created its topic."""
        placed = super().produce(topic, records, compression=compression, idempotent=idempotent)  # type: ignore[safe-super]
        self._talk.wait_usable(topic)
        return placed
