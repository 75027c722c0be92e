"""Brokers that replicate, for the tests of each rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.replicas import Replicas


@pytest.fixture
def make_replicas(tmp_path: Path) -> Iterator[Callable[..., Replicas]]:
    """Start brokers; the arguments are those of `Replicas` without the directory. They are closed at the end."""
    made: list[Replicas] = []

    def make(**options: Any) -> Replicas:
        made.append(Replicas(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def replicas(make_replicas: Callable[..., Replicas]) -> Replicas:
    """Three brokers with one partition: broker 1 leads, all are in sync, two must be."""
    made = make_replicas()
    made.create_topic(1, 2, 3, min_insync_replicas=2)
    return made
