"""Wait for a condition instead of sleeping for a guess."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, *, timeout_s: float = 30.0, pause_s: float = 0.02) -> T:
    """Ask until the answer is true, and return it.

    Args:
        condition: asked again and again; what it raises comes through.
        what: ends the sentence "waited N s for ..." when the deadline passes.
        timeout_s: far above what a healthy system needs: only a failure ever reaches it.
        pause_s: between two questions; 0 when the question itself takes time.

    Raises:
        AssertionError: the deadline passed.
    """
    deadline_s = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"waited {timeout_s:g} s for {what}; the last answer was {answer!r}")
        if pause_s:
            threading.Event().wait(pause_s)
    return answer
