"""Asking a leader where its log starts and ends, for a follower whose place is not in it (ListOffsets)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kit.broker.deferred import Deferred
from kit.broker.partition import Partition
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.replication.fetchers import FetcherOwner

LIST_OFFSETS = 2
LATEST = -1
EARLIEST = -2


class LeaderOffsets(NamedTuple):
    """The first offset of a leader's log, and the one after its last."""

    start_offset: int
    end_offset: int


def ask_leader_offsets(
    owner: FetcherOwner, leader_id: int, partition: Partition, leader_epoch: int
) -> Deferred[LeaderOffsets | None]:
    """Ask for both offsets; resolves with None when the leader does not say."""
    done: Deferred[LeaderOffsets | None] = Deferred()

    def ask(timestamp: int) -> Deferred[m.ListOffsetsResponse | None]:
        name, index = partition.topic_partition
        wanted = m.ListOffsetsPartition(partition_index=index, current_leader_epoch=leader_epoch, timestamp=timestamp)
        topic = m.ListOffsetsTopic(name=name, partitions=[wanted])
        request = m.ListOffsetsRequest(replica_id=owner.node_id, topics=[topic])
        return owner.network.call(leader_id, LIST_OFFSETS, request, timeout_ms=owner.timeout_ms)

    def take_end(response: m.ListOffsetsResponse | None) -> None:
        end_offset = _offset(response)
        if end_offset is None:
            done.resolve(None)
            return

        def take_start(response: m.ListOffsetsResponse | None) -> None:
            start_offset = _offset(response)
            done.resolve(None if start_offset is None else LeaderOffsets(start_offset, end_offset))

        ask(EARLIEST).then(take_start)

    ask(LATEST).then(take_end)
    return done


def _offset(response: m.ListOffsetsResponse | None) -> int | None:
    if response is None or not response.topics or not response.topics[0].partitions:
        return None
    answer = response.topics[0].partitions[0]
    return answer.offset if answer.error_code == ErrorCode.NONE and answer.offset >= 0 else None
