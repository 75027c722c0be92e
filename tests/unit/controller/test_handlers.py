"""The handlers around the decisions: when they answer, and what they remember."""

from __future__ import annotations

import uuid
from typing import Any, cast

import pytest

from kit.broker import handlers
from kit.broker.broker import Peer, RequestContext
from kit.broker.clock import VirtualClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.sessions import BrokerSessions
from kit.broker.deferred import Deferred
from kit.broker.metadata import MetadataImage
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.metadata import apply_all, image_of, with_partition

ELECT, REASSIGN, LIST, ALTER_PARTITION, REGISTER, HEARTBEAT = 43, 45, 46, 56, 62, 63
TIMEOUT_MS = 400


class ControllerWithoutLog:
    """What handlers see of the active controller; the test decides when records are committed."""

    def __init__(self, image: MetadataImage) -> None:
        self.image = image
        self.config = BrokerConfig({}, num_brokers=3)
        self.clock = VirtualClock()
        self.cluster_id = "kit"
        self.next_offset = 100
        self.sessions = BrokerSessions(self.clock, TIMEOUT_MS)
        self.commits: list[Deferred[bool]] = []
        self.waits_for_all_brokers = False

    def commit(self, records: list[Any], *, everywhere: bool = False) -> Deferred[bool]:
        """Apply at once, as the controller does, and let the test say when a majority has the records."""
        self.waits_for_all_brokers = everywhere
        apply_all(self.image, records)
        self.next_offset += len(records)
        self.commits.append(Deferred())
        return self.commits[-1]

    def ask(self, api_key: int, request: Any, *, api_version: int | None = None) -> Deferred[Any]:
        """What a handler answers."""
        handler = handlers.load_all()[api_key]
        version = handler.max_version if api_version is None else api_version
        context = RequestContext(api_key, version, 0, None, Peer("127.0.0.1", 0))
        return cast("Deferred[Any]", handler.function(self, request, context))

    def answer(self, api_key: int, request: Any) -> Any:
        """What it answers when everything is committed at once."""
        answer = self.ask(api_key, request)
        self.commits[-1].resolve(True)
        return answer.value


@pytest.fixture
def controller() -> ControllerWithoutLog:
    """Brokers 1 to 3, of which 1 leads a-0 though 2 is preferred."""
    return ControllerWithoutLog(with_partition(image_of(1, 2, 3), "a", [2, 1, 3], [1, 2, 3], 1))


def registration(**fields: Any) -> m.BrokerRegistrationRequest:
    """Broker 1 of the cluster "kit"."""
    at = m.BrokerRegistrationRequest.Listener(name="PLAINTEXT", host="127.0.0.1", port=9092)
    return m.BrokerRegistrationRequest(broker_id=1, cluster_id="kit", listeners=[at], **fields)


REQUESTS = {
    ELECT: m.ElectLeadersRequest(topic_partitions=[m.ElectLeadersRequest.TopicPartitions(topic="a", partitions=[0])]),
    REASSIGN: m.AlterPartitionReassignmentsRequest(),
    LIST: m.ListPartitionReassignmentsRequest(),
    ALTER_PARTITION: m.AlterPartitionRequest(broker_id=1, broker_epoch=0),
    REGISTER: registration(),
    HEARTBEAT: m.BrokerHeartbeatRequest(broker_id=1, broker_epoch=0),
}


@pytest.mark.parametrize("api_key", REQUESTS)
def test_answer_waits_for_the_majority(controller: ControllerWithoutLog, api_key: int) -> None:
    """Also when it has no records: it was judged on what may not be committed yet."""
    answer = controller.ask(api_key, REQUESTS[api_key])
    assert not answer.done
    controller.commits[-1].resolve(True)
    assert answer.value.error_code == ErrorCode.NONE
    codec.encode_response(api_key, handlers.load_all()[api_key].max_version, 0, answer.value)


@pytest.mark.parametrize("api_key", REQUESTS)
def test_without_majority_there_is_no_answer(controller: ControllerWithoutLog, api_key: int) -> None:
    """The node is the active controller no more; whoever asked finds the new one and asks again."""
    answer = controller.ask(api_key, REQUESTS[api_key])
    controller.commits[-1].resolve(False)
    assert answer.value is None


@pytest.mark.parametrize("api_key", [ELECT, REASSIGN])
def test_answer_to_an_administrator_waits_for_the_brokers(controller: ControllerWithoutLog, api_key: int) -> None:
    """What was changed can be seen at every broker then."""
    controller.ask(api_key, REQUESTS[api_key])
    assert controller.waits_for_all_brokers


def test_internal_apis_are_between_nodes_only() -> None:
    """Nobody forges an ISR or a heartbeat from a notebook; administrators' APIs are open."""
    served = handlers.load_all()
    assert [served[key].internal for key in REQUESTS] == [False, False, False, True, True, True]
    assert {served[key].role for key in REQUESTS} == {"controller"}


def test_heartbeats_keep_a_session(controller: ControllerWithoutLog) -> None:
    """Only those with the epoch of the registration count."""
    controller.answer(HEARTBEAT, REQUESTS[HEARTBEAT])
    controller.clock.advance(TIMEOUT_MS)
    controller.answer(HEARTBEAT, m.BrokerHeartbeatRequest(broker_id=1, broker_epoch=7))
    controller.clock.advance(1)
    assert controller.sessions.stale() == [1]


def test_registration_waits_for_the_end_of_the_last_session(controller: ControllerWithoutLog) -> None:
    """A broker that was killed and comes back at once asks until its old session is over, then it is taken in."""
    controller.answer(HEARTBEAT, REQUESTS[HEARTBEAT])
    again = registration(incarnation_id=uuid.UUID(int=7))
    assert controller.answer(REGISTER, again).error_code == ErrorCode.DUPLICATE_BROKER_REGISTRATION
    controller.clock.advance(TIMEOUT_MS + 1)
    assert controller.answer(REGISTER, again).broker_epoch == 101
    assert controller.sessions.stale() == []


def test_broker_that_stopped_may_come_back_at_once(controller: ControllerWithoutLog) -> None:
    """Its session ends with the permission to go."""
    asks = m.BrokerHeartbeatRequest(broker_id=1, broker_epoch=0, current_metadata_offset=99, want_shut_down=True)
    assert not controller.answer(HEARTBEAT, asks).should_shut_down
    last = controller.next_offset - 1
    for other in (2, 3):
        beat = m.BrokerHeartbeatRequest(broker_id=other, broker_epoch=0, current_metadata_offset=last)
        controller.answer(HEARTBEAT, beat)
    assert controller.answer(HEARTBEAT, asks).should_shut_down
    again = registration(incarnation_id=uuid.UUID(int=7), previous_broker_epoch=0)
    assert controller.answer(REGISTER, again).error_code == ErrorCode.NONE
