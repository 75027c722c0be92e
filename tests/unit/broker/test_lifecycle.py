"""How a broker comes, stays and goes, against a scripted controller."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.lifecycle import HEARTBEAT, REGISTER, BrokerLifecycle, LifecycleState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

INTERVAL_MS = 100


class Script:
    """A broker's lifecycle, and what it has asked the controller."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.asked: list[tuple[int, Any, Deferred[Any]]] = []
        self.metadata_offset = 0
        self.opened = 0
        self.registered: list[int] = []
        registration = m.BrokerRegistrationRequest(broker_id=1, incarnation_id=uuid.UUID(int=1))
        self.lifecycle = BrokerLifecycle(
            registration,
            previous_broker_epoch=4,
            heartbeat_interval_ms=INTERVAL_MS,
            clock=self.clock,
            ask_controller=self.ask,
            metadata_offset=lambda: self.metadata_offset,
            on_registered=self.registered.append,
            on_caught_up=self.open,
        )
        self.lifecycle.start()

    def ask(self, request: Any, api_key: int) -> Deferred[Any]:
        """Note a request."""
        self.asked.append((api_key, request, Deferred()))
        return self.asked[-1][2]

    def open(self) -> None:
        """Note that the partitions were opened."""
        self.opened += 1

    def answer(self, response: Any) -> None:
        """Answer the last request."""
        self.asked[-1][2].resolve(response)

    def run_up(self) -> None:
        """Bring the broker to where it is alive."""
        self.metadata_offset = 8
        self.answer(m.BrokerRegistrationResponse(broker_epoch=7))
        self.answer(m.BrokerHeartbeatResponse(is_caught_up=True, is_fenced=True))
        self.answer(m.BrokerHeartbeatResponse(is_caught_up=True, is_fenced=False))


@pytest.fixture
def script() -> Script:
    """A broker that has just been started."""
    return Script()


def test_registration_names_the_epoch_of_the_last_clean_shutdown(script: Script) -> None:
    """So that the controller knows that nothing was lost (KIP-966)."""
    api_key, request, _ = script.asked[0]

    assert (api_key, request.previous_broker_epoch) == (REGISTER, 4)


def test_broker_waits_until_it_knows_its_registration(script: Script) -> None:
    """Only then is all older metadata known; it asks as soon as that is so, not a heartbeat later."""
    script.metadata_offset = 3
    script.answer(m.BrokerRegistrationResponse(broker_epoch=7))
    assert len(script.asked) == 1

    script.metadata_offset = 8
    script.lifecycle.metadata_changed()

    api_key, request, _ = script.asked[1]
    assert (api_key, request.broker_epoch, request.current_metadata_offset) == (HEARTBEAT, 7, 7)
    assert request.want_fence


def test_each_registration_is_told_before_the_broker_can_be_alive(script: Script) -> None:
    """What happens to it from then on is a matter of that epoch."""
    assert script.registered == []

    script.answer(m.BrokerRegistrationResponse(broker_epoch=7))

    assert script.registered == [7]
    assert all(api_key == REGISTER for api_key, _, _ in script.asked)


def test_partitions_are_opened_before_the_broker_wants_to_be_alive(script: Script) -> None:
    """Opened once, and then it asks at once to be unfenced."""
    script.metadata_offset = 8
    script.answer(m.BrokerRegistrationResponse(broker_epoch=7))
    script.answer(m.BrokerHeartbeatResponse(is_caught_up=True, is_fenced=True))
    assert script.opened == 1
    assert not script.asked[-1][1].want_fence

    script.answer(m.BrokerHeartbeatResponse(is_caught_up=True, is_fenced=False))

    assert script.lifecycle.state is LifecycleState.RUNNING
    assert script.opened == 1


def test_heartbeats_go_on_at_their_interval(script: Script) -> None:
    """One at a time, answered or not."""
    script.run_up()
    count = len(script.asked)

    script.clock.advance(INTERVAL_MS)
    assert len(script.asked) == count + 1
    script.clock.advance(INTERVAL_MS)
    assert len(script.asked) == count + 1  # the last one is still under way
    script.answer(None)
    script.clock.advance(INTERVAL_MS)

    assert len(script.asked) == count + 2


def test_stale_epoch_makes_the_broker_register_again(script: Script) -> None:
    """It is the same process, so it lost nothing; and its partitions stay open."""
    script.run_up()
    script.clock.advance(INTERVAL_MS)

    script.answer(m.BrokerHeartbeatResponse(error_code=ErrorCode.STALE_BROKER_EPOCH))

    api_key, request, _ = script.asked[-1]
    assert (api_key, request.previous_broker_epoch) == (REGISTER, 7)
    assert request.incarnation_id == script.lifecycle.incarnation_id


def test_registration_does_not_wait_when_there_is_a_controller_meanwhile(script: Script) -> None:
    """It had gone to nobody, and then metadata came, so that there is somebody now."""
    script.lifecycle.metadata_changed()
    assert len(script.asked) == 1

    script.answer(None)
    assert [api_key for api_key, _, _ in script.asked] == [REGISTER, REGISTER]
    script.answer(None)

    assert len(script.asked) == 2  # nothing came during the second, so it waits


def test_refusal_is_logged_once(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    """A broker that comes back before its last session has ended asks many times, and is refused for one reason."""
    for _ in range(3):
        script.answer(m.BrokerRegistrationResponse(error_code=ErrorCode.DUPLICATE_BROKER_REGISTRATION))
        script.clock.advance(INTERVAL_MS)
    script.answer(m.BrokerRegistrationResponse(error_code=ErrorCode.INCONSISTENT_CLUSTER_ID))

    assert [record.getMessage() for record in caplog.records] == [
        "broker 1: not registered: DUPLICATE_BROKER_REGISTRATION",
        "broker 1: not registered: INCONSISTENT_CLUSTER_ID",
    ]


def test_refused_registration_is_tried_again(script: Script) -> None:
    """For example while the last incarnation's session lasts."""
    script.answer(m.BrokerRegistrationResponse(error_code=ErrorCode.DUPLICATE_BROKER_REGISTRATION))
    script.clock.advance(INTERVAL_MS)
    assert [api_key for api_key, _, _ in script.asked] == [REGISTER, REGISTER]

    script.answer(None)
    script.clock.advance(INTERVAL_MS)

    assert [api_key for api_key, _, _ in script.asked] == [REGISTER] * 3


def test_stop_waits_until_the_controller_lets_the_broker_go(script: Script) -> None:
    """It asks at once, again at each interval, and is silent afterwards."""
    script.run_up()
    script.clock.advance(INTERVAL_MS)
    script.answer(m.BrokerHeartbeatResponse(is_caught_up=True, is_fenced=False))
    stopped = script.lifecycle.stop()
    assert script.asked[-1][1].want_shut_down

    script.answer(m.BrokerHeartbeatResponse(is_caught_up=True, is_fenced=False))
    assert not stopped.done
    script.clock.advance(INTERVAL_MS)
    script.answer(m.BrokerHeartbeatResponse(is_caught_up=True, should_shut_down=True))

    assert stopped.done
    count = len(script.asked)
    script.clock.advance(10 * INTERVAL_MS)
    assert len(script.asked) == count


def test_stop_of_a_broker_that_never_registered_is_immediate(script: Script) -> None:
    """There is nothing to hand over."""
    assert script.lifecycle.stop().done
