"""A moment by which something must have happened, and which can be put off."""

from __future__ import annotations

from collections.abc import Callable

from kit.broker.clock import Clock, Timer


class Deadline:
    """Calls ``callback`` once when its moment has come.

    Putting a deadline off, which every heartbeat and every commit does, costs one assignment: the clock's timer stays
    where it is and is set again only when it fires too early. So thousands of commits leave no dead timers behind.
    """

    __slots__ = ("_armed_for_ms", "_callback", "_clock", "_due_ms", "_timer")

    def __init__(self, clock: Clock, callback: Callable[[], None]) -> None:
        self._clock = clock
        self._callback = callback
        self._due_ms = 0.0
        self._armed_for_ms = 0.0
        self._timer: Timer | None = None

    @property
    def is_set(self) -> bool:
        """Whether the callback is still to come."""
        return self._timer is not None

    def set(self, delay_ms: float) -> None:
        """Let the moment be ``delay_ms`` milliseconds from now, whatever it was."""
        self._due_ms = self._clock.monotonic_ms() + delay_ms
        if self._timer is not None and self._due_ms >= self._armed_for_ms:
            return
        self.cancel()
        self._arm(delay_ms)

    def cancel(self) -> None:
        """Call nothing; harmless when there is nothing to call."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, delay_ms: float) -> None:
        self._armed_for_ms = self._due_ms
        self._timer = self._clock.call_later(delay_ms, self._fire)

    def _fire(self) -> None:
        self._timer = None
        remaining_ms = self._due_ms - self._clock.monotonic_ms()
        if remaining_ms > 0:
            self._arm(remaining_ms)
        else:
            self._callback()
