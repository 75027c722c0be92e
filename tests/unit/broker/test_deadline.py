"""Deadlines that are put off and brought forward."""

from __future__ import annotations

from kit.broker.clock import VirtualClock
from kit.broker.deadline import Deadline


def a_deadline():
    """A clock, the moments at which the deadline's callback ran, and the deadline."""
    clock = VirtualClock()
    rung: list[float] = []
    return clock, rung, Deadline(clock, lambda: rung.append(clock.monotonic_ms()))


def test_deadline_put_off_rings_once_at_its_last_moment():
    """However often it is put off, there is one timer, and one call when the last moment has come."""
    clock, rung, deadline = a_deadline()
    for _ in range(1_000):
        deadline.set(100)
        clock.advance(1)
    assert clock.pending() == 1

    clock.advance(1_000)
    assert rung == [1_099]
    assert not deadline.is_set


def test_deadline_brought_forward_rings_early():
    """A shorter delay counts from now."""
    clock, rung, deadline = a_deadline()
    deadline.set(300_000)
    deadline.set(10)
    clock.advance(300_000)

    assert rung == [10]


def test_deadline_cancelled_never_rings():
    """After cancel nothing happens, until it is set again."""
    clock, rung, deadline = a_deadline()
    deadline.cancel()
    deadline.set(10)
    deadline.cancel()
    clock.advance(100)
    assert rung == []

    deadline.set(10)
    clock.advance(10)
    assert rung == [110]
