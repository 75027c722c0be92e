"""The one source of time in the broker.

Rules for the file: nothing here reads the machine's clock (``loop.LoopClock`` does that), so everything built on
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

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` once, soon and never at once, in the order of the calls; it cannot be cancelled."""


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

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` in the next call of `advance`."""
        self.call_later(0, callback)

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

    def next_due_ms(self) -> float | None:
        """How many milliseconds until the next timer is due; None when none is set."""
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] - self._now_ms if self._timers else None


class NodeClock:
    """The time of one node, which can be paused with the node and ends with it.

    Everything that runs in a node runs as a callback of its clock, or by `run`. So a killed node does nothing any
    more, whatever timers it had set, and a paused one does everything late.

    Args:
        clock: the time of the whole cluster.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_stopped = False
        self._held: list[Callable[[], None]] | None = None  # what a paused node has to catch up on

    def time_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return self._clock.time_ms()

    def monotonic_ms(self) -> float:
        """Milliseconds that never go back."""
        return self._clock.monotonic_ms()

    def call_later(self, delay_ms: float, callback: Callable[[], None]) -> Timer:
        """Run ``callback`` once, later; not if the node is killed before, and only after a pause."""
        timer = _NodeTimer(callback)
        timer.inner = self._clock.call_later(delay_ms, lambda: self.run(timer.fire))
        return timer

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` soon, as `call_later` without a delay."""
        self._clock.call_soon(lambda: self.run(callback))

    def run(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` now; after the pause if there is one; never if the node is dead."""
        if self._is_stopped:
            return
        if self._held is not None:
            self._held.append(callback)
        else:
            callback()

    @property
    def is_paused(self) -> bool:
        """Whether callbacks are held back."""
        return self._held is not None

    @property
    def is_stopped(self) -> bool:
        """Whether nothing runs any more."""
        return self._is_stopped

    def pause(self) -> None:
        """Hold all callbacks back until `resume`."""
        if self._held is None:
            self._held = []

    def resume(self) -> None:
        """Run what was held back, in its order, and go on."""
        held, self._held = self._held or [], None
        for callback in held:
            self.run(callback)

    def stop(self) -> None:
        """Let nothing run any more."""
        self._is_stopped = True
        self._held = None


class _NodeTimer:
    __slots__ = ("callback", "inner")

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback
        self.inner: Timer | None = None

    def fire(self) -> None:
        callback, self.callback = self.callback, None
        if callback is not None:
            callback()

    def cancel(self) -> None:
        self.callback = None
        if self.inner is not None:
            self.inner.cancel()
