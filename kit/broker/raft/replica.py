"""One node's copy of the metadata log, kept by Raft: what the broker and the controller on a node use.

Source: KIP-500, KIP-595, KIP-996, KIP-1166; Kafka's ``KafkaRaftClient``. Not here: snapshots (the log is never cut
short) and changing voters (KIP-853).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kit.broker.clock import Clock
from kit.broker.deferred import Deferred
from kit.broker.network import Network
from kit.broker.raft import describe
from kit.broker.raft.config import RaftConfig
from kit.broker.raft.delivery import Delivery
from kit.broker.raft.fetcher import Fetcher
from kit.broker.raft.leader import Leader
from kit.broker.raft.listener import RaftListener
from kit.broker.raft.messages import (
    NOBODY,
    about_partition,
    fetch_partition_of,
    fetch_response,
    leader_or_none,
    partition_of,
    refusal,
)
from kit.broker.raft.metadata_log import MetadataLog
from kit.broker.raft.node import RaftNode
from kit.broker.raft.quorum import Quorum
from kit.broker.raft.quorum_state import QuorumStateFile
from kit.broker.raft.requests import QuorumRequests
from kit.broker.raft.roles import Role
from kit.broker.raft.waiting import CommitWaiters
from kit.broker.storage.files import SHARED_POOL, FilePool
from kit.broker.timeline import Timeline
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

log = logging.getLogger(__name__)


class RaftReplica:
    """A member of the metadata quorum: a voter, or an observer that only follows.

    Args:
        voters: the nodes that elect the leader; the same on all nodes and for ever.
        directory: of the node; the log is in ``__cluster_metadata-0`` in it.
        listener: is told what is committed, and whether this node leads.

    Raises:
        BrokerError: KAFKA_STORAGE_ERROR when the directory cannot be used.
    """

    def __init__(
        self,
        *,
        node_id: int,
        voters: Sequence[int],
        cluster_id: str,
        directory: Path,
        clock: Clock,
        network: Network,
        random: random.Random,
        config: RaftConfig,
        listener: RaftListener,
        timeline: Timeline,
        pool: FilePool = SHARED_POOL,
    ) -> None:
        self._node = RaftNode(node_id, tuple(voters), cluster_id, clock, network, random, config, timeline)
        self._listener = listener
        self._log = MetadataLog(directory, clock=clock, flush=config.flush, pool=pool)
        file = QuorumStateFile(self._log.directory, voters=voters, flush=config.flush, pool=pool)
        self._quorum = Quorum(self._node, self._log, file, self)
        self._requests = QuorumRequests(self._node, self._log, self._quorum)
        self._delivery = Delivery(self._log, listener)
        self._waiters = CommitWaiters(clock)
        self._leader: Leader | None = None
        self._fetcher: Fetcher | None = None
        self._active_epoch: int | None = None  # the listener was told that this node leads in it
        self._followed_offset = 0
        self._is_closed = False

    def start(self, *, eager: bool = False) -> None:
        """Take part.

        Args:
            eager: stand for election at once instead of after a random timeout; for one voter of a cluster that starts.
        """
        self._quorum.start(eager=eager)

    def resign(self) -> None:
        """As leader, hand over: the voter with the longest log stands for election at once."""
        self._resign("it hands over before it stops")

    def close(self) -> None:
        """Take no part any more, and close the log; a leader that shall hand over calls `resign` before."""
        if self._is_closed:
            return
        self._is_closed = True
        self._quorum.close()
        self._stop_working("it stopped")
        self._log.close()

    def abandon(self) -> None:
        """Die: take no part any more, and let go of the files as they are."""
        self._is_closed = True
        self._log.abandon()

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def node_id(self) -> int:
        """The node."""
        return self._node.node_id

    @property
    def voters(self) -> tuple[int, ...]:
        """The nodes that elect the leader."""
        return self._node.voters

    @property
    def is_voter(self) -> bool:
        """Whether this node is one of them."""
        return self._node.is_voter

    @property
    def epoch(self) -> int:
        """The newest epoch this node knows of."""
        return self._quorum.epoch

    @property
    def leader_id(self) -> int | None:
        """Who leads in `epoch`, as far as this node knows."""
        return self._quorum.leader_id

    @property
    def role(self) -> Role:
        """What this replica is at the moment."""
        return self._quorum.role

    @property
    def is_leader(self) -> bool:
        """Whether this node leads and may append: since `RaftListener.on_leader`, until ``on_resigned``."""
        return self._active_epoch is not None

    @property
    def high_watermark(self) -> int:
        """Everything below it is committed, as far as this node knows; 0 after a start."""
        return self._delivery.high_watermark

    @property
    def slack_ms(self) -> float:
        """How much longer than usual a request to another node and its answer may take now."""
        return self._node.network.slack_ms

    @property
    def log_end_offset(self) -> int:
        """The offset that the next record of the local log will get."""
        return self._log.end_offset

    @property
    def followed_offset(self) -> int:
        """What was known here to be committed when this node was last elected: everything below it."""
        return self._followed_offset

    def read_all(self) -> Iterator[Any]:
        """Every metadata record in the local log, committed or not."""
        return self._log.read_all()

    def read_decisions(self) -> Iterator[tuple[list[Any], int]]:
        """The same as they were appended: the records of one batch, and the offset after it."""
        return self._log.read_decisions()

    # -- the leader's side -------------------------------------------------------------------------------------------

    def append(self, records: Sequence[Any]) -> int:
        """Append records as one batch: all of them are committed one day, or none.

        The only voter commits, and its listener hears of it, before this returns.

        Returns:
            The offset of the last record, for `committed`.

        Raises:
            BrokerError: NOT_CONTROLLER when this node does not lead; KAFKA_STORAGE_ERROR.
        """
        if self._leader is None or self._active_epoch is None:
            raise BrokerError(ErrorCode.NOT_CONTROLLER)
        offset = self._log.append(records, leader_epoch=self._leader.epoch)
        self._leader.appended()
        return offset

    def committed(self, offset: int) -> Deferred[bool]:
        """True once ``offset``, which `append` returned, is committed; False when this node leads no longer before."""
        if self._active_epoch is None or self.high_watermark > offset:
            answer: Deferred[bool] = Deferred()
            answer.resolve(self._active_epoch is not None)
            return answer
        return self._waiters.committed(offset)

    def applied_everywhere(self, offset: int, node_ids: Sequence[int], timeout_ms: float) -> Deferred[bool]:
        """True once all these nodes are known to have ``offset`` and to know that it is committed (KIP-1166).

        False after ``timeout_ms``, or when this node leads no longer before.
        """
        answer = self._waiters.known_everywhere(offset, node_ids, timeout_ms)
        if self._active_epoch is None:
            answer.resolve(False)
        self.replica_progressed()
        return answer

    # -- requests from other nodes -----------------------------------------------------------------------------------

    def vote(self, request: m.VoteRequest) -> m.VoteResponse:
        """Answer Vote."""
        if self._is_closed:
            return m.VoteResponse(error_code=ErrorCode.BROKER_NOT_AVAILABLE)
        return self._requests.vote(request)

    def begin_quorum_epoch(self, request: m.BeginQuorumEpochRequest) -> m.BeginQuorumEpochResponse:
        """Answer BeginQuorumEpoch."""
        if self._is_closed:
            return m.BeginQuorumEpochResponse(error_code=ErrorCode.BROKER_NOT_AVAILABLE)
        return self._requests.begin_quorum_epoch(request)

    def end_quorum_epoch(self, request: m.EndQuorumEpochRequest) -> m.EndQuorumEpochResponse:
        """Answer EndQuorumEpoch."""
        if self._is_closed:
            return m.EndQuorumEpochResponse(error_code=ErrorCode.BROKER_NOT_AVAILABLE)
        return self._requests.end_quorum_epoch(request)

    def fetch(self, request: m.FetchRequest) -> m.FetchResponse | Deferred[m.FetchResponse]:
        """Answer a Fetch of the metadata partition."""
        wrong = ErrorCode.BROKER_NOT_AVAILABLE if self._is_closed else refusal(self._node, request)
        if wrong is not None:
            return m.FetchResponse(error_code=wrong)
        error = self._fetch_error(request)
        if error is not ErrorCode.NONE or self._leader is None:
            return self._fetch_refused(error)
        return self._leader.fetch(request)

    def _fetch_error(self, request: m.FetchRequest) -> ErrorCode:
        partition = fetch_partition_of(request)
        if partition is None or min(partition.fetch_offset, partition.last_fetched_epoch, request.max_wait_ms) < 0:
            return ErrorCode.INVALID_REQUEST
        if partition.current_leader_epoch < self.epoch:
            return ErrorCode.FENCED_LEADER_EPOCH
        if partition.current_leader_epoch > self.epoch:
            return ErrorCode.UNKNOWN_LEADER_EPOCH
        return ErrorCode.NONE if self._leader is not None else ErrorCode.NOT_LEADER_OR_FOLLOWER

    def _fetch_refused(self, error: ErrorCode) -> m.FetchResponse:
        leader_id = NOBODY if self.leader_id is None else self.leader_id
        return fetch_response(
            m.FetchResponse.PartitionData(
                partition_index=0,
                error_code=error,
                high_watermark=-1,
                current_leader=m.FetchResponse.LeaderIdAndEpoch(leader_id=leader_id, leader_epoch=self.epoch),
                records=b"",
            )
        )

    def describe_quorum(self, request: m.DescribeQuorumRequest) -> m.DescribeQuorumResponse:
        """Answer DescribeQuorum; the addresses in ``nodes`` are the caller's to add."""
        fields: dict[str, Any] = {"leader_id": NOBODY, "leader_epoch": 0, "high_watermark": -1}
        if partition_of(request) is None:
            return describe.of_unknown_partition(request)
        if self._leader is None:
            fields["error_code"] = ErrorCode.NOT_LEADER_OR_FOLLOWER
        else:
            fields = {
                "leader_id": self.node_id,
                "leader_epoch": self.epoch,
                "high_watermark": self.high_watermark,
                "current_voters": describe.current_voters(self._node, self._leader, self.log_end_offset),
                "observers": describe.observers(self._node, self._leader),
            }
        return about_partition(m.DescribeQuorumResponse, **fields)

    # -- called by the parts -----------------------------------------------------------------------------------------

    def quorum_changed(self, reason: str) -> None:
        """`QuorumObserver`: do the work of the new role."""
        role = self._quorum.role
        if self._leader is not None or role in (Role.CANDIDATE, Role.LEADER, Role.RESIGNED):
            self._stop_working(reason)
        if self._quorum.role is not role:  # changed again by what the listener did
            return
        if role is Role.LEADER:
            self._followed_offset = self.high_watermark
            self._leader = Leader(self._node, self._log, self, epoch=self.epoch, granting=self._quorum.granting)
            self._begin_to_lead(self._leader)
        elif role not in (Role.CANDIDATE, Role.RESIGNED):
            self._fetch_from(self._quorum.leader_id)

    def _begin_to_lead(self, leader: Leader) -> None:
        try:
            leader.start()
        except BrokerError as error:
            log.error("node %d cannot begin its epoch: %s", self.node_id, error)
            self._resign("its disk refuses")

    def _fetch_from(self, leader_id: int | None) -> None:
        """Keep fetching as before if nothing changed: who asks for votes may get its leader's answer meanwhile."""
        if self._fetcher is not None:
            if (self._fetcher.epoch, self._fetcher.leader_id) == (self.epoch, leader_id):
                return
            self._fetcher.stop()
        self._fetcher = Fetcher(self._node, self._log, self._quorum, self, epoch=self.epoch, leader_id=leader_id)
        self._fetcher.start()

    def _stop_working(self, reason: str) -> None:
        leader, self._leader = self._leader, None
        fetcher, self._fetcher = self._fetcher, None
        if fetcher is not None:
            fetcher.stop()
        if leader is None:
            return
        epoch, self._active_epoch = self._active_epoch, None
        leader.stop(self._fetch_refused(ErrorCode.NOT_LEADER_OR_FOLLOWER))
        if epoch is not None:
            self._node.timeline.add("controller_resigned", self.node_id, reason=reason)
            self._listener.on_resigned(epoch, reason)
        self._waiters.give_up()

    def majority_lost(self) -> None:
        """`QuorumObserver`: check-quorum."""
        self._resign("a majority of the voters has not fetched from it for too long")

    def leader_silent(self) -> None:
        """`QuorumObserver`: an observer asks around."""
        if self._fetcher is not None:
            self._fetcher.ask_around()

    def _resign(self, reason: str) -> None:
        if self._leader is not None:
            self._quorum.resign(reason, self._leader.best_successors())

    def advance(self, high_watermark: int) -> None:
        """`LeaderObserver`, `FetcherObserver`: deliver what is committed."""
        if not self._delivery.advance(high_watermark):
            return
        leader = self._leader
        if leader is not None and self._active_epoch is None and self.high_watermark > leader.epoch_start_offset:
            self._active_epoch = leader.epoch
            self._node.timeline.add("controller_elected", self.node_id, epoch=leader.epoch)
            self._listener.on_leader(leader.epoch)
        if self._leader is not None:
            self._waiters.high_watermark_moved(self.high_watermark)
            self.replica_progressed()

    def majority_fetched(self) -> None:
        """`LeaderObserver`: check-quorum goes well."""
        self._quorum.heard_from_majority()

    def replica_progressed(self) -> None:
        """`LeaderObserver`: see who waits for that."""
        if self._leader is not None:
            self._waiters.look_again(self._leader.knows)

    def announced(self, response: m.BeginQuorumEpochResponse | None) -> None:
        """`LeaderObserver`: a voter may know of a later epoch."""
        partition = None if response is None or response.error_code else partition_of(response)
        if partition is not None and not self._is_closed:
            self._quorum.learn(partition.leader_epoch, leader_or_none(partition.leader_id), source=NOBODY)
