"""The answer to DescribeQuorum: how far each replica of the metadata log is. Source: KIP-595, KIP-836."""

from __future__ import annotations

from kit.broker import refusals
from kit.broker.raft.leader import Leader
from kit.broker.raft.node import RaftNode
from kit.broker.raft.progress import ReplicaProgress
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

DESCRIBE_QUORUM, DESCRIBE_QUORUM_VERSION = 55, 2
_OBSERVER_SESSION_MS = 300_000  # LeaderState.OBSERVER_SESSION_TIMEOUT_MS
_ReplicaState = m.DescribeQuorumResponse.ReplicaState


def current_voters(node: RaftNode, leader: Leader, log_end_offset: int) -> list[_ReplicaState]:
    """The voters in the order of their ids; the leader itself is always caught up."""
    now_ms = node.clock.time_ms()
    states = {voter: _state(leader.replicas[voter]) for voter in node.other_voters}
    states[node.node_id] = _ReplicaState(
        replica_id=node.node_id,
        log_end_offset=log_end_offset,
        last_fetch_timestamp=now_ms,
        last_caught_up_timestamp=now_ms,
    )
    return [states[voter] for voter in sorted(node.voters)]


def observers(node: RaftNode, leader: Leader) -> list[_ReplicaState]:
    """The other replicas that fetched in the last five minutes."""
    since_ms = node.clock.time_ms() - _OBSERVER_SESSION_MS
    return [
        _state(progress)
        for replica_id, progress in sorted(leader.replicas.items())
        if replica_id not in node.voters and progress.last_fetch_ms >= since_ms
    ]


def of_unknown_partition(request: m.DescribeQuorumRequest) -> m.DescribeQuorumResponse:
    """The answer to who asks about anything but the metadata log, or about more: each partition is unknown."""
    error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    response: m.DescribeQuorumResponse = refusals.refusal(
        DESCRIBE_QUORUM, DESCRIBE_QUORUM_VERSION, request, error, error.description
    )
    return response


def _state(progress: ReplicaProgress) -> _ReplicaState:
    return _ReplicaState(
        replica_id=progress.replica_id,
        log_end_offset=progress.end_offset,
        last_fetch_timestamp=progress.last_fetch_ms,
        last_caught_up_timestamp=progress.last_caught_up_ms,
    )
