"""Clusters in memory for the tests of what brokers answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.memory_cluster import MemoryCluster


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., MemoryCluster]]:
    """Start a cluster; the arguments are `MemoryCluster`'s without the directory. It is closed at the end."""
    made: list[MemoryCluster] = []

    def make(**options: Any) -> MemoryCluster:
        made.append(MemoryCluster(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def cluster(make_cluster: Callable[..., MemoryCluster]) -> MemoryCluster:
    """One broker with an empty topic "listens" of two partitions."""
    made = make_cluster()
    made.create_topic("listens", 2)
    return made
