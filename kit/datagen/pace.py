"""So many records per second, and no flood after a pause."""

from __future__ import annotations

import math
from collections.abc import Callable

# Waking up for every single record would cost more than sending it.
TICK_S = 0.02
# Whoever is behind by more (a paused broker, a sleeping computer) goes on from now instead of making up for it.
MOST_BEHIND_S = 1.0


class Pace:
    """Tells how many records may be sent now.

    Args:
        rate: records per second; None for as fast as it goes.
        now: the time in seconds.
        wait: waits so many seconds; true when sending shall end.
    """

    def __init__(self, rate: float | None, *, now: Callable[[], float], wait: Callable[[float], bool]) -> None:
        self._rate = rate
        self._now = now
        self._wait = wait
        self._begin_s = now()
        self._num_allowed = 0  # since begin_s

    def allowance(self, most: int) -> int:
        """Wait until something may be sent; how many records now, at most ``most``, or 0 when sending shall end."""
        if self._rate is None:
            return 0 if self._wait(0) else most
        while True:
            due = math.floor((self._now() - self._begin_s) * self._rate) + 1 - self._num_allowed
            if due > max(1.0, MOST_BEHIND_S * self._rate):
                self._begin_s, self._num_allowed, due = self._now(), 0, 1
            if due > 0:
                break
            next_s = self._begin_s + self._num_allowed / self._rate
            if self._wait(max(TICK_S, next_s - self._now())):
                return 0
        if self._wait(0):
            return 0
        allowed = min(due, most)
        self._num_allowed += allowed
        return allowed
