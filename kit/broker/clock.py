"""The one source of time in the broker.

Rules for the file: nothing here reads the machine's clock (``server.LoopClock`` does that), so everything built on
`Clock` also runs under `VirtualClock`, where a test moves time by hand and timers fire in order.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A callback that is due later."""

    def cancel(self) -> None:
        """Make sure the callback does not run; harmless when it already did."""


class Clock(Protocol):
    """What the broker knows about time."""

    def time_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC: record timestamps, retention. May jump."""

    def monotonic_ms(self) -> float:
        """Milliseconds since an unspecified start, never going back: timeouts."""

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` once, ``delay_ms`` milliseconds from now (0: soon, never at once)."""


class _VirtualTimer:
    __slots__ = ("callback", "due_ms")

    def __init__(self, due_ms: float, callback: Callable[[], None]) -> None:
        self.due_ms = due_ms
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """A clock that stands still until `advance` moves it.

    Args:
        start_ms: what `time_ms` says at first, milliseconds since 1970-01-01 UTC.
    """

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = start_ms
        self._now_ms = 0.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, _VirtualTimer]] = []

    def time_ms(self) -> int:
        """The simulated date and time."""
        return self._start_ms + int(self._now_ms)

    def monotonic_ms(self) -> float:
        """How far `advance` has moved time."""
        return self._now_ms

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` in the call of `advance` that reaches its time."""
        timer = _VirtualTimer(self._now_ms + max(0.0, delay_ms), callback)
        heapq.heappush(self._timers, (timer.due_ms, next(self._order), timer))
        return timer

    def advance(self, delta_ms: float = 0.0) -> None:
        """Move time forward by ``delta_ms``, running each timer at the moment it is due.

        Timers that a callback sets within the span run too; equal due times run in the order they were set.
        """
        until_ms = self._now_ms + delta_ms
        while self._timers and self._timers[0][0] <= until_ms:
            due_ms, _, timer = heapq.heappop(self._timers)
            if timer.callback is None:
                continue
            self._now_ms = max(self._now_ms, due_ms)
            callback, timer.callback = timer.callback, None
            callback()
        self._now_ms = until_ms

    def pending(self) -> int:
        """How many timers are set and not cancelled."""
        return sum(1 for _, _, timer in self._timers if timer.callback is not None)
