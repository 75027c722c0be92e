"""How one partition changes; each rule on its own. The expected records are those of Apache Kafka 4.3.1."""

from __future__ import annotations

from typing import Any

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.elections import Election, PartitionChange, after_broker_change, is_active
from kit.broker.controller.rules import TopicRules
from kit.broker.metadata import BROKER_RESOURCE, NO_LEADER, TOPIC_RESOURCE, MetadataImage, PartitionState
from kit.wire import messages as m
from tests.support.metadata import image_of, with_partition

CONFIG = BrokerConfig({}, num_brokers=3)  # min.insync.replicas=2


def change_of(image: MetadataImage, election: Election = Election.ONLINE) -> PartitionChange:
    """A change of partition a-0, whose leader must be active."""
    return PartitionChange(
        image.topics["a"],
        image.topics["a"].partitions[0],
        rules=TopicRules(image, CONFIG),
        may_lead=lambda node_id: is_active(image, node_id),
        election=election,
    )


def changed(image: MetadataImage, change: PartitionChange) -> PartitionState:
    """Partition a-0 after the change."""
    record = change.record()
    if record is not None:
        image.apply(record)
    return image.topics["a"].partitions[0]


def after(image: MetadataImage, **fate: int) -> PartitionState:
    """Partition a-0 after what became of one broker."""
    for record in after_broker_change(image, TopicRules(image, CONFIG), list(image.partitions()), **fate):
        image.apply(record)
    return image.topics["a"].partitions[0]


def one(
    replicas: list[int], isr: list[int], leader: int, *, fenced: tuple[int, ...] = (), **state: Any
) -> MetadataImage:
    """Brokers 1 to 6 and partition a-0 in this state."""
    return with_partition(image_of(1, 2, 3, 4, 5, 6, fenced=fenced), "a", replicas, isr, leader, **state)


# -- who leads ---------------------------------------------------------------------------------------------------


def test_change_of_nothing_is_no_record() -> None:
    """A partition that is as it should be is left alone."""
    assert change_of(one([1, 2, 3], [2, 3], 2)).record() is None


def test_election_takes_the_first_live_replica_in_sync() -> None:
    """In the order of the replicas, not of the ISR; the epoch grows with the leader."""
    state = after(one([1, 2, 3], [3, 1, 2], 1), leaving=1)
    assert (state.leader, state.isr, state.leader_epoch, state.partition_epoch) == (2, [3, 2], 6, 10)


def test_election_passes_over_brokers_that_are_about_to_leave() -> None:
    """A broker in controlled shutdown does not get new work."""
    image = one([1, 2, 3], [1, 2, 3], 1)
    image.brokers[2].in_controlled_shutdown = True
    assert after(image, leaving=1).leader == 3


def test_follower_that_leaves_the_isr_begins_no_epoch() -> None:
    """Only the partition epoch grows when the ISR does not lose its leader."""
    state = after(one([1, 2, 3], [1, 2, 3], 1), leaving=3)
    assert (state.leader, state.isr, state.leader_epoch, state.partition_epoch) == (1, [1, 2], 5, 10)


def test_online_election_keeps_a_good_leader() -> None:
    """The preferred replica does not push another leader aside by being alive."""
    assert change_of(one([1, 2], [1, 2], 2)).record() is None


def test_preferred_election_takes_the_first_replica() -> None:
    """If it is in sync."""
    image = one([1, 2], [1, 2], 2)
    assert changed(image, change_of(image, Election.PREFERRED)).leader == 1


def test_preferred_election_keeps_the_leader_when_the_first_replica_is_out_of_sync() -> None:
    """Somebody complete leads; there is nothing better."""
    assert change_of(one([1, 2, 3], [2, 3], 2), Election.PREFERRED).record() is None


def test_partition_without_complete_replicas_has_no_leader() -> None:
    """A replica that is not in sync does not lead, however alive it is."""
    state = after(one([1, 2, 3], [1], 1), leaving=1)
    assert (state.leader, state.isr, state.elr, state.leader_epoch) == (NO_LEADER, [], [1], 6)
    assert state.last_known_elr == [1]


@pytest.mark.parametrize("where", [(TOPIC_RESOURCE, "a"), (BROKER_RESOURCE, "")])
def test_unclean_election_takes_any_live_replica(where: tuple[int, str]) -> None:
    """Where it is allowed, for the topic or for all: the ISR is that replica alone, which has to recover."""
    image = one([1, 2, 3], [1], 1, fenced=(2,))
    name = "unclean.leader.election.enable"
    image.apply(m.ConfigRecord(resource_type=where[0], resource_name=where[1], name=name, value="true"))
    state = after(image, leaving=1)
    assert (state.leader, state.isr, state.is_recovering, state.leader_epoch) == (3, [3], True, 6)
    assert (state.elr, state.last_known_elr) == ([], [])


def test_topic_can_forbid_what_the_cluster_allows() -> None:
    """The topic's own setting counts first."""
    image = one([1, 2], [1], 1)
    name = "unclean.leader.election.enable"
    image.apply(m.ConfigRecord(resource_type=BROKER_RESOURCE, resource_name="", name=name, value="true"))
    image.apply(m.ConfigRecord(resource_type=TOPIC_RESOURCE, resource_name="a", name=name, value="false"))
    assert after(image, leaving=1).leader == NO_LEADER


# -- eligible leader replicas ------------------------------------------------------------------------------------


def test_isr_at_its_minimum_has_no_eligible_replicas() -> None:
    """The high watermark may go on without the one who left."""
    assert after(one([1, 2, 3], [1, 2, 3], 1), leaving=3).elr == []


def test_isr_below_its_minimum_keeps_in_mind_who_left() -> None:
    """The high watermark stands still, so the one who left has every committed record."""
    state = after(one([1, 2, 3], [1, 2], 1), leaving=2)
    assert (state.isr, state.elr, state.last_known_elr) == ([1], [2], [])


def test_eligible_replicas_add_up() -> None:
    """With no replica left in sync, all that were complete at the end are eligible."""
    state = after(one([1, 2, 3], [1], 1, fenced=(2,), eligible_leader_replicas=[2]), leaving=1)
    assert (state.isr, state.elr, state.leader, state.last_known_elr) == ([], [1, 2], NO_LEADER, [1])


def test_eligible_replica_is_elected_when_nobody_is_in_sync() -> None:
    """It becomes the ISR, the others stay eligible; nothing was lost, so nothing has to recover."""
    image = one([1, 2, 3], [], NO_LEADER, fenced=(1, 2), eligible_leader_replicas=[1, 2], last_known_elr=[1])
    state = after(image, coming=2)
    assert (state.leader, state.isr, state.elr, state.last_known_elr) == (2, [2], [1], [])
    assert not state.is_recovering


def test_eligible_replica_is_not_elected_while_somebody_is_in_sync() -> None:
    """The ISR comes first, even if only the eligible one is alive."""
    image = one([1, 2, 3], [1], NO_LEADER, fenced=(1,), eligible_leader_replicas=[2])
    assert after(image, coming=3).leader == NO_LEADER


def test_eligible_replicas_are_forgotten_when_enough_are_in_sync() -> None:
    """From then on records are committed without them."""
    image = one([1, 2, 3], [1], 1, eligible_leader_replicas=[2])
    change = change_of(image)
    change.isr = [1, 3]
    assert changed(image, change).elr == []


def test_min_insync_replicas_is_at_most_the_number_of_replicas() -> None:
    """A single copy can be in sync with itself."""
    image = one([1], [], NO_LEADER, eligible_leader_replicas=[1], last_known_elr=[1])
    state = after(image, coming=1)
    assert (state.leader, state.isr, state.elr) == (1, [1], [])


# -- unclean shutdown --------------------------------------------------------------------------------------------


def test_broker_that_lost_records_is_not_eligible() -> None:
    """What it had written may be gone, so it is neither in sync nor eligible."""
    state = after(one([1, 2, 3], [1, 2], 1), lost=2)
    assert (state.leader, state.isr, state.elr) == (1, [1], [])


def test_last_leader_that_lost_records_is_remembered() -> None:
    """Even the last complete replica is given up, but not its name."""
    state = after(one([1, 2, 3], [1], 1), lost=1)
    assert (state.leader, state.isr, state.elr, state.last_known_elr) == (NO_LEADER, [], [], [1])


def test_last_known_leader_is_elected_when_nobody_is_eligible() -> None:
    """It most likely has most records; as it may lack some, it has to recover."""
    state = after(one([1, 2, 3], [], NO_LEADER, fenced=(1,), last_known_elr=[1]), coming=1)
    assert (state.leader, state.isr, state.last_known_elr, state.is_recovering) == (1, [1], [], True)


def test_last_known_leader_has_to_be_alive() -> None:
    """Nobody else is elected for it."""
    image = one([1, 2, 3], [], NO_LEADER, fenced=(1, 2), last_known_elr=[1])
    assert after(image, coming=2).leader == NO_LEADER


def test_last_known_leader_waits_for_eligible_replicas() -> None:
    """As long as one surely complete replica may come back, the partition waits for it."""
    image = one([1, 2, 3], [], NO_LEADER, fenced=(1, 2), eligible_leader_replicas=[2], last_known_elr=[1])
    assert after(image, coming=1).leader == NO_LEADER


# -- reassignments -----------------------------------------------------------------------------------------------


def moving(isr: list[int], leader: int = 1) -> MetadataImage:
    """A partition that moves from 1, 2, 3 to 4, 5, 6."""
    return one([4, 5, 6, 1, 2, 3], isr, leader, adding_replicas=[4, 5, 6], removing_replicas=[1, 2, 3])


def grown_to(image: MetadataImage, isr: list[int]) -> PartitionState:
    """Partition a-0 after its ISR grew."""
    change = change_of(image)
    change.isr = isr
    return changed(image, change)


def test_reassignment_goes_on_until_all_new_replicas_are_in_sync() -> None:
    """Two of three are not enough."""
    state = grown_to(moving([1, 2, 3, 4]), [1, 2, 3, 4, 5])
    assert (state.leader, state.isr, state.adding) == (1, [1, 2, 3, 4, 5], [4, 5, 6])
    assert state.leader_epoch == 5


def test_reassignment_is_done_when_all_new_replicas_are_in_sync() -> None:
    """The old ones go, leader included, in the same change."""
    state = grown_to(moving([1, 2, 3, 4, 5]), [1, 2, 3, 4, 5, 6])
    assert (state.replicas, state.isr, state.leader) == ([4, 5, 6], [4, 5, 6], 4)
    assert (state.adding, state.removing, state.leader_epoch) == ([], [], 6)


def test_reassignment_that_takes_a_follower_away_begins_an_epoch() -> None:
    """Whoever is no replica any more must not fetch on under the old epoch."""
    state = grown_to(one([1, 2, 3], [1], 1, removing_replicas=[3]), [1, 2])
    assert (state.replicas, state.leader, state.leader_epoch) == ([1, 2], 1, 6)


def test_reassignment_to_fewer_replicas_waits_for_each_of_them() -> None:
    """Three copies become two only when both are complete."""
    image = one([1, 2, 3], [1, 3], 1, removing_replicas=[3])
    assert change_of(image).record() is None


def test_replicas_that_are_gone_are_not_eligible() -> None:
    """Who is no replica any more cannot lead, so it is not kept in mind."""
    image = one([1, 2, 3, 4], [1, 4], 1, adding_replicas=[4])
    change = change_of(image)
    change.replicas, change.adding, change.isr = [1, 2, 3], [], [1]
    state = changed(image, change)
    assert (state.replicas, state.isr, state.elr) == ([1, 2, 3], [1], [])
