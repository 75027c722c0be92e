"""Who was last heard of when."""

from kit.broker.clock import VirtualClock
from kit.broker.controller.sessions import BrokerSessions
from tests.support.metadata import image_of


def test_session_ends_by_silence() -> None:
    """After more than the timeout, and once: the caller fences the broker then."""
    clock = VirtualClock()
    sessions = BrokerSessions(clock, 400)
    sessions.touch(1)
    sessions.touch(2)
    clock.advance(400)
    sessions.touch(2)
    assert (sessions.is_alive(1), sessions.stale()) == (True, [])
    clock.advance(1)
    assert (sessions.is_alive(1), sessions.is_alive(2)) == (False, True)
    assert sessions.stale() == [1]
    assert sessions.stale() == []


def test_session_is_over_when_it_is_forgotten() -> None:
    """A broker that has gone is not fenced for its silence, and its id is free."""
    clock = VirtualClock()
    sessions = BrokerSessions(clock, 400)
    sessions.touch(1)
    sessions.forget(1)
    clock.advance(1000)
    assert (sessions.is_alive(1), sessions.stale()) == (False, [])


def test_new_controller_gives_everybody_a_session() -> None:
    """It has heard of nobody yet, and fences nobody for that before the timeout; fenced brokers have to speak first."""
    clock = VirtualClock()
    sessions = BrokerSessions(clock, 400)
    sessions.touch(9)
    clock.advance(399)
    sessions.reset_all(image_of(1, 2, 3, fenced=(3,)))
    clock.advance(400)
    assert [node_id for node_id in (1, 2, 3, 9) if sessions.is_alive(node_id)] == [1, 2]
    clock.advance(1)
    assert sessions.stale() == [1, 2]


def test_hand_over_is_seen_by_all_active_brokers() -> None:
    """Fenced ones, and those that are leaving themselves, are not waited for; the first offset counts."""
    sessions = BrokerSessions(VirtualClock(), 400)
    image = image_of(1, 2, 3, 4, fenced=(3,))
    image.brokers[1].in_controlled_shutdown = image.brokers[4].in_controlled_shutdown = True
    sessions.touch(1, 7)
    assert not sessions.is_handed_over(1, image)
    sessions.begin_shutdown(1, 8)
    sessions.begin_shutdown(1, 20)
    assert not sessions.is_handed_over(1, image)
    sessions.touch(2, 8)
    sessions.touch(2, 5)  # late
    assert sessions.is_handed_over(1, image)


def test_session_lasts_longer_while_links_are_slow_but_not_longer_than_kafkas() -> None:
    """A heartbeat that comes late by the links' delay is in time."""
    clock, slack_ms = VirtualClock(), [1_000.0]
    sessions = BrokerSessions(clock, 400, lambda: slack_ms[0])
    sessions.touch(1)

    clock.advance(1_400)
    assert sessions.stale() == []
    slack_ms[0] = 60_000.0
    clock.advance(9_000 - 1_400)
    assert sessions.stale() == []
    clock.advance(1)
    assert sessions.stale() == [1]
