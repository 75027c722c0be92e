"""How a partition changes: who leads it, who is in sync, who else could lead it, and in which epoch.

`PartitionChange` takes what shall become of a partition, adds what follows from that (an election, a finished
reassignment, eligible leader replicas) and gives the one record that says it all.
Source: Kafka 4.3 classes ``PartitionChangeBuilder`` and ``ReplicationControlManager.generateLeaderAndIsrUpdates``;
KIP-966 (eligible leader replicas), KIP-455 (reassignments), KIP-704 (recovery after an unclean election).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

from kit.broker.controller.rules import TopicRules
from kit.broker.metadata import LEADER_UNCHANGED, NO_LEADER, RECOVERING, MetadataImage, PartitionState, TopicState
from kit.wire import messages as m


class Election(Enum):
    """Whom an election may choose.

    PREFERRED: the first replica if it is in sync, else as ONLINE. ONLINE: whoever has every committed record, the
    leader first. UNCLEAN: when there is no such replica, any that is alive.
    """

    PREFERRED = "preferred"
    ONLINE = "online"
    UNCLEAN = "unclean"


class PartitionChange:
    """What shall become of one partition: set the attributes, then ask for the `record`.

    Args:
        rules: the settings of the topic.
        may_lead: whether a broker can lead once the change is made: it is not fenced and not about to leave.
        election: whom the partition may elect when its leader is none any more.

    Attributes:
        isr, replicas, adding, removing, is_recovering: what they shall be; at first what they are.
        lost: a broker that may have lost records that it had written, and so is not to be trusted with any.
    """

    def __init__(
        self,
        topic: TopicState,
        state: PartitionState,
        *,
        rules: TopicRules,
        may_lead: Callable[[int], bool],
        election: Election = Election.ONLINE,
    ) -> None:
        self._topic = topic
        self._state = state
        self._rules = rules
        self._may_lead = may_lead
        self._election = election
        self._elr = list(state.elr)
        self._last_known_elr = list(state.last_known_elr)
        self._leader = LEADER_UNCHANGED
        self.isr = list(state.isr)
        self.replicas = list(state.replicas)
        self.adding = list(state.adding)
        self.removing = list(state.removing)
        self.is_recovering = state.is_recovering
        self.lost: int | None = None

    def record(self) -> m.PartitionChangeRecord | None:
        """The record that makes the change, None when nothing changes; to be asked for once."""
        self._finish_reassignment()
        self._choose_eligible()
        self._elect()
        self._begin_epoch_for_new_replicas()
        self._remember_last_leader()
        return self._difference()

    def _finish_reassignment(self) -> None:
        """Drop the replicas to be removed once those to be added are in sync.

        One that is both was to be added until the plan was changed, and nobody waits for it any more.
        """
        if not (self.adding or self.removing):
            return
        wanted = set(self.adding) - set(self.removing)
        isr = [node_id for node_id in self.isr if node_id not in self.removing]
        replicas = [node_id for node_id in self.replicas if node_id not in self.removing]
        if not isr or not replicas or not wanted <= set(isr):
            return
        if len(wanted) < len(self.removing) and not set(replicas) <= set(isr):
            return  # fewer copies than before: let each of them be complete first
        self.isr, self.replicas, self.adding, self.removing = isr, replicas, [], []

    def _choose_eligible(self) -> None:
        """Keep in mind who left the ISR while the high watermark stands still, and so has every committed record."""
        if len(self.isr) >= min(self._rules.min_insync_replicas(self._topic.name), len(self.replicas)):
            self._elr = []
            return
        candidates = sorted({*self._state.elr, *self._state.isr})
        self._elr = [
            node_id
            for node_id in candidates
            if node_id not in self.isr and node_id in self.replicas and node_id != self.lost
        ]

    def _elect(self) -> None:
        leader, is_clean = self._best_leader()
        if leader == self._state.leader:
            return
        self._leader = leader
        if not is_clean:
            self.isr, self._elr, self.is_recovering = [leader], [], True
        elif leader in self._elr:
            self.isr = [leader]
            self._elr.remove(leader)

    def _best_leader(self) -> tuple[int, bool]:
        """Who shall lead, and whether it has every committed record."""
        order = [self._state.leader, *self.replicas]
        if self._election is Election.PREFERRED:
            order.insert(0, self.replicas[0])
        complete = next((node_id for node_id in order if self._is_complete(node_id)), None)
        if complete is not None:
            return complete, True
        last_leader = self._last_known_leader()
        if last_leader is not None:
            return last_leader, False
        alive = next(filter(self._may_lead, self.replicas), None) if self._election is Election.UNCLEAN else None
        return (NO_LEADER, True) if alive is None else (alive, False)

    def _is_complete(self, node_id: int) -> bool:
        return node_id in (self.isr or self._elr) and self._may_lead(node_id)

    def _last_known_leader(self) -> int | None:
        """The last leader, when nobody is left who surely has every committed record: it most likely has most."""
        if self.isr or self._elr or len(self._state.last_known_elr) != 1:
            return None
        (node_id,) = self._state.last_known_elr
        return node_id if self._may_lead(node_id) and node_id in self.replicas else None

    def _begin_epoch_for_new_replicas(self) -> None:
        """A replica that is taken away must not go on under the epoch in which it was one."""
        if self._leader == LEADER_UNCHANGED and not set(self._state.replicas) <= set(self.replicas):
            self._leader = self._state.leader

    def _remember_last_leader(self) -> None:
        if self._leader >= 0:
            self._last_known_elr = []
        elif self._leader == NO_LEADER and self._state.leader >= 0 and not self._state.last_known_elr:
            self._last_known_elr = [self._state.leader]

    def _difference(self) -> m.PartitionChangeRecord | None:
        state = self._state
        changes: dict[str, Any] = {
            name: wanted
            for name, wanted, current in (
                ("isr", self.isr, state.isr),
                ("replicas", self.replicas, state.replicas),
                ("adding_replicas", self.adding, state.adding),
                ("removing_replicas", self.removing, state.removing),
                ("eligible_leader_replicas", self._elr, state.elr),
                ("last_known_elr", self._last_known_elr, state.last_known_elr),
                ("leader", self._leader, LEADER_UNCHANGED),
            )
            if wanted != current
        }
        if self.is_recovering != state.is_recovering:
            changes["leader_recovery_state"] = RECOVERING if self.is_recovering else 0
        if not changes:
            return None
        return m.PartitionChangeRecord(partition_id=state.partition, topic_id=self._topic.topic_id, **changes)


def election_of(rules: TopicRules, topic: str) -> Election:
    """Whom a partition of this topic may elect by itself when it has lost its leader."""
    return Election.UNCLEAN if rules.is_unclean_election_allowed(topic) else Election.ONLINE


def is_active(image: MetadataImage, node_id: int) -> bool:
    """Whether a broker may lead and be in sync: registered, not fenced and not about to leave."""
    broker = image.brokers.get(node_id)
    return broker is not None and broker.is_active


def leaderless(image: MetadataImage) -> Iterator[tuple[TopicState, PartitionState]]:
    """The partitions that nobody leads."""
    return ((topic, state) for topic, state in image.partitions() if state.leader == NO_LEADER)


def after_broker_change(
    image: MetadataImage,
    rules: TopicRules,
    partitions: Iterable[tuple[TopicState, PartitionState]],
    *,
    leaving: int | None = None,
    coming: int | None = None,
    lost: int | None = None,
) -> list[Any]:
    """The records by which partitions answer to what becomes of one broker.

    Args:
        leaving: it is fenced or hands over: out of the ISR, no leader any more.
        coming: it may lead from now on.
        lost: it came back after an unclean stop and may lack records: as ``leaving``, and not eligible either.
    """

    def may_lead(node_id: int) -> bool:
        return node_id not in (leaving, lost) and (node_id == coming or is_active(image, node_id))

    records: list[Any] = []
    for topic, state in partitions:
        change = PartitionChange(topic, state, rules=rules, may_lead=may_lead, election=election_of(rules, topic.name))
        change.isr = [node_id for node_id in state.isr if node_id not in (leaving, lost)]
        change.lost = lost
        record = change.record()
        if record is not None:
            records.append(record)
    return records
