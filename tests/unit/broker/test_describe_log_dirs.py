"""DescribeLogDirs: what each partition takes on a broker's disk."""

from __future__ import annotations

from pathlib import Path

from kit.wire import messages as m
from tests.support.memory_cluster import MemoryCluster, batch_of

DESCRIBE_LOG_DIRS = 35


def test_log_dirs_have_the_partitions_of_this_broker_with_their_sizes(tmp_path: Path) -> None:
    """A partition's size is that of its batches; other brokers' partitions are not listed."""
    cluster = MemoryCluster(tmp_path, brokers=2)
    cluster.create_topic("songs", 2)
    batch = batch_of(b"one", b"two")
    size_bytes = len(batch)
    cluster.produce("songs", batch)

    (result,) = cluster.send(1, DESCRIBE_LOG_DIRS, 5, m.DescribeLogDirsRequest(topics=None)).results

    (topic,) = result.topics
    assert result.log_dir == str(tmp_path / "broker-1")
    assert result.total_bytes >= result.usable_bytes > 0
    assert [(each.partition_index, each.partition_size) for each in topic.partitions] == [(0, size_bytes)]


def test_log_dirs_leave_out_what_is_not_here(tmp_path: Path) -> None:
    """Asked for by name, unknown topics and partitions of other brokers are simply absent."""
    cluster = MemoryCluster(tmp_path, brokers=2)
    cluster.create_topic("songs", 2)
    asked = [
        m.DescribableLogDirTopic(topic="songs", partitions=[0, 1, 9]),
        m.DescribableLogDirTopic(topic="nothing", partitions=[0]),
    ]

    (result,) = cluster.send(2, DESCRIBE_LOG_DIRS, 1, m.DescribeLogDirsRequest(topics=asked)).results

    assert [(topic.name, [each.partition_index for each in topic.partitions]) for topic in result.topics] == [
        ("songs", [1])
    ]
