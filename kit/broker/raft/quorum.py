"""Who leads in which epoch: this node's part in the elections.

A voter that misses its leader first asks the others whether they would elect it (pre-vote, so that one who was cut off
does not depose a leader that works), then begins a new epoch and asks for votes. Each voter has one vote per epoch and
gives it only to a candidate whose log has everything its own has; so every leader has every committed record.
Source: KIP-595, KIP-996; Kafka's ``QuorumState`` and the parts of ``KafkaRaftClient`` about elections.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from kit.broker.deadline import Deadline
from kit.broker.raft.election import Election
from kit.broker.raft.messages import END_QUORUM_EPOCH, about_partition, leader_or_none
from kit.broker.raft.metadata_log import MetadataLog
from kit.broker.raft.node import RaftNode
from kit.broker.raft.quorum_state import ElectionState, QuorumStateFile
from kit.broker.raft.roles import Role
from kit.wire import messages as m
from kit.wire.errors import BrokerError

log = logging.getLogger(__name__)


class QuorumObserver(Protocol):
    """The replica as its `Quorum` sees it."""

    def quorum_changed(self, reason: str) -> None:
        """Role, leader or epoch are not what they were; the reason in words."""

    def majority_lost(self) -> None:
        """This leader has not heard from a majority of the voters for too long; it must resign (check-quorum)."""

    def leader_silent(self) -> None:
        """This observer's leader has not answered for too long: others may know another one."""


class Quorum:
    """This node's epoch and role.

    Attributes:
        state: what was saved last.
        granting: the voters that elected this node, while it leads.
        has_fetched: whether the leader answered this follower since it follows it.
    """

    def __init__(
        self, node: RaftNode, metadata_log: MetadataLog, file: QuorumStateFile, observer: QuorumObserver
    ) -> None:
        self._node = node
        self._log = metadata_log
        self._file = file
        self._observer = observer
        self._timer = Deadline(node.clock, self._timed_out)
        self._election: Election | None = None
        self._lost_elections = 0
        self._extra_ms = 0.0  # of the present wait: what it is longer for the sake of slow links
        self.granting: list[int] = []
        self.has_fetched = False
        self.role = Role.UNATTACHED
        self.state = file.load()
        if self.state.epoch < metadata_log.last_epoch:  # the file is gone; the log knows of a later epoch
            self.state = ElectionState(metadata_log.last_epoch)

    def start(self, *, eager: bool) -> None:
        """Take part. ``eager``: stand for election at once instead of after a timeout."""
        if self.state.leader_id not in (None, self._node.node_id):
            self.role = Role.FOLLOWER
        self._observer.quorum_changed("it started")
        self._set_timer(0 if eager else self._patience_ms())

    def close(self) -> None:
        """Take no part any more."""
        self._end_election()
        self._timer.cancel()

    # -- facts -----------------------------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The newest epoch this node knows of."""
        return self.state.epoch

    @property
    def leader_id(self) -> int | None:
        """Who leads in `epoch`, as far as this node knows; None also when it led itself and resigned."""
        is_self = self.state.leader_id == self._node.node_id
        return None if is_self and self.role is not Role.LEADER else self.state.leader_id

    # -- what other parts of the replica notice ----------------------------------------------------------------------

    def learn(self, epoch: int, leader_id: int | None, *, source: int) -> None:
        """Take over what node ``source`` said of the epoch and its leader, if that is news."""
        if leader_id == self._node.node_id:
            leader_id = None
        if epoch > self.epoch:
            if leader_id is None:
                self.begin_epoch(epoch)
            else:
                self._follow(epoch, leader_id)
        elif epoch == self.epoch and leader_id is not None and self._is_news(leader_id, source):
            self._follow(epoch, leader_id)

    def _is_news(self, leader_id: int, source: int) -> bool:
        if self.role is Role.FOLLOWER or self.state.leader_id not in (None, leader_id):
            return False
        # One who misses its leader believes that it is there only when the leader itself says so.
        return self.role is not Role.PROSPECTIVE or self.state.leader_id is None or source == leader_id

    def begin_epoch(self, epoch: int) -> None:
        """Go to a later epoch, of which no leader is known yet."""
        self._enter(Role.UNATTACHED, ElectionState(epoch), f"epoch {epoch} began")

    def note_vote(self, candidate_id: int) -> None:
        """Write down that this node's vote in the current epoch is ``candidate_id``'s."""
        if self.state.voted_id != candidate_id:
            self._enter(Role.UNATTACHED, replace(self.state, voted_id=candidate_id), f"it voted for {candidate_id}")

    def heard_from_leader(self) -> None:
        """The leader answered a fetch."""
        if self.state.leader_id is None:
            return
        if self.role is Role.PROSPECTIVE:
            self._follow(self.epoch, self.state.leader_id)
        self.has_fetched = True
        self._lost_elections = 0
        self._set_timer(self._fetch_timeout_ms())

    def leader_denies(self) -> None:
        """The node that was taken for the leader says that it is not: others may be elected."""
        self.has_fetched = False

    def heard_from_majority(self) -> None:
        """A majority of the voters fetched from this leader."""
        self._set_timer(self._patience_ms())

    def leader_ends_epoch(self, candidates: Sequence[int]) -> None:
        """The leader resigned and would like one of these to follow it, the first one best.

        Source: ``KafkaRaftClient.endEpochElectionBackoff``.
        """
        self.has_fetched = False
        position = candidates.index(self._node.node_id) if self._node.node_id in candidates else len(candidates)
        halvings = max(0, len(self._node.voters) - position)
        self._set_timer(self._node.config.election_timeout_ms / 2**halvings if position else 0)

    def resign(self, reason: str, candidates: Sequence[int]) -> None:
        """Lead no longer, and ask ``candidates`` (the best first) to elect another leader at once."""
        if self.role is not Role.LEADER:
            return
        for voter in self._node.other_voters:
            request = about_partition(
                m.EndQuorumEpochRequest,
                message_fields={"cluster_id": self._node.cluster_id},
                leader_id=self._node.node_id,
                leader_epoch=self.epoch,
                preferred_candidates=[
                    m.EndQuorumEpochRequest.ReplicaInfo(candidate_id=candidate) for candidate in candidates
                ],
            )
            self._node.call(voter, END_QUORUM_EPOCH, request, lambda _: None)
        self._enter(Role.RESIGNED, self.state, reason)

    # -- elections ---------------------------------------------------------------------------------------------------

    def _timed_out(self) -> None:
        slower_ms = self._node.extra_ms - self._extra_ms
        if slower_ms > 0:  # links became slower during the wait
            self._set_timer(slower_ms)
            return
        try:
            if not self._node.is_voter:
                self._set_timer(self._fetch_timeout_ms())
                self._observer.leader_silent()
            elif self.role is Role.LEADER:
                self._observer.majority_lost()
            else:
                self._ask_for_promises()
        except BrokerError as error:  # the disk refuses: without a saved state there is no election
            log.error("node %d cannot stand for election: %s", self._node.node_id, error)
            self._set_timer(self._election_timeout_ms())

    def _ask_for_promises(self) -> None:
        self._enter(Role.PROSPECTIVE, self.state, "it misses a leader")
        self._elect(is_pre_vote=True, on_won=self._stand, on_lost=self._promises_refused)

    def _promises_refused(self) -> None:
        role = Role.UNATTACHED if self.leader_id is None else Role.FOLLOWER
        self._enter(role, self.state, "a majority would not elect it")

    def _stand(self) -> None:
        state = ElectionState(self.epoch + 1, voted_id=self._node.node_id)
        self._enter(Role.CANDIDATE, state, f"it stands for election in epoch {state.epoch}")
        self._node.timeline.add("candidate", self._node.node_id, epoch=state.epoch)
        self._elect(is_pre_vote=False, on_won=self._lead, on_lost=self._not_elected)

    def _elect(self, *, is_pre_vote: bool, on_won: Callable[[], None], on_lost: Callable[[], None]) -> None:
        self._election = Election(
            self._node,
            epoch=self.epoch,
            is_pre_vote=is_pre_vote,
            last_epoch=self._log.last_epoch,
            log_end_offset=self._log.end_offset,
            on_answer=lambda voter, answer: self.learn(
                answer.leader_epoch, leader_or_none(answer.leader_id), source=voter
            ),
            on_won=on_won,
            on_lost=on_lost,
        )
        self._election.start()

    def _not_elected(self) -> None:
        """Rest before the next attempt, the longer the more often it happened."""
        self._lost_elections += 1
        slots = self._node.random.randint(1, 2 ** min(self._lost_elections, 9))
        backoff_ms = self._node.config.retry_backoff_ms * slots
        self._set_timer(min(backoff_ms, self._node.config.election_timeout_ms))

    def _lead(self) -> None:
        election = self._election
        self.granting = [] if election is None else election.granting
        self._lost_elections = 0
        self._enter(Role.LEADER, replace(self.state, leader_id=self._node.node_id), "it was elected")

    # -- changes -----------------------------------------------------------------------------------------------------

    def _follow(self, epoch: int, leader_id: int) -> None:
        voted_id = self.state.voted_id if epoch == self.epoch else None
        state = ElectionState(epoch, leader_id, voted_id)
        self._enter(Role.FOLLOWER, state, f"node {leader_id} leads in epoch {epoch}")

    def _enter(self, role: Role, state: ElectionState, reason: str) -> None:
        self._end_election()
        if state != self.state:
            self._file.save(state)
        self.role, self.state = role, state
        self.has_fetched = False
        self._set_timer(self._patience_ms())
        self._observer.quorum_changed(reason)

    def _end_election(self) -> None:
        if self._election is not None:
            self._election.stop()
            self._election = None

    def _election_timeout_ms(self) -> float:
        return (self._node.config.election_timeout_ms + self._node.extra_ms) * (1 + self._node.random.random())

    def _fetch_timeout_ms(self) -> float:
        """A little random: followers that heard from their leader together shall not stand for election together."""
        config = self._node.config
        some_ms = self._node.random.random() * config.election_timeout_ms / 4
        return config.fetch_timeout_ms + self._node.extra_ms + some_ms

    def _patience_ms(self) -> float:
        """How long this role waits for something to happen."""
        if self.role is Role.FOLLOWER:
            return self._fetch_timeout_ms()
        if self.role is Role.LEADER:
            return self._node.config.check_quorum_ms + self._node.extra_ms
        return self._election_timeout_ms()

    def _set_timer(self, delay_ms: float) -> None:
        """Be called after so long; never as the only voter that leads, nor as an observer that looks for a leader."""
        self._extra_ms = self._node.extra_ms
        others_matter = self.role is not Role.LEADER or len(self._node.voters) > 1
        if not others_matter or (self.role is Role.UNATTACHED and not self._node.is_voter):
            self._timer.cancel()
        else:
            self._timer.set(delay_ms)
