"""The partitions on one broker's disk: bounded, and put aside when they belong to nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.broker.raft.metadata_log import FOLDER_NAME
from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import Record
from tests.support.memory_cluster import START_MS, MemoryCluster, batch_of

MakeCluster = Callable[..., MemoryCluster]
MEGABYTE = 1 << 20
BATCH = batch_of(b"x" * 400_000)  # three do not fit into a segment of a megabyte
RETENTION_CHECK_MS = 30_000
DELETE_DELAY_MS = 1000


def folders(cluster: MemoryCluster, node_id: int = 1) -> list[str]:
    """The folders in a broker's log directory; a parked one without the part that makes its name unique."""
    directory = cluster.data_dir / f"broker-{node_id}"
    return sorted(
        path.name if "." not in path.name else path.name.split(".")[0] + "..." + path.name.rpartition("-")[2]
        for path in directory.iterdir()
        if path.is_dir() and path.name != FOLDER_NAME
    )


def disk_bytes(cluster: MemoryCluster) -> int:
    """What all files of the brokers take."""
    return sum(path.stat().st_size for path in cluster.data_dir.rglob("*") if path.is_file())


def fill(cluster: MemoryCluster, topic: str, batches: int, *, partition: int = 0) -> None:
    """Produce batches of 400 kB."""
    for _ in range(batches):
        assert cluster.produce_code(topic, bytes(BATCH), partition=partition) is ErrorCode.NONE
        cluster.clock.advance(0)


def start_offset(cluster: MemoryCluster, topic: str, partition: int = 0) -> int:
    """The log start offset of a partition."""
    return cluster.partition(topic, partition).log.log_start_offset


# -- retention -------------------------------------------------------------------------------------------------------


def test_retention_bytes_holds_as_soon_as_a_segment_is_full(make_cluster: MakeCluster) -> None:
    """A fast producer must not have to wait for the timer."""
    cluster = make_cluster()
    cluster.create_topic("listens", segment_bytes=MEGABYTE, retention_bytes=3 * MEGABYTE)

    fill(cluster, "listens", 40)
    cluster.clock.advance(DELETE_DELAY_MS)

    log = cluster.partition("listens").log
    assert 3 * MEGABYTE <= log.size_bytes < 5 * MEGABYTE
    assert disk_bytes(cluster) < 6 * MEGABYTE
    assert cluster.fetch("listens", 0).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert len(cluster.values("listens", log.log_start_offset)) == 40 - log.log_start_offset


def test_retention_ms_is_looked_at_by_timer(make_cluster: MakeCluster) -> None:
    """Nobody has to produce for records to grow old; the active segment goes too, and offsets go on."""
    cluster = make_cluster()
    cluster.create_topic("listens", segment_bytes=MEGABYTE, retention_ms=60_000)
    fill(cluster, "listens", 5)

    cluster.clock.advance(60_000)
    assert start_offset(cluster, "listens") == 0
    cluster.clock.advance(RETENTION_CHECK_MS)

    assert (start_offset(cluster, "listens"), cluster.values("listens", 5)) == (5, [])
    answer = cluster.produce("listens", batch_of(b"a", timestamp_ms=START_MS + 90_000))
    assert answer is not None
    assert (answer.base_offset, answer.log_start_offset) == (5, 5)


def test_retention_of_a_topic_can_change(make_cluster: MakeCluster) -> None:
    """A new setting holds at the next look, for the records that are there already."""
    cluster = make_cluster()
    cluster.create_topic("listens", segment_bytes=MEGABYTE)
    fill(cluster, "listens", 10)
    change = m.ConfigRecord(resource_type=2, resource_name="listens", name="retention.bytes", value="0")

    cluster.commit(change)
    cluster.clock.advance(RETENTION_CHECK_MS)

    assert start_offset(cluster, "listens") == 10


def test_compacted_topic_is_not_deleted_from(make_cluster: MakeCluster) -> None:
    """Only cleanup.policy=delete lets retention delete."""
    cluster = make_cluster()
    cluster.create_topic("latest", cleanup_policy="compact", segment_bytes=MEGABYTE, retention_bytes=0, retention_ms=0)
    partition = cluster.partition("latest")
    for _ in range(6):
        partition.append_internal(bytearray(BATCH))

    cluster.clock.advance(RETENTION_CHECK_MS)

    assert partition.log.log_start_offset == 0


# -- the bound for a laptop ------------------------------------------------------------------------------------------


def test_total_bytes_bound_the_disk(make_cluster: MakeCluster, caplog: pytest.LogCaptureFixture) -> None:
    """However many partitions a forgotten producer fills: the fullest one gives its oldest segment."""
    cluster = make_cluster(kit_log_total_bytes=8 * MEGABYTE)
    cluster.create_topic("listens", 2, segment_bytes=MEGABYTE)
    cluster.create_topic("plays", segment_bytes=MEGABYTE)
    fill(cluster, "plays", 6)

    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            fill(cluster, "listens", 2)
            fill(cluster, "listens", 1, partition=1)
    cluster.clock.advance(DELETE_DELAY_MS)

    assert disk_bytes(cluster) < 9 * MEGABYTE
    assert "kit.log.total.bytes" in caplog.text
    assert start_offset(cluster, "listens") > 0
    assert start_offset(cluster, "listens", 1) > 0
    assert cluster.values("plays", start_offset(cluster, "plays"))[-1] == b"x" * 400_000


def test_total_bytes_bound_partitions_that_fill_no_segment(make_cluster: MakeCluster) -> None:
    """Many partitions fill a disk before any of them rolls a segment: then the fullest one's active segment goes."""
    cluster = make_cluster(kit_log_total_bytes=4 * MEGABYTE)
    cluster.create_topic("listens", 60)

    for partition in range(60):
        fill(cluster, "listens", 1, partition=partition)
    cluster.clock.advance(DELETE_DELAY_MS)

    assert disk_bytes(cluster) < 21 * MEGABYTE  # it is looked at every 16 MiB
    assert any(start_offset(cluster, "listens", partition) for partition in range(60))


def test_total_bytes_spare_compacted_topics(make_cluster: MakeCluster) -> None:
    """Their records are the only ones of their keys; committed offsets are among them."""
    cluster = make_cluster(kit_log_total_bytes=4 * MEGABYTE)
    cluster.create_topic("latest", cleanup_policy="compact", segment_bytes=MEGABYTE)
    cluster.create_topic("listens", segment_bytes=MEGABYTE)
    for _ in range(8):
        cluster.partition("latest").append_internal(bytearray(BATCH))

    fill(cluster, "listens", 12)

    assert start_offset(cluster, "latest") == 0
    assert cluster.partition("listens").log.size_bytes <= MEGABYTE


def test_total_bytes_refuse_more_for_what_is_never_deleted(make_cluster: MakeCluster) -> None:
    """A compacted topic cannot give anything back, so it takes no more until there is room again."""
    cluster = make_cluster(kit_log_total_bytes=4 * MEGABYTE)
    cluster.create_topic("latest", cleanup_policy="compact", segment_bytes=MEGABYTE)
    keyed = build_batch([Record(0, START_MS, b"key", b"x" * 400_000)])

    codes = []
    for _ in range(16):
        codes.append(cluster.produce_code("latest", bytearray(keyed)))
        cluster.clock.advance(0)

    assert codes[0] is ErrorCode.NONE
    assert codes[-1] is ErrorCode.POLICY_VIOLATION
    assert cluster.partition("latest").log.size_bytes < 6 * MEGABYTE

    cluster.create_topic("listens")
    assert cluster.produce_code("listens", bytes(BATCH)) is ErrorCode.NONE

    cluster.delete_topic("latest")
    cluster.create_topic("latest", cleanup_policy="compact")
    cluster.clock.advance(RETENTION_CHECK_MS)
    assert cluster.produce_code("latest", bytearray(keyed)) is ErrorCode.NONE


def test_total_bytes_can_be_unbounded(make_cluster: MakeCluster) -> None:
    """-1 keeps what retention keeps."""
    cluster = make_cluster(kit_log_total_bytes=-1)
    cluster.create_topic("listens", segment_bytes=MEGABYTE)

    fill(cluster, "listens", 20)

    assert start_offset(cluster, "listens") == 0


# -- folders that belong to nobody -----------------------------------------------------------------------------------


def test_deleted_topic_leaves_the_disk(make_cluster: MakeCluster) -> None:
    """The name is free at once, the space after the delay."""
    cluster = make_cluster()
    cluster.create_topic("listens")
    cluster.produce("listens", batch_of(b"a"))

    cluster.delete_topic("listens")
    cluster.create_topic("listens")

    assert folders(cluster) == ["listens-0", "listens-0...delete"]
    assert cluster.values("listens") == []
    cluster.clock.advance(DELETE_DELAY_MS)
    assert folders(cluster) == ["listens-0"]


def stray(cluster: MemoryCluster, name: str, *, like: str) -> Path:
    """A copy of a partition's folder under another name, as a crash may leave one."""
    directory = cluster.data_dir / "broker-1"
    copy = directory / name
    copy.mkdir()
    for path in (directory / like).iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_stray_folder_is_renamed(cluster: MemoryCluster, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """A topic that was deleted just before the crash: its folder is kept aside and its name is free."""
    cluster.produce("listens", batch_of(b"a"))
    stray(cluster, "gone-0", like="listens-0")
    stray(cluster, "listens-7", like="listens-0")

    getattr(cluster, how)()

    assert folders(cluster) == ["gone-0...stray", "listens-0", "listens-1", "listens-7...stray"]
    assert "gone-0 belongs to no partition of this broker" in caplog.text
    cluster.create_topic("gone")
    assert (cluster.values("gone"), cluster.values("listens")) == ([], [b"a"])


def test_stray_folder_stays_aside(cluster: MemoryCluster) -> None:
    """It is not touched again, and its records are still there for whoever wants to look."""
    cluster.produce("listens", batch_of(b"precious"))
    stray(cluster, "gone-0", like="listens-0")

    for _ in range(3):
        cluster.crash()

    (kept,) = (cluster.data_dir / "broker-1").glob("*-stray")
    assert b"precious" in (kept / "00000000000000000000.log").read_bytes()


def test_folder_of_an_older_topic_of_the_same_name_is_stray(make_cluster: MakeCluster) -> None:
    """The topic id in partition.metadata tells them apart; its old log start offset is forgotten as well."""
    cluster = make_cluster()
    cluster.create_topic("listens")
    cluster.produce("listens", batch_of(b"old", b"older"))
    cluster.partition("listens").delete_records(1)
    directory = cluster.data_dir / "broker-1"
    old = stray(cluster, "kept-aside", like="listens-0")
    offsets = (directory / "log-start-offset-checkpoint").read_bytes()
    cluster.delete_topic("listens")
    cluster.create_topic("listens")
    for path in (directory / "listens-0").iterdir():
        path.unlink()
    (directory / "listens-0").rmdir()
    old.rename(directory / "listens-0")
    (directory / "log-start-offset-checkpoint").write_bytes(offsets)
    cluster.clock.advance(DELETE_DELAY_MS)

    cluster.crash()

    assert folders(cluster) == ["listens-0", "listens-0...stray"]
    assert (start_offset(cluster, "listens"), cluster.values("listens")) == (0, [])


def test_stray_folder_with_the_longest_name(make_cluster: MakeCluster) -> None:
    """A topic's name may have 249 characters, a folder's 255: the unique part replaces the end of the name."""
    cluster = make_cluster()
    name = "x" * 249
    cluster.create_topic(name)
    cluster.create_topic("listens")
    cluster.produce(name, batch_of(b"a"))
    stray(cluster, "y" * 249 + "-0", like=f"{name}-0")

    cluster.crash()

    (kept,) = (cluster.data_dir / "broker-1").glob("*-stray")
    assert len(kept.name) == 255
    assert cluster.values(name) == [b"a"]


# -- a disk that refuses ---------------------------------------------------------------------------------------------


def test_partition_whose_folder_cannot_be_opened_is_offline(
    make_cluster: MakeCluster, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers with a storage error, the others go on, and deleting the topic puts it right."""
    cluster = make_cluster()
    (cluster.data_dir / "broker-1" / "listens-0").write_text("not a folder")

    cluster.create_topic("listens", 2)

    assert cluster.produce_code("listens", batch_of(b"a")) is ErrorCode.KAFKA_STORAGE_ERROR
    assert cluster.fetch("listens", 0).error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert cluster.produce_code("listens", batch_of(b"b"), partition=1) is ErrorCode.NONE
    assert "listens-0 is offline" in caplog.text
    cluster.delete_topic("listens")
    (cluster.data_dir / "broker-1" / "listens-0").unlink()
    cluster.create_topic("listens", 2)
    assert cluster.produce_code("listens", batch_of(b"a")) is ErrorCode.NONE


def test_checkpoints_are_written_by_timer(cluster: MemoryCluster) -> None:
    """After a crash they say how far the logs were."""
    cluster.produce("listens", batch_of(b"a", b"b"))

    cluster.clock.advance(60_000)

    text = (cluster.data_dir / "broker-1" / "replication-offset-checkpoint").read_text()
    assert text == "0\n2\nlistens 0 2\nlistens 1 0\n"
