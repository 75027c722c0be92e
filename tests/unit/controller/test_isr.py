"""AlterPartition: which ISR a leader gets. The error codes are those of Apache Kafka 4.3.1."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.isr import alter_partition
from kit.broker.metadata import RECOVERING, MetadataImage, PartitionState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.metadata import apply_all, image_of, with_partition

_Partition = m.AlterPartitionRequest.PartitionData


def partition_data(*isr: int, epochs: tuple[int, ...] | None = None, **fields: Any) -> _Partition:
    """What broker 1 asks of a-0: an ISR, with the epochs of the brokers in v3."""
    values = {"leader_epoch": 5, "partition_epoch": 9, **fields}
    with_epochs = [
        m.AlterPartitionRequest.BrokerState(broker_id=node_id, broker_epoch=epoch)
        for node_id, epoch in zip(isr, epochs or (0,) * len(isr), strict=True)
    ]
    return _Partition(new_isr=list(isr), new_isr_with_epochs=with_epochs, **values)


class Asking:
    """Broker 1, which leads a-0, asks the controller."""

    def __init__(self, image: MetadataImage, config: BrokerConfig) -> None:
        self.image = image
        self.config = config

    def __call__(
        self, wanted: _Partition, *, api_version: int = 3, topic_id: uuid.UUID | None = None, broker_id: int = 1
    ) -> m.AlterPartitionResponse.PartitionData:
        """Ask for one partition; the image learns of the answer."""
        topic = m.AlterPartitionRequest.TopicData(
            topic_id=topic_id or self.image.topics["a"].topic_id, partitions=[wanted]
        )
        request = m.AlterPartitionRequest(broker_id=broker_id, broker_epoch=0, topics=[topic])
        response, records = alter_partition(self.image, self.config, request, api_version)
        assert response.error_code == ErrorCode.NONE
        apply_all(self.image, records)
        ((answer,),) = [topic.partitions for topic in response.topics]
        if records:
            assert answer.error_code in (ErrorCode.NONE, ErrorCode.NEW_LEADER_ELECTED)
        return answer

    @property
    def state(self) -> PartitionState:
        """Partition a-0."""
        return self.image.topics["a"].partitions[0]


@pytest.fixture
def ask(config: BrokerConfig) -> Asking:
    """Brokers 1 to 4; a-0 is on the first three, and 3 is out of sync."""
    return Asking(with_partition(image_of(1, 2, 3, 4), "a", [1, 2, 3], [1, 2], 1), config)


@pytest.mark.parametrize("api_version", [2, 3])
def test_isr_grows_when_its_leader_asks(ask: Asking, api_version: int) -> None:
    """The answer is the state after the change; the leader and its epoch stay."""
    answer = ask(partition_data(1, 2, 3), api_version=api_version)
    assert (answer.error_code, answer.isr, answer.partition_epoch) == (ErrorCode.NONE, [1, 2, 3], 10)
    assert (answer.leader_id, answer.leader_epoch) == (1, 5)
    assert (ask.state.isr, ask.state.leader_epoch, ask.state.partition_epoch) == ([1, 2, 3], 5, 10)


def test_isr_shrinks_and_remembers_who_was_complete(ask: Asking) -> None:
    """Below min.insync.replicas (2 here) the one that is dropped stays eligible."""
    assert ask(partition_data(1)).isr == [1]
    assert (ask.state.isr, ask.state.elr, ask.state.leader_epoch) == ([1], [2], 5)


def test_isr_that_is_the_same_is_agreed_to(ask: Asking) -> None:
    """Nothing is written, so that a repeated request finds its epoch valid."""
    assert ask(partition_data(1, 2)).partition_epoch == 9
    assert ask.state.partition_epoch == 9


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (partition_data(1, 2, 3, partition_epoch=8), ErrorCode.INVALID_UPDATE_VERSION),
        (partition_data(1, 2, 3, partition_epoch=10), ErrorCode.NOT_CONTROLLER),
        (partition_data(1, 2, 3, leader_epoch=4), ErrorCode.FENCED_LEADER_EPOCH),
        (partition_data(1, 2, 3, leader_epoch=6), ErrorCode.NOT_CONTROLLER),
        (partition_data(1, 2, 4), ErrorCode.INVALID_REQUEST),
        (partition_data(1, 2, 2), ErrorCode.INVALID_REQUEST),
        (partition_data(2, 3), ErrorCode.INVALID_REQUEST),
        (partition_data(), ErrorCode.INVALID_REQUEST),
        (partition_data(1, 2, leader_recovery_state=RECOVERING), ErrorCode.INVALID_REQUEST),
        (partition_data(1, leader_recovery_state=RECOVERING), ErrorCode.INVALID_REQUEST),
        (partition_data(1, leader_recovery_state=7), ErrorCode.INVALID_REQUEST),
        (partition_data(1, 2, 3, epochs=(0, 0, 1)), ErrorCode.INELIGIBLE_REPLICA),
        (partition_data(1, 2, partition_index=5), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ],
    ids=str,
)
def test_isr_is_refused(ask: Asking, wanted: _Partition, code: ErrorCode) -> None:
    """Each impossible wish has its own error code, and nothing changes."""
    assert ask(wanted).error_code == code
    assert (ask.state.isr, ask.state.partition_epoch) == ([1, 2], 9)


def test_isr_is_refused_to_another_than_the_leader(ask: Asking) -> None:
    """Whoever does not lead has nothing to ask for, even in the right epoch."""
    assert ask(partition_data(1, 2), broker_id=2).error_code == ErrorCode.INVALID_REQUEST


def test_isr_of_a_deleted_topic_is_refused(ask: Asking) -> None:
    """The leader has not heard of the deletion yet."""
    assert ask(partition_data(1), topic_id=uuid.UUID(int=5)).error_code == ErrorCode.UNKNOWN_TOPIC_ID


def test_isr_takes_in_nobody_who_is_not_active(ask: Asking) -> None:
    """A fenced replica, or one that is about to leave, would be out of the ISR at once (KIP-841)."""
    ask.image.brokers[3].fenced = True
    assert ask(partition_data(1, 2, 3)).error_code == ErrorCode.INELIGIBLE_REPLICA
    ask.image.brokers[3].fenced = False
    ask.image.brokers[3].in_controlled_shutdown = True
    assert ask(partition_data(1, 2, 3)).error_code == ErrorCode.INELIGIBLE_REPLICA


def test_broker_that_was_registered_anew_is_refused_as_a_whole(ask: Asking) -> None:
    """Another process has its id, or it was never there."""
    ask.image.brokers[1].epoch = 3
    request = m.AlterPartitionRequest(broker_id=1, broker_epoch=0)
    response, records = alter_partition(ask.image, ask.config, request, 3)
    assert (response.error_code, records) == (ErrorCode.STALE_BROKER_EPOCH, [])


def test_leader_says_that_it_has_recovered(config: BrokerConfig) -> None:
    """After an unclean election; only then may others come into sync."""
    ask = Asking(with_partition(image_of(1, 2), "a", [1, 2], [1], 1, leader_recovery_state=RECOVERING), config)
    assert ask(partition_data(1, 2, leader_recovery_state=RECOVERING)).error_code == ErrorCode.INVALID_REQUEST
    assert ask(partition_data(1, leader_recovery_state=RECOVERING)).leader_recovery_state == RECOVERING
    assert ask(partition_data(1)).leader_recovery_state == 0
    assert not ask.state.is_recovering


def test_isr_that_completes_a_reassignment_drops_the_old_replicas(config: BrokerConfig) -> None:
    """The leader stays if it is one of the new replicas."""
    image = image_of(1, 2, 3, 4)
    with_partition(image, "a", [1, 4, 2], [1, 2], 1, adding_replicas=[4], removing_replicas=[2])
    ask = Asking(image, config)
    answer = ask(partition_data(1, 2, 4))
    assert (answer.error_code, answer.isr, answer.leader_epoch) == (ErrorCode.NONE, [1, 4], 6)
    assert (ask.state.replicas, ask.state.adding, ask.state.removing) == ([1, 4], [], [])


def test_isr_that_completes_a_reassignment_can_end_a_leadership(config: BrokerConfig) -> None:
    """The leader that asked is no replica any more: it is told, and another one leads."""
    image = image_of(1, 2, 3, 4)
    with_partition(image, "a", [4, 2, 1], [1, 2], 1, adding_replicas=[4], removing_replicas=[1])
    ask = Asking(image, config)
    assert ask(partition_data(1, 2, 4)).error_code == ErrorCode.NEW_LEADER_ELECTED
    assert (ask.state.replicas, ask.state.leader, ask.state.leader_epoch) == ([4, 2], 4, 6)
