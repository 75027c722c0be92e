"""What holds for every unit test."""

from __future__ import annotations

import threading

import pytest


@pytest.fixture(scope="module", autouse=True)
def _no_client_is_left() -> None:
    """Fail when an earlier test's client still runs in a thread.

    Its random choices would change what Hypothesis draws, and so make any other test fail by chance.
    """
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("kafka")]
    assert not left, f"an earlier test left clients behind: {left}"
