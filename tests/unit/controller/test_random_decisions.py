"""Long random lives of a cluster, in the eyes of the controller: what holds after every single decision.

The model beside the image knows which replicas surely have every committed record: those that were in sync when the
last one was committed, less those that came back from a crash without proof that they lost nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.brokers import HANDS_OVER, fence_broker, register_broker, unfence_broker
from kit.broker.controller.configs import Operation, incremental_alter_configs
from kit.broker.controller.elections import after_broker_change
from kit.broker.controller.isr import alter_partition
from kit.broker.controller.leaders import ElectionType, elect_leaders, rebalance_leaders
from kit.broker.controller.narration import notes_on
from kit.broker.controller.reassignments import alter_partition_reassignments
from kit.broker.controller.rules import TopicRules
from kit.broker.controller.topics import create_partitions, create_topics, delete_topics
from kit.broker.metadata import NO_LEADER, RECOVERING, TOPIC_RESOURCE, PartitionState, TopicState
from kit.wire import messages as m
from tests.support.metadata import image_of, topic

NUM_BROKERS = 4
NUM_STEPS = 120
Where = tuple[uuid.UUID, int]


class Cluster:
    """A cluster to which random things happen, one decision of the controller at a time."""

    def __init__(self, seed: int, *, unclean: bool) -> None:
        self.random = Random(seed)
        self.unclean = unclean
        self.config = BrokerConfig({"unclean.leader.election.enable": unclean}, num_brokers=3)
        self.image = image_of(*range(1, NUM_BROKERS + 1))
        self.rules = TopicRules(self.image, self.config)
        self.next_offset = 0
        self.complete: dict[Where, set[int]] = {}
        self.create_topic()

    def step(self) -> None:
        """Let one thing happen, and records be committed wherever they can."""
        steps: list[Callable[[], None]] = [
            self.fence, self.fence, self.unfence, self.unfence, self.shut_down, self.restart_after_stop,
            self.restart_after_crash, self.restart_after_crash, self.alter_isr, self.alter_isr, self.alter_isr,
            self.elect, self.rebalance, self.reassign, self.call_off, self.change_min_insync_replicas,
            self.create_topic, self.delete_topic, self.add_partition,
        ]  # fmt: skip
        self.random.choice(steps)()
        for found, state in self.image.partitions():
            if state.leader != NO_LEADER and len(state.isr) >= self.min_isr(found, state):
                self.complete[found.topic_id, state.partition] = set(state.isr)

    def min_isr(self, found: TopicState, state: PartitionState) -> int:
        """How many a leader has to have in sync to commit."""
        return min(self.rules.min_insync_replicas(found.name), len(state.replicas))

    # -- what happens --------------------------------------------------------------------------------------------

    def a_broker(self) -> int:
        """Any broker id."""
        return self.random.randint(1, NUM_BROKERS)

    def a_partition(self) -> tuple[TopicState, PartitionState] | None:
        """Any partition, None when there is none."""
        partitions = list(self.image.partitions())
        return self.random.choice(partitions) if partitions else None

    def some_brokers(self) -> list[int]:
        """One to three broker ids."""
        return self.random.sample(range(1, NUM_BROKERS + 1), self.random.randint(1, 3))

    def fence(self) -> None:
        """A broker was silent for too long."""
        self.commit(fence_broker(self.image, self.config, self.a_broker()))

    def unfence(self) -> None:
        """A broker has caught up."""
        broker_id = self.a_broker()
        broker = self.image.brokers[broker_id]
        if broker.fenced and not broker.in_controlled_shutdown:
            self.commit(unfence_broker(self.image, self.config, broker_id))

    def shut_down(self) -> None:
        """A broker begins to hand over."""
        broker_id = self.a_broker()
        if self.image.brokers[broker_id].is_active:
            change = m.BrokerRegistrationChangeRecord(broker_id=broker_id, in_controlled_shutdown=HANDS_OVER)
            in_sync = [pair for pair in self.image.partitions() if broker_id in pair[1].isr]
            self.commit([change, *after_broker_change(self.image, self.rules, in_sync, leaving=broker_id)])

    def restart_after_stop(self) -> None:
        """A broker comes back and has lost nothing."""
        broker_id = self.a_broker()
        self.register(broker_id, previous_epoch=self.image.brokers[broker_id].epoch)

    def restart_after_crash(self) -> None:
        """A broker comes back and may have lost anything; it is trusted with nothing."""
        broker_id = self.a_broker()
        for replicas in self.complete.values():
            replicas.discard(broker_id)
        self.register(broker_id, previous_epoch=-1)
        assert not any(broker_id in (*state.isr, *state.elr) for _, state in self.image.partitions())

    def register(self, broker_id: int, previous_epoch: int) -> None:
        """A new process of a broker is taken in."""
        request = m.BrokerRegistrationRequest(
            broker_id=broker_id,
            incarnation_id=uuid.UUID(int=self.random.getrandbits(128)),
            listeners=[m.BrokerRegistrationRequest.Listener(name="PLAINTEXT", host="127.0.0.1", port=9092)],
            previous_broker_epoch=previous_epoch,
        )
        before = self.image.brokers[broker_id].epoch
        response, records = register_broker(
            self.image, self.config, request, cluster_id="", next_offset=self.next_offset, is_alive=False
        )
        self.commit(records)
        assert response.broker_epoch == self.next_offset - 1 == self.image.brokers[broker_id].epoch >= before

    def alter_isr(self) -> None:
        """A leader drops or takes in replicas; those that it takes in have caught up."""
        found = self.a_partition()
        if found is None or found[1].leader == NO_LEADER:
            return
        where, state = found
        isr = [state.leader] + [node for node in state.replicas if node != state.leader and self.random.random() < 0.6]
        may_recover = not state.is_recovering or self.random.random() < 0.5
        partition = m.AlterPartitionRequest.PartitionData(
            partition_index=state.partition,
            leader_epoch=state.leader_epoch,
            partition_epoch=state.partition_epoch,
            new_isr=isr,
            leader_recovery_state=0 if may_recover else RECOVERING,
        )
        asked = m.AlterPartitionRequest.TopicData(topic_id=where.topic_id, partitions=[partition])
        request = m.AlterPartitionRequest(
            broker_id=state.leader, broker_epoch=self.image.brokers[state.leader].epoch, topics=[asked]
        )
        _, records = alter_partition(self.image, self.config, request, 2)
        if records:
            self.complete[where.topic_id, state.partition].update(isr)
        self.commit(records, in_sync=isr)

    def elect(self) -> None:
        """An administrator asks for elections."""
        kind = ElectionType.UNCLEAN if self.unclean else ElectionType.PREFERRED
        request = m.ElectLeadersRequest(election_type=kind, topic_partitions=None)
        self.commit(elect_leaders(self.image, self.config, request)[1])

    def rebalance(self) -> None:
        """The routine gives leadership back."""
        self.commit(rebalance_leaders(self.image, self.config))

    def reassign(self) -> None:
        """An administrator moves a partition somewhere."""
        self.move(self.some_brokers())

    def call_off(self) -> None:
        """An administrator thinks better of it."""
        self.move(None)

    def move(self, replicas: list[int] | None) -> None:
        """Ask for these replicas of any partition; None calls a move off."""
        found = self.a_partition()
        if found is not None:
            partition = m.ReassignablePartition(partition_index=found[1].partition, replicas=replicas)
            request = m.AlterPartitionReassignmentsRequest(
                topics=[m.ReassignableTopic(name=found[0].name, partitions=[partition])]
            )
            self.commit(alter_partition_reassignments(self.image, self.config, request)[1])

    def change_min_insync_replicas(self) -> None:
        """An administrator changes what counts as enough."""
        found = self.a_partition()
        if found is not None:
            change = m.IncrementalAlterConfigsRequest.AlterableConfig(
                name="min.insync.replicas", config_operation=Operation.SET, value=str(self.random.randint(1, 3))
            )
            wanted = m.IncrementalAlterConfigsRequest.AlterConfigsResource(
                resource_type=TOPIC_RESOURCE, resource_name=found[0].name, configs=[change]
            )
            request = m.IncrementalAlterConfigsRequest(resources=[wanted])
            self.commit(incremental_alter_configs(self.image, self.config, request)[1])

    def create_topic(self) -> None:
        """A topic is made if enough brokers are active."""
        name = f"t{self.random.randint(0, 3)}"
        request = m.CreateTopicsRequest(topics=[topic(name, 2, self.random.randint(1, 3))])
        self.commit(create_topics(self.image, self.config, request, self.random)[1])

    def delete_topic(self) -> None:
        """A topic goes, whatever its partitions are doing."""
        request = m.DeleteTopicsRequest(topics=[m.DeleteTopicState(name=f"t{self.random.randint(0, 3)}")])
        self.commit(delete_topics(self.image, self.config, request, 6)[1])

    def add_partition(self) -> None:
        """A topic gets one more partition."""
        found = self.a_partition()
        if found is not None and len(found[0].partitions) < 4:
            wanted = m.CreatePartitionsTopic(name=found[0].name, count=len(found[0].partitions) + 1, assignments=None)
            self.commit(create_partitions(self.image, m.CreatePartitionsRequest(topics=[wanted]))[1])

    # -- what holds ----------------------------------------------------------------------------------------------

    def commit(self, records: Sequence[Any], in_sync: Sequence[int] = ()) -> None:
        """Apply the records, each of them checked; ``in_sync`` is what a leader has just said."""
        notes_on(self.image, records)
        for record in records:
            if isinstance(record, m.PartitionChangeRecord):
                state = self.image.topics[self.image.topic_names[record.topic_id]].partitions[record.partition_id]
                self.check_change(record, state, state.changed_by(record), in_sync)
            self.image.apply(record)
            if isinstance(record, m.PartitionRecord):
                self.complete[record.topic_id, record.partition_id] = set(record.isr)
        self.next_offset += len(records)
        for found, state in self.image.partitions():
            self.check_state(found, state)

    def check_change(
        self, record: m.PartitionChangeRecord, before: PartitionState, after: PartitionState, in_sync: Sequence[int]
    ) -> None:
        """Epochs grow, and whoever is elected has every committed record or is said to have to recover."""
        assert after.partition_epoch == before.partition_epoch + 1
        assert after.leader_epoch - before.leader_epoch == (record.leader != -2)
        if before.leader != after.leader:
            assert after.leader_epoch == before.leader_epoch + 1
        if after.leader in (NO_LEADER, before.leader):
            return
        where = (record.topic_id, record.partition_id)
        if after.leader in {*before.isr, *before.elr, *in_sync}:
            assert after.leader in self.complete[where]
            return
        assert self.unclean or [after.leader] == before.last_known_elr
        assert after.is_recovering
        assert after.isr == [after.leader]
        self.complete[where] = {after.leader}

    def check_state(self, found: TopicState, state: PartitionState) -> None:
        """The sets fit together, and leaders and those in sync are there."""
        for nodes in (state.replicas, state.isr, state.elr, state.adding, state.removing):
            assert len(set(nodes)) == len(nodes)
        assert {*state.isr, *state.elr, *state.adding, *state.removing} <= set(state.replicas)
        assert not set(state.isr) & set(state.elr)
        assert set(state.replicas) - set(state.adding)  # what a reassignment that is called off goes back to
        assert set(state.replicas) - set(state.removing)
        assert len(state.last_known_elr) <= 1
        assert all(self.image.brokers[node].is_active for node in state.isr)
        assert state.elr == [] or len(state.isr) < self.min_isr(found, state)
        assert {*state.isr, *state.elr} <= self.complete[found.topic_id, state.partition]
        if state.leader == NO_LEADER:
            assert state.isr == []
            assert not any(self.image.brokers[node].is_active for node in state.elr)
        else:
            assert state.leader in state.isr
            assert state.last_known_elr == []


@pytest.mark.parametrize("unclean", [False, True], ids=["clean", "unclean"])
@pytest.mark.parametrize("seed", range(40))
def test_decisions_keep_leaders_complete(seed: int, unclean: bool) -> None:
    """Whatever happens in whatever order, each decision leaves every partition in a possible and safe state."""
    cluster = Cluster(seed, unclean=unclean)
    for _ in range(NUM_STEPS):
        cluster.step()


def test_random_lives_are_eventful() -> None:
    """The lives above do lose leaders, elect eligible and last known ones and finish reassignments."""
    seen: set[str] = set()
    for seed in range(40):
        cluster = Cluster(seed, unclean=False)
        for _ in range(NUM_STEPS):
            cluster.step()
            for _, state in cluster.image.partitions():
                seen.update(
                    word
                    for word, is_so in (
                        ("no leader", state.leader == NO_LEADER),
                        ("eligible", bool(state.elr)),
                        ("recovering", state.is_recovering),
                        ("reassigning", state.is_reassigning),
                    )
                    if is_so
                )
    assert seen == {"no leader", "eligible", "recovering", "reassigning"}
