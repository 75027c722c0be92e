"""What a simulated client knows of the cluster, and how it asks again.

Source: Kafka's ``Metadata``: a leader with an older epoch than the one known is not believed (KIP-320).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kit.broker.metadata import NO_LEADER, TopicPartition
from kit.simulation.links import Links
from kit.wire import messages as m

METADATA, METADATA_VERSION = 3, 12
RETRY_BACKOFF_MS = 100.0
REQUEST_TIMEOUT_MS = 1_000.0


@dataclass(slots=True)
class LeaderAndEpoch:
    """Who leads a partition, as far as the client knows; -1 for nobody."""

    leader: int
    leader_epoch: int


class ClientMetadata:
    """One client's view of its topics.

    Args:
        bootstrap: the node ids to ask.
        on_update: called after every answer that was understood.
    """

    def __init__(
        self, links: Links, bootstrap: Sequence[int], topics: Sequence[str], on_update: Callable[[], None]
    ) -> None:
        self._links = links
        self._bootstrap = list(bootstrap)
        self._topics = list(topics)
        self._on_update = on_update
        self._is_asking = False
        self.partitions: dict[TopicPartition, LeaderAndEpoch] = {}
        self.topic_ids: dict[str, Any] = {}

    def leader(self, topic_partition: TopicPartition) -> LeaderAndEpoch | None:
        """The leader of a partition, None when there is none or it is not known."""
        known = self.partitions.get(topic_partition)
        return None if known is None or known.leader == NO_LEADER else known

    def has_seen(self, topic_partition: TopicPartition, leader_epoch: int) -> None:
        """A record or a commit came from this epoch: a leader of an older one is none any more.

        Source: Kafka's ``Metadata.updateLastSeenEpochIfNewer``.
        """
        known = self.partitions.get(topic_partition)
        if known is not None and known.leader_epoch < leader_epoch:
            self.partitions[topic_partition] = LeaderAndEpoch(NO_LEADER, leader_epoch)
            self.refresh()

    def num_partitions(self, topic: str) -> int:
        """How many partitions of a topic are known."""
        return sum(1 for each in self.partitions if each.topic == topic)

    def refresh(self) -> None:
        """Ask a node, soon; another one until an answer comes. Does nothing while a question is under way."""
        if not self._is_asking:
            self._is_asking = True
            self._links.clock.call_later(RETRY_BACKOFF_MS * self._links.random.random(), self._ask)

    def _ask(self) -> None:
        request = m.MetadataRequest(
            topics=[m.MetadataRequestTopic(name=name) for name in self._topics], allow_auto_topic_creation=False
        )
        node_id = self._links.random.choice(self._bootstrap)
        answer = self._links.call(node_id, METADATA, METADATA_VERSION, request, REQUEST_TIMEOUT_MS, channel="metadata")
        answer.then(self._answered)

    def _answered(self, response: m.MetadataResponse | None) -> None:
        self._is_asking = False
        if response is None:
            self.refresh()
            return
        is_complete = self._take(response)
        self._on_update()
        if not is_complete and not self._is_asking:
            self._is_asking = True
            self._links.clock.call_later(RETRY_BACKOFF_MS, self._ask)

    def _take(self, response: m.MetadataResponse) -> bool:
        is_complete = True
        for topic in response.topics:
            is_complete = is_complete and not topic.error_code
            if topic.name is None or topic.error_code:
                continue
            self.topic_ids[topic.name] = topic.topic_id
            for partition in topic.partitions:
                key = TopicPartition(topic.name, partition.partition_index)
                known = self.partitions.get(key)
                if known is None or partition.leader_epoch >= known.leader_epoch:
                    self.partitions[key] = LeaderAndEpoch(partition.leader_id, partition.leader_epoch)
                is_complete = is_complete and self.partitions[key].leader != NO_LEADER
        return is_complete
