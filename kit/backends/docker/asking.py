"""Questions to Apache Kafka's nodes in Kafka's own protocol: who is alive, who leads, who is the active controller.

One connection for each question: a node may be killed, paused or cut off at any moment, and then nothing lingers.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.backends.broker_link import DESCRIBE_QUORUM, METADATA, BrokerLink
from kit.wire import messages as m

_PLAIN_TEXT = {"security_protocol": "PLAINTEXT"}
_TIMEOUT_S = 2.0  # a node that hangs never answers


def metadata(port: int, *, with_topics: bool) -> Any:
    """A broker's view of the cluster, a ``MetadataResponse``.

    Raises:
        LinkError: it does not answer.
    """
    request = m.MetadataRequest(topics=None if with_topics else [], allow_auto_topic_creation=False)
    return _ask(port, METADATA, request)


@dataclass(frozen=True, slots=True)
class Quorum:
    """What the active controller knows of the metadata quorum.

    Attributes:
        leader_id: its node id.
        end_offsets: how far each node has come in the metadata log, by node id.
    """

    leader_epoch: int
    leader_id: int
    end_offsets: Mapping[int, int]


def quorum(port: int) -> Quorum | None:
    """What a voter says when it is the active controller, else None.

    Raises:
        LinkError: it does not answer.
    """
    topic, partition = m.DescribeQuorumRequest.TopicData, m.DescribeQuorumRequest.PartitionData
    request = m.DescribeQuorumRequest(
        topics=[topic(topic_name="__cluster_metadata", partitions=[partition(partition_index=0)])]
    )
    answer = _ask(port, DESCRIBE_QUORUM, request)
    for topic in answer.topics:
        for partition in topic.partitions:
            if partition.error_code == 0 and partition.leader_id >= 0:
                replicas = [*partition.current_voters, *partition.observers]
                offsets = {replica.replica_id: replica.log_end_offset for replica in replicas}
                return Quorum(partition.leader_epoch, partition.leader_id, offsets)
    return None


def _ask(port: int, api_key: int, request: m.Message) -> Any:
    with BrokerLink("127.0.0.1", port, _PLAIN_TEXT, None, time.monotonic() + _TIMEOUT_S) as link:
        return link.ask(api_key, request)
