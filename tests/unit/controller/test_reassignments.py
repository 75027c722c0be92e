"""Moving partitions: what is begun, what is refused, what is called off, what is listed."""

from __future__ import annotations

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.reassignments import alter_partition_reassignments, list_partition_reassignments
from kit.broker.metadata import NO_LEADER, TOPIC_RESOURCE, MetadataImage, PartitionState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.metadata import apply_all, image_of, with_partition

Replicas = list[int] | None


@pytest.fixture
def image() -> MetadataImage:
    """Brokers 1 to 6, the last one fenced; a-0 is on 1, 2 and 3."""
    return with_partition(image_of(1, 2, 3, 4, 5, 6, fenced=(6,)), "a", [1, 2, 3], [1, 2, 3], 1)


def state_of(image: MetadataImage) -> PartitionState:
    """Partition a-0."""
    return image.topics["a"].partitions[0]


def move(
    image: MetadataImage, config: BrokerConfig, *wanted: tuple[str, int, Replicas], keep_factor: bool = False
) -> list[ErrorCode]:
    """Ask for (topic, partition, replicas) and let the image know; returns the error codes."""
    request = m.AlterPartitionReassignmentsRequest(
        allow_replication_factor_change=not keep_factor,
        topics=[
            m.ReassignableTopic(
                name=name, partitions=[m.ReassignablePartition(partition_index=partition, replicas=replicas)]
            )
            for name, partition, replicas in wanted
        ],
    )
    response, records = alter_partition_reassignments(image, config, request)
    assert response.error_code == ErrorCode.NONE
    apply_all(image, records)
    answers = [each for topic in response.responses for each in topic.partitions]
    assert all((each.error_message is None) == (each.error_code == ErrorCode.NONE) for each in answers)
    return [ErrorCode(each.error_code) for each in answers]


def test_reassignment_adds_before_it_removes(image: MetadataImage, config: BrokerConfig) -> None:
    """The new replicas come first, as the preferred order shall be; nothing is taken away yet."""
    assert move(image, config, ("a", 0, [4, 2, 6])) == [ErrorCode.NONE]
    state = state_of(image)
    assert (state.replicas, state.adding, state.removing) == ([4, 2, 6, 1, 3], [4, 6], [1, 3])
    assert (state.leader, state.isr, state.leader_epoch) == (1, [1, 2, 3], 5)


def test_reassignment_to_another_order_is_done_at_once(image: MetadataImage, config: BrokerConfig) -> None:
    """Only the preferred leader is another one; the leader stays until an election."""
    move(image, config, ("a", 0, [3, 2, 1]))
    state = state_of(image)
    assert (state.replicas, state.is_reassigning, state.leader, state.leader_epoch) == ([3, 2, 1], False, 1, 5)


def test_reassignment_to_what_is_there_changes_nothing(image: MetadataImage, config: BrokerConfig) -> None:
    """It is no error either."""
    assert move(image, config, ("a", 0, [1, 2, 3])) == [ErrorCode.NONE]
    assert state_of(image).partition_epoch == 9


def test_reassignment_to_fewer_replicas_is_done_at_once(image: MetadataImage, config: BrokerConfig) -> None:
    """If those that stay are in sync; the leader that goes is replaced."""
    move(image, config, ("a", 0, [2, 3]))
    state = state_of(image)
    assert (state.replicas, state.isr, state.leader, state.leader_epoch) == ([2, 3], [2, 3], 2, 6)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (("a", 0, [1, 9]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (("a", 0, [1, 1]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (("a", 0, []), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (("a", 0, [-1]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (("a", 0, None), ErrorCode.NO_REASSIGNMENT_IN_PROGRESS),
        (("a", 1, [1]), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (("zz", 0, [1]), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (("zz", 0, None), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ],
)
def test_reassignment_is_refused(
    image: MetadataImage, config: BrokerConfig, wanted: tuple[str, int, Replicas], code: ErrorCode
) -> None:
    """Each impossible wish has its own error code, and nothing changes."""
    assert move(image, config, wanted) == [code]
    assert state_of(image).partition_epoch == 9


def test_reassignment_of_a_partition_named_twice_is_refused(image: MetadataImage, config: BrokerConfig) -> None:
    """Nobody could tell which one counts."""
    assert move(image, config, ("a", 0, [4, 5]), ("a", 0, [1, 2])) == [ErrorCode.INVALID_REQUEST] * 2


def test_reassignment_can_be_held_to_the_replication_factor(image: MetadataImage, config: BrokerConfig) -> None:
    """The factor is that of before a reassignment in progress (KIP-860)."""
    assert move(image, config, ("a", 0, [4, 5]), keep_factor=True) == [ErrorCode.INVALID_REPLICATION_FACTOR]
    assert move(image, config, ("a", 0, [4, 5, 3]), keep_factor=True) == [ErrorCode.NONE]
    assert move(image, config, ("a", 0, [4, 1, 2]), keep_factor=True) == [ErrorCode.NONE]


def test_reassignment_can_be_changed_on_the_way(image: MetadataImage, config: BrokerConfig) -> None:
    """A replica that is not wanted any more goes with the others that are to be removed."""
    move(image, config, ("a", 0, [4, 2, 3]))
    move(image, config, ("a", 0, [5, 2, 3]))
    state = state_of(image)
    assert (state.replicas, state.adding, state.removing) == ([5, 2, 3, 1, 4], [4, 5], [1, 4])


@pytest.mark.parametrize("second", [[4, 2, 5], [4, 1, 3], [5, 1, 6]])
def test_changed_reassignment_is_called_off_as_the_first_one(
    image: MetadataImage, config: BrokerConfig, second: list[int]
) -> None:
    """What was there before the first one is there again, and waits for whom the second one adds until then."""
    move(image, config, ("a", 0, [4, 2, 3]))
    move(image, config, ("a", 0, second))
    assert state_of(image).is_reassigning
    assert move(image, config, ("a", 0, None)) == [ErrorCode.NONE]
    state = state_of(image)
    assert (sorted(state.replicas), state.isr, state.is_reassigning) == ([1, 2, 3], [1, 2, 3], False)


def test_changed_reassignment_waits_for_nobody_whom_it_gave_up(config: BrokerConfig) -> None:
    """Broker 4 never comes into sync: it is not wanted any more."""
    image = image_of(1, 2, 3, 4, 5)
    image = with_partition(
        image, "a", [5, 2, 3, 1, 4], [1, 2, 3, 5], 1, adding_replicas=[4, 5], removing_replicas=[1, 4]
    )
    assert move(image, config, ("a", 0, [5, 2, 3])) == [ErrorCode.NONE]
    state = state_of(image)
    assert (state.replicas, state.isr, state.is_reassigning, state.leader) == ([5, 2, 3], [2, 3, 5], False, 5)


def test_reassignment_can_be_changed_back(image: MetadataImage, config: BrokerConfig) -> None:
    """To ask for the old replicas has the effect of calling it off."""
    move(image, config, ("a", 0, [4, 2, 3]))
    move(image, config, ("a", 0, [1, 2, 3]))
    state = state_of(image)
    assert (state.replicas, state.is_reassigning, state.leader) == ([1, 2, 3], False, 1)


def test_reassignment_can_be_called_off(image: MetadataImage, config: BrokerConfig) -> None:
    """The old replicas are all there is again; whoever was added begins no more to fetch."""
    move(image, config, ("a", 0, [4, 5, 3]))
    assert move(image, config, ("a", 0, None)) == [ErrorCode.NONE]
    state = state_of(image)
    assert (sorted(state.replicas), state.isr, state.is_reassigning) == ([1, 2, 3], [1, 2, 3], False)
    assert (state.leader, state.leader_epoch) == (1, 6)


def half_moved(leader: int = 4) -> MetadataImage:
    """A partition of which only a new replica is in sync."""
    image = image_of(1, 2, 3, 4, 5)
    return with_partition(image, "a", [4, 5, 1, 2], [4], leader, adding_replicas=[4, 5], removing_replicas=[1, 2])


def test_reassignment_is_not_called_off_when_records_would_be_lost(config: BrokerConfig) -> None:
    """None of the old replicas is in sync any more."""
    image = half_moved()
    assert move(image, config, ("a", 0, None)) == [ErrorCode.INVALID_REPLICA_ASSIGNMENT]
    assert state_of(image).leader == 4


def test_reassignment_is_called_off_uncleanly_where_that_is_allowed(config: BrokerConfig) -> None:
    """An old replica leads, and has to recover."""
    image = half_moved()
    name = "unclean.leader.election.enable"
    image.apply(m.ConfigRecord(resource_type=TOPIC_RESOURCE, resource_name="a", name=name, value="true"))
    assert move(image, config, ("a", 0, None)) == [ErrorCode.NONE]
    state = state_of(image)
    assert (state.replicas, state.isr, state.leader, state.is_recovering) == ([1, 2], [1], 1, True)


def test_reassignment_can_begin_without_a_leader(config: BrokerConfig) -> None:
    """It waits for one; nobody becomes complete by being assigned."""
    image = with_partition(
        image_of(1, 2, fenced=(1,)), "a", [1], [], NO_LEADER, eligible_leader_replicas=[1], last_known_elr=[1]
    )
    assert move(image, config, ("a", 0, [2])) == [ErrorCode.NONE]
    state = state_of(image)
    assert (state.replicas, state.leader, state.elr, state.last_known_elr) == ([2, 1], NO_LEADER, [1], [1])


def test_list_names_what_is_on_the_move(image: MetadataImage, config: BrokerConfig) -> None:
    """Of all partitions, or of those asked for; unknown ones are passed over."""
    with_partition(image, "a", [1, 2], [1, 2], 1)
    with_partition(image, "b", [1, 2], [1, 2], 1)
    move(image, config, ("a", 1, [4, 2]))
    wanted = m.ListPartitionReassignmentsRequest.ListPartitionReassignmentsTopics
    everything = list_partition_reassignments(image, m.ListPartitionReassignmentsRequest(topics=None))
    ((found,),) = [topic.partitions for topic in everything.topics]
    assert (found.partition_index, found.replicas) == (1, [4, 2, 1])
    assert (found.adding_replicas, found.removing_replicas) == ([4], [1])
    asked = [wanted(name="a", partition_indexes=[0, 1, 7]), wanted(name="zz", partition_indexes=[0])]
    assert list_partition_reassignments(image, m.ListPartitionReassignmentsRequest(topics=asked)) == everything
    others = [wanted(name="a", partition_indexes=[0]), wanted(name="b", partition_indexes=[0])]
    assert list_partition_reassignments(image, m.ListPartitionReassignmentsRequest(topics=others)).topics == []
