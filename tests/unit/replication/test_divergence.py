"""Logs that went different ways, and how a follower comes back to its leader's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.broker.partition import Partition
from kit.broker.storage import Log
from kit.wire.errors import BrokerError, ErrorCode
from tests.support.logs import batch
from tests.support.replicas import PLACE, Replicas

MakeReplicas = Callable[..., Replicas]
BACKOFF_MS = 100
TIMEOUT_MS = 1000


def test_writes_of_an_isolated_leader_are_cut_off(replicas: Replicas) -> None:
    """acks=1 on the minority: accepted, and gone after the network has healed."""
    replicas.write(1, b"a")
    replicas.settle()
    replicas.isolate(1)
    assert replicas.write(1, b"lost", b"too", acks=1) is ErrorCode.NONE
    replicas.change(leader=2, isr=[2, 3])
    assert replicas.write(2, b"b") is ErrorCode.NONE

    replicas.heal()
    replicas.settle(2 * TIMEOUT_MS)

    assert [replicas.log_of(node_id) for node_id in (1, 2, 3)] == [[(0, b"a"), (1, b"b")]] * 3
    assert replicas.kinds("truncated") == [{"node": 1, "offset": 1, "end_offset": 3}]
    assert replicas.isr() == [1, 2, 3]


def test_every_wrong_epoch_is_cut_off_in_turn(replicas: Replicas) -> None:
    """Two brokers that wrote for themselves alone: epochs that the leader has not are compared one by one."""
    replicas.write(1, b"a")
    replicas.settle()
    replicas.isolate(1)
    replicas.write(1, b"x", acks=1)  # epoch 0
    replicas.change(leader=2, isr=[2])
    replicas.settle(0)
    replicas.isolate(2)
    replicas.write(2, b"y", acks=1)  # epoch 1
    replicas.change(leader=3, isr=[3])
    replicas.settle(0)
    replicas.write(3, b"b", acks=1)  # epoch 2

    replicas.heal()
    replicas.settle(3 * TIMEOUT_MS)

    assert [replicas.log_of(node_id) for node_id in (1, 2, 3)] == [[(0, b"a"), (1, b"b")]] * 3
    assert [event["node"] for event in replicas.kinds("truncated")] == [1, 2]


def test_epoch_under_which_nothing_was_written_is_forgotten(replicas: Replicas) -> None:
    """A leader notes its epoch when it is elected; a follower that has noted one too many must not ask for ever."""
    replicas.write(1, b"a")
    replicas.settle()
    replicas.isolate(2)
    replicas.cut -= {(0, 2)}
    replicas.change(leader=2, isr=[2, 3])  # 2 leads, and nobody follows
    replicas.change(leader=3, isr=[2, 3])
    replicas.heal()
    replicas.settle(2 * TIMEOUT_MS)

    assert replicas.write(3, b"b") is ErrorCode.NONE
    assert replicas.log_of(2) == [(0, b"a"), (1, b"b")]
    assert replicas.isr() == [1, 2, 3]


def test_clean_failover_truncates_nothing(replicas: Replicas) -> None:
    """Who is in sync has what was acknowledged."""
    replicas.write(1, b"a")
    replicas.kill(1)
    replicas.change(leader=2, isr=[2, 3])
    assert replicas.write(2, b"b") is ErrorCode.NONE

    replicas.start(1)
    replicas.settle(2 * TIMEOUT_MS)

    assert replicas.log_of(1) == [(0, b"a"), (1, b"b")]
    assert replicas.kinds("truncated") == []


def test_follower_knows_the_high_watermark_after_a_crash(replicas: Replicas) -> None:
    """It is written down every five seconds, and believed up to the end of the log."""
    replicas.write(1, b"a")
    replicas.settle(6000)
    replicas.write(1, b"b")
    replicas.kill(2)
    replicas.cut |= {(1, 2), (2, 1)}

    replicas.start(2)

    assert (replicas.partition(2).high_watermark, replicas.partition(2).log.log_end_offset) == (1, 2)


# -- out of range ----------------------------------------------------------------------------------------------------


def test_follower_behind_the_leaders_log_starts_over(replicas: Replicas) -> None:
    """What it lacks is deleted everywhere else: it goes on where the leader's log begins."""
    replicas.write(1, b"a")
    replicas.kill(3)
    replicas.change(isr=[1, 2])
    for value in (b"b", b"c", b"d"):
        assert replicas.write(1, value) is ErrorCode.NONE
    replicas.partition(1).delete_records(3)

    replicas.start(3)
    replicas.settle(2 * TIMEOUT_MS)

    assert replicas.log_of(3) == [(3, b"d")]
    assert (replicas.partition(3).log.log_start_offset, replicas.isr()) == (3, [1, 2, 3])
    assert replicas.kinds("truncated") == [{"node": 3, "offset": 0, "end_offset": 1}]


def test_follower_ahead_of_an_unclean_leader_is_cut_to_its_end(replicas: Replicas) -> None:
    """Without epochs to compare, because the leader's log is empty."""
    replicas.cut |= {(3, 1), (1, 3)}
    replicas.write(1, b"a", b"b", acks=1)
    replicas.settle()
    replicas.cut.clear()
    replicas.change(leader=3, isr=[3])
    replicas.settle(3 * TIMEOUT_MS)

    assert [replicas.log_of(node_id) for node_id in (1, 2, 3)] == [[]] * 3
    assert sorted(event["node"] for event in replicas.kinds("truncated")) == [1, 2]
    assert replicas.isr() == [1, 2, 3]


def test_high_watermark_goes_back_with_the_records(replicas: Replicas) -> None:
    """After an unclean election; the timeline says so, as it is the loss of what was committed."""
    replicas.write(1, b"a")
    replicas.settle()
    replicas.kill(3)
    replicas.change(isr=[1, 2])
    replicas.write(1, b"b")
    replicas.settle()
    replicas.start(3)
    replicas.cut |= {(3, 1), (1, 3)}
    replicas.change(leader=3, isr=[3])
    replicas.cut.clear()
    replicas.settle(3 * TIMEOUT_MS)

    assert replicas.log_of(2) == [(0, b"a")]
    assert {"node": 2, "previous": 2, "offset": 1} in replicas.kinds("high_watermark_lowered")


def test_leaders_log_that_starts_inside_a_batch(replicas: Replicas) -> None:
    """A new replica gets the whole batch, and the leader's log start offset."""
    replicas.kill(3)
    replicas.change(isr=[1, 2])
    assert replicas.write(1, b"a", b"b", b"c") is ErrorCode.NONE
    replicas.partition(1).delete_records(2)

    replicas.start(3)
    replicas.settle(2 * TIMEOUT_MS)

    assert replicas.log_of(3) == [(2, b"c")]
    assert replicas.isr() == [1, 2, 3]


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_disk_that_refuses_takes_one_partition_offline(
    make_replicas: MakeReplicas, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others go on."""
    replicas = make_replicas(brokers=2)
    replicas.create_topic(1, 2, partitions=2)
    append = Log.append_as_follower

    def refuse(log: Log, batches: memoryview, *, leader_epoch: int | None = None) -> None:
        if log.name.endswith("-0"):
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is full")
        append(log, batches, leader_epoch=leader_epoch)

    monkeypatch.setattr(Log, "append_as_follower", refuse)
    replicas.write(1, b"a", acks=1)
    replicas.partition(1, index=1).append(memoryview(batch([b"z"])), acks=1)
    replicas.settle(500)

    assert replicas.brokers[2].replicas.offline == {PLACE}
    assert replicas.partition(2, index=1).log.log_end_offset == 1
    assert "the disk is full" in caplog.text


def test_replica_that_is_taken_away_is_deleted(replicas: Replicas) -> None:
    """And one that is given to a broker copies everything."""
    replicas.write(1, b"a")
    folder = replicas.partition(3).log.directory

    replicas.change(replicas=[1, 2], isr=[1, 2])
    assert PLACE not in replicas.brokers[3].replicas.partitions
    assert not folder.exists()

    replicas.change(replicas=[1, 2, 3])
    replicas.settle(500)
    assert (replicas.log_of(3), replicas.isr()) == ([(0, b"a")], [1, 2, 3])


def test_follower_copies_only_what_its_leader_wrote_until_then(replicas: Replicas) -> None:
    """Batches of a later epoch may be cut off again before they come (KAFKA-18723)."""
    replicas.write(1, b"a")
    partition: Partition = replicas.partition(2)
    later = batch([b"z"])
    later[0:8] = (1).to_bytes(8, "big")
    later[12:16] = (5).to_bytes(4, "big")

    partition.append_as_follower(bytes(later), leader_epoch=4)
    assert partition.log.log_end_offset == 1
    partition.append_as_follower(bytes(later), leader_epoch=5)
    assert partition.log.log_end_offset == 2
