"""The log on all nodes: what is committed, delivered, known, thrown away, and kept over crashes."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.raft.config import RaftConfig
from kit.broker.raft.leader import Leader
from kit.broker.raft.metadata_log import MetadataLog
from kit.broker.raft.node import RaftNode
from kit.broker.timeline import Timeline
from kit.wire.errors import BrokerError, ErrorCode
from tests.unit.raft.harness import CLUSTER_ID, LAB, Link, QuorumCluster, fetch_request, record

MakeQuorum = Callable[..., QuorumCluster]


# -- committing and delivering ---------------------------------------------------------------------------------------


def test_only_voter_commits_inside_append(make_quorum: MakeQuorum) -> None:
    """Its listener has the records when `append` returns."""
    quorum = make_quorum(voters=1)
    quorum.start(eager=1)
    quorum.run(1)
    replica = quorum.replica(1)

    offset = replica.append([record(7), record(8)])

    assert (offset, replica.high_watermark, replica.log_end_offset) == (2, 3, 3)
    assert quorum.calls(1)[-1] == ("commit", [7, 8])
    assert replica.committed(offset).value is True


def test_append_from_within_on_leader(make_quorum: MakeQuorum) -> None:
    """A new controller's first act may be a record."""
    quorum = make_quorum()
    quorum.start()
    for node_id, member in quorum.members.items():
        member.listener.on_lead = lambda node_id=node_id: quorum.replica(node_id).append([record(node_id)])

    leader = quorum.elect()
    quorum.run(10)

    assert [quorum.values(node_id) for node_id in (1, 2, 3)] == [[leader.node_id]] * 3


def test_append_from_within_on_commit_is_delivered_after(make_quorum: MakeQuorum) -> None:
    """No listener is called while it is being called."""
    quorum = make_quorum(voters=1)
    quorum.start(eager=1)
    quorum.run(1)
    listener, replica = quorum.members[1].listener, quorum.replica(1)
    deliver = listener.on_commit
    depth: list[int] = []

    def on_commit(records: Any, end_offset: int) -> None:
        assert not depth
        depth.append(1)
        deliver(records, end_offset)
        if len(listener.values) < 3:
            replica.append([record(len(listener.values))])
        depth.pop()

    listener.on_commit = on_commit  # type: ignore[method-assign]
    replica.append([record(0)])

    assert listener.values == [0, 1, 2]


def test_record_is_committed_when_a_majority_has_it(quorum: QuorumCluster) -> None:
    """One follower of two is enough; the other one, and the observer, follow."""
    quorum.cut([2, 4], [1])
    answer = quorum.write(5)
    quorum.run(3)
    assert answer.value is True
    assert [quorum.values(node_id) for node_id in (1, 2, 4)] == [[5], [], []]

    quorum.cuts.clear()
    quorum.run(1500)

    assert [quorum.values(node_id) for node_id in (1, 2, 3, 4)] == [[5]] * 4


def test_commit_takes_two_rounds_to_be_known(quorum: QuorumCluster) -> None:
    """Waiting fetches are answered at once, with the records and then with the high watermark; no timer runs out."""
    quorum.write(5)
    quorum.run(4)

    assert [quorum.values(node_id) for node_id in (1, 2, 3, 4)] == [[5]] * 4


def test_followers_cannot_append(quorum: QuorumCluster) -> None:
    """NOT_CONTROLLER, and nothing is written."""
    for node_id in (2, 4):
        with pytest.raises(BrokerError) as caught:
            quorum.replica(node_id).append([record(1)])
        assert caught.value.code is ErrorCode.NOT_CONTROLLER
        assert quorum.replica(node_id).committed(0).value is False
        assert quorum.replica(node_id).applied_everywhere(0, [1], 1000).value is False


def test_records_of_an_earlier_epoch_are_not_committed_alone(tmp_path: Path) -> None:
    """The Raft paper's figure 8: a majority has an old record, but only one of the new epoch makes it safe."""

    class Observer:
        high_watermark = 0

        def advance(self, high_watermark: int) -> None:
            self.high_watermark = high_watermark

        def majority_fetched(self) -> None: ...
        def replica_progressed(self) -> None: ...
        def announced(self, response: Any) -> None: ...

    clock = VirtualClock()
    log = MetadataLog(tmp_path, clock=clock)
    log.append([record(1)], leader_epoch=1)
    link = Link(QuorumCluster(tmp_path), 1, clock)  # type: ignore[arg-type]
    node = RaftNode(1, (1, 2, 3), CLUSTER_ID, clock, link, random.Random(1), LAB, Timeline(clock))
    observer = Observer()
    leader = Leader(node, log, observer, epoch=3, granting=[1, 2])
    leader.start()

    leader.fetch(fetch_request(2, 3, 1, 1, max_wait_ms=0))
    assert observer.high_watermark == 0
    leader.fetch(fetch_request(2, 3, 2, 3, max_wait_ms=0))
    assert observer.high_watermark == 2


def test_uncommitted_records_of_a_deposed_leader_are_cut_off(quorum: QuorumCluster) -> None:
    """The others never had them; the deposed leader is told that they failed, and takes the others' records."""
    quorum.write(1)
    quorum.run(10)
    quorum.isolate(1)
    lost = [quorum.replica(1).committed(quorum.replica(1).append([record(value)])) for value in (100, 101, 102)]
    quorum.run_until(lambda: any(quorum.replica(node_id).is_leader for node_id in (2, 3)))
    quorum.write(2)
    quorum.run(500)

    quorum.cuts.clear()
    quorum.run(1500)

    assert [answer.value for answer in lost] == [False] * 3
    assert [quorum.values(node_id) for node_id in (1, 2, 3, 4)] == [[1, 2]] * 4
    assert [each.next_producer_id for each in quorum.replica(1).read_all()] == [1, 2]


def test_high_watermark_is_not_believed_before_the_logs_agree(make_quorum: MakeQuorum) -> None:
    """Truncation can take several rounds; a record that goes in the second must not be delivered after the first."""
    quorum = make_quorum()
    logs = {1: (1, 3, 4), 2: (1, 2, 5), 3: (1, 2, 5)}  # the epoch of each record; 3 and 4 are known to node 1 alone
    for node_id, epochs in logs.items():
        log = MetadataLog(quorum.directory / f"node-{node_id}", clock=quorum.clock)
        for offset, epoch in enumerate(epochs):
            log.append([record(offset * 10 + epoch)], leader_epoch=epoch)
        log.close()
    quorum.start()

    assert quorum.elect().node_id in (2, 3)
    quorum.run(500)

    assert [quorum.values(node_id) for node_id in (1, 2, 3)] == [[1, 12, 25]] * 3


# -- restarts --------------------------------------------------------------------------------------------------------


def test_restarted_replica_delivers_everything_again_at_once(quorum: QuorumCluster) -> None:
    """From offset 0, in one call, when the leader has said what is committed."""
    for value in range(50):
        quorum.write(value)
        quorum.run(5)
    for node_id in (3, 4):
        quorum.crash(node_id)
        quorum.start(node_id)
        assert (quorum.replica(node_id).log_end_offset, quorum.replica(node_id).high_watermark) == (51, 0)
        quorum.run(50)
        assert quorum.calls(node_id) == [("commit", list(range(50)))]


def test_whole_cluster_continues_after_a_crash(quorum: QuorumCluster) -> None:
    """Epochs go on from where they were; what was committed is there."""
    quorum.write(1)
    quorum.run(10)
    quorum.crash(1, 2, 3, 4)
    quorum.start(eager=1)

    leader = quorum.elect()
    quorum.write(2)
    quorum.run(20)

    assert (leader.node_id, leader.epoch) == (1, 2)
    assert [quorum.values(node_id) for node_id in (1, 2, 3, 4)] == [[1, 2]] * 4


def test_torn_batch_takes_the_whole_decision_away(make_quorum: MakeQuorum) -> None:
    """The records of one append are there together or not at all."""
    quorum = make_quorum(voters=1)
    quorum.start(eager=1)
    quorum.run(1)
    quorum.replica(1).append([record(1)])
    quorum.replica(1).append([record(2), record(3)])
    quorum.crash(1)
    (path,) = (quorum.directory / "node-1" / "__cluster_metadata-0").glob("*.log")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    quorum.judge.committed.clear()

    quorum.start(eager=1)
    quorum.run(1)

    assert quorum.values(1) == [1]


class PowerLoss:
    """Remembers how much of each file was forced to the disk, instead of doing it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bytes: dict[int, int] = {}
        monkeypatch.setattr(os, "fsync", self._fsync)

    def _fsync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self._bytes[status.st_ino] = status.st_size

    def strike(self, directory: Path) -> None:
        """Take away what was not forced to the disk."""
        for path in [each for each in directory.rglob("*") if each.is_file()]:
            kept_bytes = self._bytes.get(path.stat().st_ino)
            if kept_bytes is None:
                path.unlink()
            else:
                os.truncate(path, kept_bytes)


@pytest.mark.parametrize("flush", [True, False])
def test_power_loss_of_all_nodes(make_quorum: MakeQuorum, monkeypatch: pytest.MonkeyPatch, flush: bool) -> None:
    """With ``flush`` nothing that was committed is lost, and no vote either; without it all is."""
    power = PowerLoss(monkeypatch)
    quorum = make_quorum(config=RaftConfig(election_timeout_ms=200, fetch_timeout_ms=350, flush=flush))
    quorum.start(eager=1)
    quorum.elect()
    answers = [quorum.write(value) for value in range(5)]
    quorum.run(20)
    assert all(answer.value for answer in answers)
    quorum.crash(1, 2, 3)
    for node_id in (1, 2, 3):
        power.strike(quorum.directory / f"node-{node_id}")
    if not flush:
        quorum.judge.committed.clear()
        quorum.judge.leaders.clear()

    quorum.start(eager=2)
    leader = quorum.elect()
    quorum.run(20)

    assert leader.epoch == (2 if flush else 1)
    assert quorum.values(3) == (list(range(5)) if flush else [])
