"""Requests and responses about the one partition that the quorum replicates.

Vote, BeginQuorumEpoch, EndQuorumEpoch, DescribeQuorum and Fetch are made for many topics and partitions; here each has
exactly one.
"""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

from kit.broker.metadata import METADATA_TOPIC
from kit.broker.raft.node import RaftNode
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

FETCH, VOTE, BEGIN_QUORUM_EPOCH, END_QUORUM_EPOCH = 1, 52, 53, 54
_M = TypeVar("_M", bound=m.Message)
METADATA_TOPIC_ID = uuid.UUID(int=1)
NOBODY = -1


def about_partition(message_class: type[_M], *, message_fields: dict[str, Any] | None = None, **fields: Any) -> _M:
    """A message (not of Fetch) whose only partition has these fields."""
    structs: Any = message_class  # all these messages name their structs alike
    partition = structs.PartitionData(partition_index=0, **fields)
    topic = structs.TopicData(topic_name=METADATA_TOPIC, partitions=[partition])
    made: _M = structs(topics=[topic], **(message_fields or {}))
    return made


def partition_of(message: Any) -> Any:
    """The only partition in a message (not of Fetch); None when it is about something else."""
    if len(message.topics) != 1 or message.topics[0].topic_name != METADATA_TOPIC:
        return None
    partitions = message.topics[0].partitions
    return partitions[0] if len(partitions) == 1 and partitions[0].partition_index == 0 else None


def leader_or_none(leader_id: int) -> int | None:
    """A leader's id as it is in messages, where -1 stands for none."""
    return leader_id if leader_id >= 0 else None


def refusal(node: RaftNode, request: Any) -> ErrorCode | None:
    """Why a request cannot be meant for this replica at all; None when it can.

    Source: ``KafkaRaftClient.hasValidClusterId`` and ``hasValidTopicPartition``.
    """
    if request.cluster_id is not None and request.cluster_id != node.cluster_id:
        return ErrorCode.INCONSISTENT_CLUSTER_ID
    found = fetch_partition_of(request) if isinstance(request, m.FetchRequest) else partition_of(request)
    return ErrorCode.INVALID_REQUEST if found is None else None


# -- Fetch ------------------------------------------------------------------------------------------------------------


def fetch_partition_of(request: m.FetchRequest) -> m.FetchRequest.FetchPartition | None:
    """The only partition that a fetch asks for; None when it asks for something else."""
    if len(request.topics) != 1 or request.topics[0].topic_id != METADATA_TOPIC_ID:
        return None
    partitions = request.topics[0].partitions
    return partitions[0] if len(partitions) == 1 and partitions[0].partition == 0 else None


def replica_of(request: m.FetchRequest) -> int:
    """Who fetches; -1 for a consumer. Since version 15 the id is in the replica's state."""
    in_state = request.replica_state.replica_id
    return in_state if in_state >= 0 else request.replica_id


def fetch_response(partition: m.FetchResponse.PartitionData) -> m.FetchResponse:
    """A response with this partition."""
    topic = m.FetchResponse.FetchableTopicResponse(
        topic=METADATA_TOPIC, topic_id=METADATA_TOPIC_ID, partitions=[partition]
    )
    return m.FetchResponse(responses=[topic])


def fetched_partition(response: m.FetchResponse) -> m.FetchResponse.PartitionData | None:
    """The partition in a response; None when the request was refused as a whole."""
    if response.error_code or not response.responses:
        return None
    return response.responses[0].partitions[0]
