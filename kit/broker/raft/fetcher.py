"""The other replicas' work: fetch the leader's log, and find the leader first.

A voter learns of a new leader from that leader. An observer, and a voter that has just started, asks the voters in
turn: one that does not lead answers NOT_LEADER_OR_FOLLOWER and names the leader it knows.
Source: KIP-595; ``KafkaRaftClient.handleFetchResponse``, ``pollFollowerAsObserver``, ``pollUnattached``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from kit.broker.metadata import METADATA_TOPIC
from kit.broker.raft.messages import FETCH, METADATA_TOPIC_ID, fetched_partition, leader_or_none
from kit.broker.raft.metadata_log import MetadataLog
from kit.broker.raft.node import RaftNode
from kit.broker.raft.quorum import Quorum
from kit.broker.storage import EpochEndOffset
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

log = logging.getLogger(__name__)

_MAX_BYTES = 8 << 20  # KafkaRaftClient.MAX_FETCH_SIZE_BYTES


class FetcherObserver(Protocol):
    """The replica as its `Fetcher` sees it."""

    @property
    def high_watermark(self) -> int:
        """Everything below it is committed, as far as this node knows."""

    def advance(self, high_watermark: int) -> None:
        """More is committed."""


class Fetcher:
    """Fetches, again and again, until it is stopped.

    Args:
        leader_id: whom to fetch from; None to look for the leader.
    """

    def __init__(
        self,
        node: RaftNode,
        metadata_log: MetadataLog,
        quorum: Quorum,
        observer: FetcherObserver,
        *,
        epoch: int,
        leader_id: int | None,
    ) -> None:
        self._node = node
        self._log = metadata_log
        self._quorum = quorum
        self._observer = observer
        self._next_voter = node.random.randrange(len(node.voters))
        self._failures = 0
        self._is_stopped = False
        self.epoch = epoch
        self.leader_id = leader_id

    def start(self) -> None:
        """Send the first fetch."""
        if self._node.other_voters:
            self._fetch()

    def stop(self) -> None:
        """Take no further answer."""
        self._is_stopped = True

    def ask_around(self) -> None:
        """Ask one more voter who leads, while the leader's answer is awaited."""
        target = self._another_voter()
        self._send(target, max_wait_ms=0, then=lambda response: self._learn(target, response))

    def _fetch(self) -> None:
        if self._is_stopped:
            return
        target = self._target()
        max_wait_ms = 0 if self.leader_id is None else self._node.config.fetch_wait_ms
        self._send(target, max_wait_ms, then=lambda response: self._answered(target, response))

    def _send(self, target: int, max_wait_ms: int, then: Callable[[m.FetchResponse | None], Any]) -> None:
        partition = m.FetchRequest.FetchPartition(
            partition=0,
            current_leader_epoch=self.epoch,
            fetch_offset=self._log.end_offset,
            last_fetched_epoch=self._log.last_epoch,
            log_start_offset=0,
            partition_max_bytes=_MAX_BYTES,
            high_watermark=self._observer.high_watermark,
        )
        request = m.FetchRequest(
            cluster_id=self._node.cluster_id,
            replica_state=m.FetchRequest.ReplicaState(replica_id=self._node.node_id),
            max_wait_ms=max_wait_ms,
            min_bytes=1,
            max_bytes=_MAX_BYTES,
            topics=[
                m.FetchRequest.FetchTopic(topic=METADATA_TOPIC, topic_id=METADATA_TOPIC_ID, partitions=[partition])
            ],
        )
        self._node.call(target, FETCH, request, then, timeout_ms=self._node.config.fetch_request_timeout_ms)

    def _target(self) -> int:
        """The leader; any other voter while it is not known, and for an observer each time that it did not answer."""
        if self.leader_id is not None and (self._node.is_voter or self._failures % 2 == 0):
            return self.leader_id
        return self._another_voter()

    def _another_voter(self) -> int:
        voters = self._node.other_voters
        self._next_voter = (self._next_voter + 1) % len(voters)
        return voters[self._next_voter]

    def _learn(self, target: int, response: m.FetchResponse | None) -> m.FetchResponse.PartitionData | None:
        """Take over what an answer says of the leader; returns its partition, None if there is none to go on with."""
        partition = None if self._is_stopped or response is None else fetched_partition(response)
        if partition is not None:
            leader = partition.current_leader
            self._quorum.learn(leader.leader_epoch, leader_or_none(leader.leader_id), source=target)
        return partition

    def _answered(self, target: int, response: m.FetchResponse | None) -> None:
        partition = self._learn(target, response)
        if self._is_stopped:  # there is another leader, or another epoch; another fetcher goes on
            return
        if partition is None:
            self._rest()
            return
        if partition.error_code or target != self.leader_id:
            if target == self.leader_id and partition.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER:
                self._quorum.leader_denies()
            self._rest()
            return
        self._quorum.heard_from_leader()
        self._take(partition)

    def _rest(self) -> None:
        self._failures += 1
        self._node.clock.call_later(self._node.backoff_ms(self._failures), self._fetch)

    def _take(self, partition: m.FetchResponse.PartitionData) -> None:
        try:
            if partition.diverging_epoch.epoch >= 0:
                self._truncate(partition.diverging_epoch)
                committed_offset = 0  # what is left here may diverge still: the next answer says
            else:
                if partition.records:
                    self._log.append_as_follower(partition.records)
                committed_offset = min(partition.high_watermark, self._log.end_offset)
        except (BrokerError, ValueError) as error:
            if not self._failures:
                log.error("node %d cannot take what leader %s sent: %s", self._node.node_id, self.leader_id, error)
            self._rest()
            return
        self._failures = 0
        self._observer.advance(committed_offset)
        self._fetch()

    def _truncate(self, diverging: m.FetchResponse.EpochEndOffset) -> None:
        offset = self._log.common_end(EpochEndOffset(diverging.epoch, diverging.end_offset))
        if offset < self._observer.high_watermark:
            raise ValueError(
                f"it asks to go back to offset {offset}, but everything below {self._observer.high_watermark} is "
                "committed"
            )
        self._log.truncate_to(offset)
