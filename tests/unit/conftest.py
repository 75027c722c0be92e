"""What holds for every unit test."""

from __future__ import annotations

import random
import sys

import pytest


@pytest.fixture(scope="module", autouse=True)
def _chance_of_clients_is_their_own() -> None:
    """Give kafka-python a source of chance of its own.

    It leaves the thread of a client running that never found a broker. What that draws from Python's common source
    would change what Hypothesis draws, and make any test fail by chance.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("kafka.") and getattr(module, "random", None) is random:
            module.random = random.Random()  # type: ignore[attr-defined]
