"""The time that a whole submission has: one clock for all its kernels and runs, which stops while nobody waits for it.

What the harness does in between (starting a cluster, playing a run again that hung through nobody's fault) is not the
student's time.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class Deadline:
    """When a submission's time is up.

    Args:
        total_s: seconds from now on.

    Attributes:
        total_s: as given, for sentences.
    """

    def __init__(self, total_s: float) -> None:
        self.total_s = total_s
        self._end_s = time.monotonic() + total_s

    @property
    def end_s(self) -> float:
        """When it is, by `time.monotonic`; later than it was when time has been given back."""
        return self._end_s

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end_s

    def give_back(self, seconds: float) -> None:
        """Let time not count that somebody else needed."""
        self._end_s += seconds

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Let the time inside not count. Only for when no kernel of the submission is asked anything."""
        began_s = time.monotonic()
        try:
            yield
        finally:
            self.give_back(time.monotonic() - began_s)
