"""Quorums for the tests of Raft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.raft.harness import QuorumCluster


@pytest.fixture
def make_quorum(tmp_path: Path) -> Iterator[Callable[..., QuorumCluster]]:
    """Make a quorum, not started; the arguments are `QuorumCluster`'s without the directory. Closed at the end."""
    made: list[QuorumCluster] = []

    def make(**options: Any) -> QuorumCluster:
        made.append(QuorumCluster(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()
        assert each.judge.wrong == []


@pytest.fixture
def quorum(make_quorum: Callable[..., QuorumCluster]) -> QuorumCluster:
    """Three voters, of which 1 leads, and an observer; all messages go through the codec."""
    made = make_quorum(observers=1, codec_too=True)
    made.start(eager=1)
    assert made.elect().node_id == 1
    return made
