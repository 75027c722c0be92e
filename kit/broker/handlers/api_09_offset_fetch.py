"""OffsetFetch, v1-10: what groups have committed.

Behaviour: a partition without committed offset is answered with offset -1 and no error.
Version notes: 2 null topics ask for all, errors of the group have their own field; 5 leader epochs (KIP-320);
7 ``require_stable`` (KIP-447; all offsets are stable until there are transactions); 8 several groups at once
(KIP-709); 9 member id and epoch (KIP-848; classic groups do not check them); 10 topic ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

_SEVERAL_GROUPS_SINCE = 8
_GROUP_ERROR_SINCE = 2


@handles(9, 1, 10)
def handle(broker: Broker, request: m.OffsetFetchRequest, context: RequestContext) -> m.OffsetFetchResponse:
    if context.api_version >= _SEVERAL_GROUPS_SINCE:
        # Each group once: a small request could have an answer of gigabytes otherwise.
        asked = {group.group_id: group for group in request.groups}
        groups = [broker.coordinator.offset_fetch(group, context) for group in asked.values()]
        return m.OffsetFetchResponse(groups=groups)
    fetched = broker.coordinator.offset_fetch(_only_group(request), context)
    if fetched.error_code != ErrorCode.NONE and context.api_version < _GROUP_ERROR_SINCE:
        return m.OffsetFetchResponse(topics=_error_everywhere(request, fetched.error_code))
    return m.OffsetFetchResponse(error_code=fetched.error_code, topics=[_old_topic(topic) for topic in fetched.topics])


def _only_group(request: m.OffsetFetchRequest) -> m.OffsetFetchRequestGroup:
    topics = None
    if request.topics is not None:
        topics = [
            m.OffsetFetchRequestTopics(name=topic.name, partition_indexes=topic.partition_indexes)
            for topic in request.topics
        ]
    return m.OffsetFetchRequestGroup(group_id=request.group_id, topics=topics)


def _old_topic(topic: m.OffsetFetchResponseTopics) -> m.OffsetFetchResponseTopic:
    partitions = [
        m.OffsetFetchResponsePartition(
            partition_index=partition.partition_index,
            committed_offset=partition.committed_offset,
            committed_leader_epoch=partition.committed_leader_epoch,
            metadata=partition.metadata,
            error_code=partition.error_code,
        )
        for partition in topic.partitions
    ]
    return m.OffsetFetchResponseTopic(name=topic.name, partitions=partitions)


def _error_everywhere(request: m.OffsetFetchRequest, code: int) -> list[m.OffsetFetchResponseTopic]:
    """Version 1 has no place for an error of the group but in each partition."""
    return [
        m.OffsetFetchResponseTopic(
            name=topic.name,
            partitions=[
                m.OffsetFetchResponsePartition(
                    partition_index=index, committed_offset=-1, committed_leader_epoch=-1, metadata="", error_code=code
                )
                for index in topic.partition_indexes
            ],
        )
        for topic in request.topics or []
    ]
