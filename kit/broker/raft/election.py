"""One round of asking the other voters: for a promise (pre-vote, KIP-996) or for their votes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit.broker.raft.messages import VOTE, about_partition, partition_of
from kit.broker.raft.node import RaftNode
from kit.wire import messages as m


class Election:
    """Asks every other voter until it answers, and counts.

    Args:
        on_answer: told who answered and what (the partition of the response), before the vote counts; it may stop this
            election.
        on_won, on_lost: called once, when a majority of all voters granted, or refused, the vote.

    Attributes:
        granting: the voters that granted their vote, this node first.
    """

    def __init__(
        self,
        node: RaftNode,
        *,
        epoch: int,
        is_pre_vote: bool,
        last_epoch: int,
        log_end_offset: int,
        on_answer: Callable[[int, Any], None],
        on_won: Callable[[], None],
        on_lost: Callable[[], None],
    ) -> None:
        self._node = node
        self._fields = {
            "replica_epoch": epoch,
            "replica_id": node.node_id,
            "last_offset_epoch": last_epoch,
            "last_offset": log_end_offset,
            "pre_vote": is_pre_vote,
        }
        self._on_answer = on_answer
        self._on_won = on_won
        self._on_lost = on_lost
        self._is_over = False
        self.granting = [node.node_id]
        self._refusing: list[int] = []

    def start(self) -> None:
        """Send the requests; the only voter has won already."""
        for voter in self._node.other_voters:
            self._ask(voter, 1)
        self._decide()

    def stop(self) -> None:
        """Take no further answer."""
        self._is_over = True

    def _ask(self, voter: int, attempt: int) -> None:
        if self._is_over:
            return
        request = about_partition(
            m.VoteRequest,
            message_fields={"cluster_id": self._node.cluster_id, "voter_id": voter},
            **self._fields,
        )
        self._node.call(voter, VOTE, request, lambda response: self._answered(voter, attempt, response))

    def _answered(self, voter: int, attempt: int, response: m.VoteResponse | None) -> None:
        if self._is_over:
            return
        partition = None if response is None or response.error_code else partition_of(response)
        if partition is None:  # down, cut off, or not what we take it for
            self._node.clock.call_later(self._node.backoff_ms(attempt), lambda: self._ask(voter, attempt + 1))
            return
        self._on_answer(voter, partition)
        if not self._is_over:
            (self.granting if partition.vote_granted else self._refusing).append(voter)
            self._decide()

    def _decide(self) -> None:
        if len(self.granting) >= self._node.majority:
            self.stop()
            self._on_won()
        elif len(self._refusing) >= self._node.majority:
            self.stop()
            self._on_lost()
