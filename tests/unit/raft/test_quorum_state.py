"""The file ``quorum-state``: Kafka's format, and what happens when it is gone or damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.broker.raft.quorum_state import ElectionState, QuorumStateFile
from kit.wire.errors import BrokerError, ErrorCode
from tests.unit.raft.harness import QuorumCluster


def file_in(directory: Path) -> QuorumStateFile:
    """The file of a quorum of three."""
    return QuorumStateFile(directory, voters=[1, 2, 3], flush=True)


@pytest.mark.parametrize(
    "state", [ElectionState(4, 2, None), ElectionState(4, None, 3), ElectionState(9, 1, 1), ElectionState()]
)
def test_state_is_read_back(tmp_path: Path, state: ElectionState) -> None:
    """Each with what is not known left out."""
    file_in(tmp_path).save(state)

    assert file_in(tmp_path).load() == state


def test_state_is_in_kafkas_format(tmp_path: Path) -> None:
    """Data version 0, that of a quorum with fixed voters; -1 stands for nobody."""
    file_in(tmp_path).save(ElectionState(4, None, 3))

    assert json.loads((tmp_path / "quorum-state").read_bytes()) == {
        "clusterId": "",
        "leaderId": -1,
        "leaderEpoch": 4,
        "votedId": 3,
        "appliedOffset": 0,
        "currentVoters": [{"voterId": 1}, {"voterId": 2}, {"voterId": 3}],
        "data_version": 0,
    }


def test_missing_file_is_epoch_0(tmp_path: Path) -> None:
    """A new node has neither leader nor vote."""
    assert file_in(tmp_path).load() == ElectionState(0, None, None)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"leaderId": 1}'])
def test_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    """A voter that guesses could vote twice; the text says what to do instead."""
    (tmp_path / "quorum-state").write_text(content)

    with pytest.raises(BrokerError, match="vote twice") as caught:
        file_in(tmp_path).load()

    assert caught.value.code is ErrorCode.KAFKA_STORAGE_ERROR


def test_unwritable_file_is_a_storage_error(tmp_path: Path) -> None:
    """Not an exception that no handler knows."""
    with pytest.raises(BrokerError, match="quorum-state") as caught:
        file_in(tmp_path / "missing").save(ElectionState(1))

    assert caught.value.code is ErrorCode.KAFKA_STORAGE_ERROR


def test_log_of_a_later_epoch_wins_over_a_missing_file(make_quorum: Callable[..., QuorumCluster]) -> None:
    """A voter without its file is at least in the epoch of its last record, and no vote of before is repeated."""
    quorum = make_quorum(voters=1)
    for _ in range(3):
        quorum.start()
        quorum.elect()
        quorum.crash(1)
    (quorum.directory / "node-1" / "__cluster_metadata-0" / "quorum-state").unlink()

    quorum.start()

    assert quorum.replica(1).epoch == 3
    assert quorum.elect().epoch == 4
