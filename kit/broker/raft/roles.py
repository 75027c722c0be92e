"""What a replica can be, and whom it votes for."""

from __future__ import annotations

from enum import Enum

from kit.broker.raft.quorum_state import ElectionState


class Role(Enum):
    """What a replica of the metadata log is at a moment. Source: Kafka's ``QuorumState``."""

    UNATTACHED = "knows no leader, and asks around"
    FOLLOWER = "copies the leader's log"
    PROSPECTIVE = "asks whether it would be elected (KIP-996)"
    CANDIDATE = "asks for votes"
    LEADER = "leads"
    RESIGNED = "led in this epoch, and does not any more"


def grants(
    role: Role, state: ElectionState, *, candidate_id: int, is_pre_vote: bool, is_up_to_date: bool, has_fetched: bool
) -> bool:
    """Whether a voter gives its vote, or for a pre-vote would give it, to a candidate of its own epoch.

    Args:
        is_up_to_date: the candidate's log has all that the voter's has.
        has_fetched: the voter is a follower whose leader has answered it.

    Source: ``canGrantVote`` of Kafka's ``EpochState`` classes.
    """
    if is_pre_vote:
        disturbs = role is Role.LEADER or (role is Role.FOLLOWER and has_fetched)
        return is_up_to_date and not disturbs
    if state.voted_id is not None:
        return state.voted_id == candidate_id
    return state.leader_id is None and is_up_to_date
