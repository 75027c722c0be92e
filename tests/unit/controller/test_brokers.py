"""What becomes of brokers: registration, heartbeats, controlled shutdown, fencing."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.brokers import broker_heartbeat, fence_broker, register_broker, unfence_broker
from kit.broker.controller.sessions import BrokerSessions
from kit.broker.metadata import NO_LEADER, MetadataImage, PartitionState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.metadata import apply_all, image_of, topic, with_partition, with_topics

FIRST, SECOND = uuid.UUID(int=1), uuid.UUID(int=2)  # incarnations
TIMEOUT_MS = 400
Register = Callable[..., m.BrokerRegistrationResponse]


def registration(node_id: int, **fields: object) -> m.BrokerRegistrationRequest:
    """A registration of the cluster "kit"."""
    values: dict[str, object] = {
        "cluster_id": "kit",
        "incarnation_id": FIRST,
        "listeners": [m.BrokerRegistrationRequest.Listener(name="PLAINTEXT", host="127.0.0.1", port=9092)],
        **fields,
    }
    return m.BrokerRegistrationRequest(broker_id=node_id, **values)


@pytest.fixture
def register(config: BrokerConfig) -> Register:
    """Register with an image that has 100 records, and let it know; the arguments are those of `registration`."""

    def call(
        image: MetadataImage, node_id: int, *, is_alive: bool = False, **fields: object
    ) -> m.BrokerRegistrationResponse:
        request = registration(node_id, **fields)
        response, records = register_broker(
            image, config, request, cluster_id="kit", next_offset=100, is_alive=is_alive
        )
        apply_all(image, records)
        return response

    return call


def state_of(image: MetadataImage) -> PartitionState:
    """Partition a-0."""
    return image.topics["a"].partitions[0]


# -- registration ------------------------------------------------------------------------------------------------


def test_registration_fences_until_the_broker_has_caught_up(register: Register) -> None:
    """A new broker is known with its rack and address, and leads nothing yet."""
    image = MetadataImage()
    response = register(image, 7, rack="attic")
    broker = image.brokers[7]
    assert (response.error_code, response.broker_epoch) == (ErrorCode.NONE, 100)
    assert (broker.epoch, broker.rack, broker.port, broker.fenced) == (100, "attic", 9092, True)


def test_registration_refuses_another_cluster(register: Register) -> None:
    """A broker with another cluster's folder is not taken in."""
    image = MetadataImage()
    assert register(image, 7, cluster_id="other").error_code == ErrorCode.INCONSISTENT_CLUSTER_ID
    assert image.brokers == {}


def test_registration_refuses_a_broker_without_address(register: Register) -> None:
    """Clients could not be told where it is."""
    assert register(MetadataImage(), 7, listeners=[]).error_code == ErrorCode.INVALID_REGISTRATION


def test_registration_refuses_a_second_process_while_the_first_one_lives(register: Register) -> None:
    """Two processes with one id would both believe to be the replica."""
    image = MetadataImage()
    register(image, 7)
    answer = register(image, 7, incarnation_id=SECOND, is_alive=True)
    assert answer.error_code == ErrorCode.DUPLICATE_BROKER_REGISTRATION
    assert image.brokers[7].incarnation_id == FIRST


def test_registration_takes_the_next_process_when_the_session_is_over(register: Register) -> None:
    """It gets a new epoch and begins fenced, whatever the last one was."""
    image = MetadataImage()
    register(image, 7)
    image.brokers[7].epoch = 3
    image.brokers[7].fenced = False
    assert register(image, 7, incarnation_id=SECOND).broker_epoch == 100
    assert (image.brokers[7].incarnation_id, image.brokers[7].fenced) == (SECOND, True)


def test_registration_of_the_same_process_keeps_its_epoch(register: Register) -> None:
    """It may say the same again, for instance because an answer was lost; nothing else changes."""
    image = with_partition(image_of(1, 2), "a", [1, 2], [1, 2], 1)
    image.brokers[1].incarnation_id, image.brokers[1].epoch = FIRST, 3
    assert register(image, 1, is_alive=True).broker_epoch == 3
    assert not image.brokers[1].fenced
    assert state_of(image).isr == [1, 2]


def test_registration_after_a_clean_stop_keeps_eligibility(register: Register) -> None:
    """Whoever knows the epoch of its last registration has lost nothing."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1], 1)
    assert register(image, 1, previous_broker_epoch=image.brokers[1].epoch).error_code == ErrorCode.NONE
    assert (state_of(image).isr, state_of(image).elr, state_of(image).leader) == ([], [1], NO_LEADER)


def test_registration_whose_answer_was_lost_takes_no_trust(register: Register) -> None:
    """The broker knows an older epoch, and was not alive since: there was nothing to lose under the newer one."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1], 1)
    known_epoch = image.brokers[1].epoch
    register(image, 1, incarnation_id=SECOND, previous_broker_epoch=known_epoch)
    assert image.brokers[1].epoch > known_epoch

    register(image, 1, incarnation_id=uuid.UUID(int=3), previous_broker_epoch=known_epoch)

    assert (state_of(image).isr, state_of(image).elr) == ([], [1])


@pytest.mark.parametrize(("isr", "elr"), [([1], []), ([], [1])])
def test_registration_after_a_crash_takes_all_trust(register: Register, isr: list[int], elr: list[int]) -> None:
    """Records that were not on disk may be gone: out of the ISR and of the eligible, even as the last one."""
    leader = 1 if isr else NO_LEADER
    last_known = [] if isr else [1]
    image = with_partition(
        image_of(1, 2, 3), "a", [1, 2, 3], isr, leader, eligible_leader_replicas=elr, last_known_elr=last_known
    )
    response = register(image, 1, incarnation_id=SECOND)
    state = state_of(image)
    assert (state.isr, state.elr, state.last_known_elr, state.leader) == ([], [], [1], NO_LEADER)
    assert response.broker_epoch == 101 == image.brokers[1].epoch


def test_registration_after_a_crash_moves_leaderships(register: Register) -> None:
    """The others in sync take over at once, before the broker was ever fenced."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1, 2, 3], 1)
    register(image, 1, incarnation_id=SECOND)
    assert (state_of(image).leader, state_of(image).isr) == (2, [2, 3])


# -- heartbeats --------------------------------------------------------------------------------------------------


@pytest.fixture
def sessions() -> BrokerSessions:
    """Brokers 1 to 3 were just heard of and have seen nothing of the metadata."""
    made = BrokerSessions(VirtualClock(), TIMEOUT_MS)
    for node_id in (1, 2, 3):
        made.touch(node_id)
    return made


class Beats:
    """Heartbeats to one image, in the order that a handler keeps."""

    def __init__(self, image: MetadataImage, config: BrokerConfig, sessions: BrokerSessions) -> None:
        self.image = image
        self.config = config
        self.sessions = sessions
        self.next_offset = 100

    def __call__(self, node_id: int, offset: int = 1000, *, epoch: int = 0, **wants: bool) -> m.BrokerHeartbeatResponse:
        """One heartbeat of a broker that has followed the metadata up to ``offset``."""
        self.sessions.touch(node_id, offset)
        request = m.BrokerHeartbeatRequest(
            broker_id=node_id, broker_epoch=epoch, current_metadata_offset=offset, **wants
        )
        response, records = broker_heartbeat(self.image, self.config, request, self.sessions)
        apply_all(self.image, records)
        self.next_offset += len(records)
        if wants.get("want_shut_down") and not response.should_shut_down:
            self.sessions.begin_shutdown(node_id, self.next_offset - 1)
        return response


def test_heartbeat_with_another_epoch_is_refused(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """The broker has been registered anew, or never was."""
    beat = Beats(image_of(1), config, sessions)
    assert beat(1, epoch=9).error_code == ErrorCode.STALE_BROKER_EPOCH
    assert beat(3).error_code == ErrorCode.STALE_BROKER_EPOCH


def test_heartbeat_unfences_a_broker_that_has_caught_up(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """Not before it knows of its own registration, and not while it does not want to."""
    image = with_partition(
        image_of(1, 2, fenced=(1,)), "a", [1], [], NO_LEADER, eligible_leader_replicas=[1], last_known_elr=[1]
    )
    image.brokers[1].epoch = 50
    beat = Beats(image, config, sessions)

    early = beat(1, 49, epoch=50)
    assert (early.is_caught_up, early.is_fenced, state_of(image).leader) == (False, True, NO_LEADER)
    starting = beat(1, 50, epoch=50, want_fence=True)
    assert (starting.is_caught_up, starting.is_fenced) == (True, True)
    ready = beat(1, 50, epoch=50)
    assert (ready.is_caught_up, ready.is_fenced, image.brokers[1].fenced) == (True, False, False)
    assert state_of(image).leader == 1


def test_heartbeat_of_a_running_broker_changes_nothing(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """That is what most of them are: no record."""
    request = m.BrokerHeartbeatRequest(broker_id=1, broker_epoch=0, current_metadata_offset=5)
    response, records = broker_heartbeat(image_of(1), config, request, sessions)
    assert (response.is_fenced, response.should_shut_down, records) == (False, False, [])


def test_heartbeat_can_ask_for_fencing(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """A broker that wants to be fenced gives up what it leads."""
    image = with_partition(image_of(1, 2), "a", [1, 2], [1, 2], 1)
    assert Beats(image, config, sessions)(1, want_fence=True).is_fenced
    assert (state_of(image).leader, image.brokers[1].fenced) == (2, True)


def test_shutdown_hands_over_first(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """The broker stays up without leading until all others have seen who leads instead, then it may go, fenced."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1, 2, 3], 1)
    beat = Beats(image, config, sessions)

    first = beat(1, want_shut_down=True)
    assert (first.should_shut_down, first.is_fenced) == (False, False)
    assert (state_of(image).leader, state_of(image).isr) == (2, [2, 3])
    assert image.brokers[1].in_controlled_shutdown
    handed_over_at = beat.next_offset - 1

    beat(2, handed_over_at)
    beat(3, handed_over_at - 1)
    assert not beat(1, want_shut_down=True).should_shut_down
    beat(3, handed_over_at)
    last = beat(1, want_shut_down=True)
    assert (last.should_shut_down, last.is_fenced, image.brokers[1].fenced) == (True, True, True)


def test_shutdown_goes_on_with_a_new_controller(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """It does not know since when the broker hands over, so it lets the others see all there is."""
    image = with_topics(image_of(1, 2), topic("a", 1, 2))
    Beats(image, config, sessions)(1, want_shut_down=True)
    after_failover = BrokerSessions(VirtualClock(), TIMEOUT_MS)
    after_failover.reset_all(image)
    beat = Beats(image, config, after_failover)
    assert not beat(1, want_shut_down=True).should_shut_down
    beat(2, 99)
    assert beat(1, want_shut_down=True).should_shut_down


def test_shutdown_of_the_last_broker_is_possible(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """Its partitions lose their leader and know that it has everything."""
    image = with_topics(image_of(1), topic("a"))
    beat = Beats(image, config, sessions)
    beat(1, want_shut_down=True)
    assert beat(1, want_shut_down=True).should_shut_down
    assert (state_of(image).leader, state_of(image).elr) == (NO_LEADER, [1])


def test_shutdown_without_leaderships_is_immediate(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """Nothing is to be handed over; the broker is out of the ISR when it goes."""
    image = with_partition(image_of(1, 2), "a", [1, 2], [1, 2], 1)
    assert Beats(image, config, sessions)(2, want_shut_down=True).should_shut_down
    assert (state_of(image).isr, image.brokers[2].fenced) == ([1], True)


def test_shutdown_of_a_fenced_broker_is_immediate(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """It leads nothing anyway, and needs no record."""
    request = m.BrokerHeartbeatRequest(broker_id=1, broker_epoch=0, want_shut_down=True)
    response, records = broker_heartbeat(image_of(1, fenced=(1,)), config, request, sessions)
    assert (response.should_shut_down, records) == (True, [])


def test_broker_that_has_handed_over_is_not_unfenced(config: BrokerConfig, sessions: BrokerSessions) -> None:
    """It was silent on its way out and was fenced; it may go, or register again."""
    image = image_of(1, 2, fenced=(1,))
    image.brokers[1].in_controlled_shutdown = True
    beat = Beats(image, config, sessions)
    assert beat(1).is_fenced
    assert beat(1, want_shut_down=True).should_shut_down


# -- fencing -----------------------------------------------------------------------------------------------------


def test_fencing_takes_leaderships_and_isr_places(config: BrokerConfig) -> None:
    """In one batch with the broker's own fate, which comes last as in Kafka."""
    image = with_partition(image_of(1, 2, 3), "a", [1, 2, 3], [1, 2, 3], 1)
    with_partition(image, "a", [2, 1, 3], [2, 1, 3], 2)
    with_partition(image, "a", [2, 3, 1], [2, 3], 2)
    records = fence_broker(image, config, 1)
    assert [type(record) for record in records] == [m.PartitionChangeRecord] * 2 + [m.BrokerRegistrationChangeRecord]
    apply_all(image, records)
    states = image.topics["a"].partitions.values()
    assert [(state.leader, state.isr) for state in states] == [(2, [2, 3]), (2, [2, 3]), (2, [2, 3])]
    assert image.brokers[1].fenced


def test_fencing_twice_is_nothing(config: BrokerConfig) -> None:
    """Nor is fencing a broker that nobody knows."""
    image = image_of(1, fenced=(1,))
    assert fence_broker(image, config, 1) == fence_broker(image, config, 9) == []


def test_unfencing_gives_a_leader_to_partitions_without(config: BrokerConfig) -> None:
    """Those that have one are left alone, even if the broker would be preferred."""
    image = with_partition(image_of(1, 2, fenced=(1,)), "a", [1, 2], [2], 2)
    with_partition(image, "a", [1], [], NO_LEADER, eligible_leader_replicas=[1])
    apply_all(image, unfence_broker(image, config, 1))
    assert [state.leader for state in image.topics["a"].partitions.values()] == [2, 1]
