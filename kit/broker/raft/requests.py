"""What a replica answers to Vote, BeginQuorumEpoch and EndQuorumEpoch.

Source: ``handleVoteRequest``, ``handleBeginQuorumEpochRequest`` and ``handleEndQuorumEpochRequest`` of Kafka's
``KafkaRaftClient``; an unknown candidate is refused as before KIP-853, because here the voters are fixed.
"""

from __future__ import annotations

from typing import Any, TypeVar

from kit.broker.raft.messages import NOBODY, about_partition, partition_of, refusal
from kit.broker.raft.metadata_log import MetadataLog
from kit.broker.raft.node import RaftNode
from kit.broker.raft.quorum import Quorum
from kit.broker.raft.roles import grants
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

_M = TypeVar("_M", bound=m.Message)


class QuorumRequests:
    """Answers the requests about elections."""

    def __init__(self, node: RaftNode, metadata_log: MetadataLog, quorum: Quorum) -> None:
        self._node = node
        self._log = metadata_log
        self._quorum = quorum

    def vote(self, request: m.VoteRequest) -> m.VoteResponse:
        """Vote, or with ``pre_vote`` promise to. What was voted is on the disk when this returns."""
        wrong = refusal(self._node, request)
        if wrong is not None:
            return m.VoteResponse(error_code=wrong)
        partition = partition_of(request)
        error = self._vote_error(request, partition)
        granted = False
        if error is ErrorCode.NONE:
            if partition.replica_epoch > self._quorum.epoch:
                self._quorum.begin_epoch(partition.replica_epoch)
            granted = self._grants(partition)
        return self._answer(m.VoteResponse, error, vote_granted=granted)

    def _vote_error(self, request: m.VoteRequest, partition: Any) -> ErrorCode:
        newest = partition.replica_epoch if partition.pre_vote else partition.replica_epoch - 1
        if min(partition.last_offset, partition.last_offset_epoch) < 0 or partition.last_offset_epoch > newest:
            return ErrorCode.INVALID_REQUEST  # its log cannot be ahead of its epoch
        return self._voter_error(request.voter_id, partition.replica_id, partition.replica_epoch)

    def _voter_error(self, voter_id: int, sender_id: int, epoch: int) -> ErrorCode:
        """Why nothing is to be believed that ``sender_id`` says to voter ``voter_id`` (-1: not said)."""
        if voter_id not in (NOBODY, self._node.node_id):
            return ErrorCode.INVALID_VOTER_KEY
        if not self._node.is_voter or sender_id not in self._node.other_voters:
            return ErrorCode.INCONSISTENT_VOTER_SET
        return ErrorCode.FENCED_LEADER_EPOCH if epoch < self._quorum.epoch else ErrorCode.NONE

    def _grants(self, partition: Any) -> bool:
        granted = grants(
            self._quorum.role,
            self._quorum.state,
            candidate_id=partition.replica_id,
            is_pre_vote=partition.pre_vote,
            is_up_to_date=(partition.last_offset_epoch, partition.last_offset)
            >= (self._log.last_epoch, self._log.end_offset),
            has_fetched=self._quorum.has_fetched,
        )
        if granted and not partition.pre_vote:
            self._quorum.note_vote(partition.replica_id)
        return granted

    def begin_quorum_epoch(self, request: m.BeginQuorumEpochRequest) -> m.BeginQuorumEpochResponse:
        """Follow a new leader."""
        wrong = refusal(self._node, request)
        if wrong is not None:
            return m.BeginQuorumEpochResponse(error_code=wrong)
        partition = partition_of(request)
        error = self._voter_error(request.voter_id, partition.leader_id, partition.leader_epoch)
        if error is ErrorCode.NONE:
            self._quorum.learn(partition.leader_epoch, partition.leader_id, source=partition.leader_id)
        return self._answer(m.BeginQuorumEpochResponse, error)

    def end_quorum_epoch(self, request: m.EndQuorumEpochRequest) -> m.EndQuorumEpochResponse:
        """Stand for election soon: the leader resigned, and says in which order its voters shall try."""
        wrong = refusal(self._node, request)
        if wrong is not None:
            return m.EndQuorumEpochResponse(error_code=wrong)
        partition = partition_of(request)
        error = self._voter_error(NOBODY, partition.leader_id, partition.leader_epoch)
        if error is ErrorCode.NONE:
            self._quorum.learn(partition.leader_epoch, partition.leader_id, source=partition.leader_id)
            if self._quorum.leader_id == partition.leader_id:
                self._quorum.leader_ends_epoch([each.candidate_id for each in partition.preferred_candidates])
        return self._answer(m.EndQuorumEpochResponse, error)

    def _answer(self, response_class: type[_M], error: ErrorCode, **fields: Any) -> _M:
        leader_id = self._quorum.leader_id
        return about_partition(
            response_class,
            error_code=error,
            leader_id=NOBODY if leader_id is None else leader_id,
            leader_epoch=self._quorum.epoch,
            **fields,
        )
