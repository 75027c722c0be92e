"""The leader's work: serve the fetches of the others, and know from them what is committed.

A record is committed when a majority of the voters has it, and a record of the leader's own epoch is among those: a
fetch from offset n says that its sender has everything below n. Older records count only together with one of this
epoch (the Raft paper, section 5.4.2), which is why an epoch begins with a record.
Source: KIP-595; Kafka's ``LeaderState`` and ``KafkaRaftClient.handleFetchRequest``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from kit.broker.clock import Timer
from kit.broker.deferred import Deferred
from kit.broker.raft.messages import BEGIN_QUORUM_EPOCH, about_partition, fetch_response, replica_of
from kit.broker.raft.metadata_log import MetadataLog
from kit.broker.raft.node import RaftNode
from kit.broker.raft.progress import ReplicaProgress
from kit.wire import messages as m
from kit.wire.errors import ErrorCode


class LeaderObserver(Protocol):
    """The replica as its `Leader` sees it."""

    @property
    def high_watermark(self) -> int:
        """Everything below it is committed, as far as this node knows."""

    def advance(self, high_watermark: int) -> None:
        """More is committed."""

    def majority_fetched(self) -> None:
        """A majority of the voters has fetched since the last such call."""

    def replica_progressed(self) -> None:
        """What `Leader.knows` says may have changed."""

    def announced(self, response: m.BeginQuorumEpochResponse | None) -> None:
        """A voter answered the announcement, or did not."""


@dataclass(slots=True)
class _WaitingFetch:
    request: m.FetchRequest
    answer: Deferred[m.FetchResponse]
    timer: Timer


class Leader:
    """This node as the leader of one epoch.

    Args:
        granting: the voters that elected it.

    Attributes:
        epoch_start_offset: of the record that begins the epoch.
    """

    def __init__(
        self,
        node: RaftNode,
        metadata_log: MetadataLog,
        observer: LeaderObserver,
        *,
        epoch: int,
        granting: Sequence[int],
    ) -> None:
        self._node = node
        self._log = metadata_log
        self._observer = observer
        self._granting = granting
        self._waiting: dict[int, _WaitingFetch] = {}
        self._fetched_voters: set[int] = set()  # since a majority had fetched
        self._heard_voters: set[int] = set()  # since the last announcement
        self._announce_timer: Timer | None = None
        self._is_stopped = False
        self.epoch = epoch
        self.epoch_start_offset = metadata_log.end_offset
        self.replicas = {voter: ReplicaProgress(voter) for voter in node.other_voters}

    def start(self) -> None:
        """Begin the epoch in the log, and make it known."""
        self._log.append_leader_change(self._node.node_id, self._node.voters, self._granting, self.epoch)
        self._announce(1)
        self.appended()

    def stop(self, response: m.FetchResponse) -> None:
        """Lead no longer; ``response`` is for the fetches that wait."""
        self._is_stopped = True
        if self._announce_timer is not None:
            self._announce_timer.cancel()
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            each.timer.cancel()
            each.answer.resolve(response)

    # -- making itself known -----------------------------------------------------------------------------------------

    def _announce(self, attempt: int) -> None:
        """Send BeginQuorumEpoch to the voters that are silent; again soon at first, later from time to time."""
        for voter in self._node.other_voters:
            if voter not in self._heard_voters:
                request = about_partition(
                    m.BeginQuorumEpochRequest,
                    message_fields={"cluster_id": self._node.cluster_id, "voter_id": voter},
                    leader_id=self._node.node_id,
                    leader_epoch=self.epoch,
                )
                self._node.call(voter, BEGIN_QUORUM_EPOCH, request, self._observer.announced)
        interval_ms = self._node.config.announce_interval_ms
        delay_ms = min(interval_ms, self._node.config.retry_backoff_ms * 2 ** min(attempt, 16))
        if delay_ms == interval_ms:
            self._heard_voters.clear()
        if self._node.other_voters:
            self._announce_timer = self._node.clock.call_later(delay_ms, lambda: self._announce(attempt + 1))

    # -- the log grows -----------------------------------------------------------------------------------------------

    def appended(self) -> None:
        """There are new records in the log: send them to those who wait for some."""
        self._commit()
        self._wake(lambda _: True)

    def _wake(self, wanted: Callable[[m.FetchRequest], bool]) -> None:
        for replica_id in [key for key, each in self._waiting.items() if wanted(each.request)]:
            waiting = self._waiting.pop(replica_id, None)
            if waiting is not None:
                waiting.timer.cancel()
                waiting.answer.resolve(self._response(waiting.request))

    def _commit(self) -> None:
        """Move the high watermark up to what a majority of the voters has."""
        others = [self.replicas[voter].end_offset for voter in self._node.other_voters]
        offset = sorted([self._log.end_offset, *others], reverse=True)[self._node.majority - 1]
        if offset > max(self.epoch_start_offset, self._observer.high_watermark):
            self._observer.advance(offset)
            self._wake(lambda request: _known_high_watermark(request) < self._observer.high_watermark)

    # -- fetches -----------------------------------------------------------------------------------------------------

    def fetch(self, request: m.FetchRequest) -> m.FetchResponse | Deferred[m.FetchResponse]:
        """Answer a fetch of this epoch: at once if there are records or a new high watermark, else when there are."""
        partition = _partition(request)
        diverging = self._log.diverging(partition.fetch_offset, partition.last_fetched_epoch)
        if diverging is not None:
            answer = self._partition_data()
            answer.diverging_epoch = m.FetchResponse.EpochEndOffset(
                epoch=diverging.leader_epoch, end_offset=diverging.end_offset
            )
            return fetch_response(answer)
        replica_id = replica_of(request)
        if replica_id >= 0:
            self._note_fetch(replica_id, partition)
        if self._is_stopped or replica_id < 0 or request.max_wait_ms <= 0 or self._has_news(partition):
            return self._response(request)
        return self._wait(replica_id, request)

    def _note_fetch(self, replica_id: int, partition: m.FetchRequest.FetchPartition) -> None:
        progress = self.replicas.setdefault(replica_id, ReplicaProgress(replica_id))
        progress.fetched(
            partition.fetch_offset,
            partition.high_watermark,
            leader_end_offset=self._log.end_offset,
            now_ms=self._node.clock.time_ms(),
        )
        if replica_id in self._node.voters:
            self._heard_voters.add(replica_id)
            self._fetched_voters.add(replica_id)
            if len(self._fetched_voters) + 1 >= self._node.majority:
                self._fetched_voters.clear()
                self._observer.majority_fetched()
            self._commit()
        self._observer.replica_progressed()

    def _has_news(self, partition: m.FetchRequest.FetchPartition) -> bool:
        return partition.fetch_offset < self._log.end_offset or partition.high_watermark < self._observer.high_watermark

    def _wait(self, replica_id: int, request: m.FetchRequest) -> Deferred[m.FetchResponse]:
        earlier = self._waiting.pop(replica_id, None)  # its sender gave it up
        if earlier is not None:
            earlier.timer.cancel()
            earlier.answer.resolve(self._response(earlier.request))
        answer: Deferred[m.FetchResponse] = Deferred()
        timer = self._node.clock.call_later(request.max_wait_ms, lambda: self._waited(replica_id, answer))
        self._waiting[replica_id] = _WaitingFetch(request, answer, timer)
        return answer

    def _waited(self, replica_id: int, answer: Deferred[m.FetchResponse]) -> None:
        waiting = self._waiting.get(replica_id)
        if waiting is not None and waiting.answer is answer:
            del self._waiting[replica_id]
            answer.resolve(self._response(waiting.request))

    def _response(self, request: m.FetchRequest) -> m.FetchResponse:
        partition = _partition(request)
        answer = self._partition_data()
        answer.records = self._log.read_batches(partition.fetch_offset, partition.partition_max_bytes)
        return fetch_response(answer)

    def _partition_data(self) -> m.FetchResponse.PartitionData:
        return m.FetchResponse.PartitionData(
            partition_index=0,
            error_code=ErrorCode.NONE,
            high_watermark=self._observer.high_watermark,
            log_start_offset=0,
            current_leader=m.FetchResponse.LeaderIdAndEpoch(leader_id=self._node.node_id, leader_epoch=self.epoch),
            records=b"",
        )

    # -- what is known of the others ---------------------------------------------------------------------------------

    def knows(self, node_id: int, offset: int) -> bool:
        """Whether a node is known to have ``offset`` and to know that it is committed."""
        if node_id == self._node.node_id:
            return self._observer.high_watermark > offset
        progress = self.replicas.get(node_id)
        return progress is not None and min(progress.end_offset, progress.high_watermark) > offset

    def best_successors(self) -> list[int]:
        """The other voters, those with the longest logs first."""
        return sorted(self._node.other_voters, key=lambda voter: -self.replicas[voter].end_offset)


def _partition(request: m.FetchRequest) -> m.FetchRequest.FetchPartition:
    return request.topics[0].partitions[0]


def _known_high_watermark(request: m.FetchRequest) -> int:
    return _partition(request).high_watermark
