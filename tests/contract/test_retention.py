"""The start of a log moves: by DeleteRecords, by size and by age."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kafka import KafkaConsumer, TopicPartition

import kit
from kit.wire.errors import ErrorCode
from tests.contract.talk import EARLIEST, LATEST, Talk, batch, now_ms
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
_DAY_MS = 86_400_000


# -- DeleteRecords ---------------------------------------------------------------------------------------------------


def test_deleted_records_are_not_read(talk: Talk, topic: str) -> None:
    """DeleteRecords moves the log start offset: below it is out of range, from it on nothing has changed."""
    talk.write(topic, b"0", b"1", b"2", b"3")

    answer = talk.delete_records(topic, 2)

    assert (answer.error_code, answer.low_watermark) == (0, 2)
    assert talk.offset_at(topic, EARLIEST).offset == 2
    assert talk.fetch(topic, 1).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert talk.values(topic, 2) == [b"2", b"3"]
    assert talk.produce(topic, batch(b"4")).log_start_offset == 2


def test_all_records_are_deleted_up_to_the_high_watermark(talk: Talk, topic: str) -> None:
    """-1 stands for the high watermark; offsets go on from there."""
    talk.write(topic, b"0", b"1")

    assert talk.delete_records(topic, -1).low_watermark == 2
    assert (talk.offset_at(topic, EARLIEST).offset, talk.offset_at(topic, LATEST).offset) == (2, 2)
    assert talk.write(topic, b"2") == 2


def test_log_start_never_moves_back(talk: Talk, topic: str) -> None:
    """Deleting before an offset that is gone already changes nothing."""
    talk.write(topic, b"0", b"1", b"2")
    talk.delete_records(topic, 2)

    assert talk.delete_records(topic, 1).low_watermark == 2
    assert talk.values(topic, 2) == [b"2"]


def test_records_that_are_not_there_cannot_be_deleted(talk: Talk, topic: str) -> None:
    """Beyond the high watermark, in a partition or a topic that does not exist."""
    talk.write(topic, b"0")
    leader = talk.leader(topic)

    assert talk.delete_records(topic, 2).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert talk.delete_records(topic, -2).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert talk.delete_records(topic, 0, partition=9, node_id=leader).error_code == unknown
    assert talk.delete_records("nobody-made-this", 0, node_id=leader).error_code == unknown
    assert talk.values(topic) == [b"0"]


def test_compacted_topic_keeps_its_records(talk: Talk, new_topic: NewTopic) -> None:
    """Where nothing is ever deleted by offset, DeleteRecords is against the policy."""
    topic = new_topic(config={"cleanup.policy": "compact"})
    talk.write(topic, b"x", key=b"key")

    assert talk.delete_records(topic, 1).error_code == ErrorCode.POLICY_VIOLATION


@pytest.mark.brokers(3)
def test_only_the_leader_deletes(talk: Talk, new_topic: NewTopic) -> None:
    """A follower refuses; it follows the leader's log start offset."""
    topic = new_topic(replicas=[[1, 2, 3]])
    talk.write(topic, b"0", b"1")

    assert talk.delete_records(topic, 1, node_id=2).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert talk.delete_records(topic, 1).low_watermark == 1
    wait_until(lambda: talk.fetch(topic, 1, node_id=2).log_start_offset == 1, "the follower to follow")


@pytest.mark.usefixtures("forgotten_sockets")
@pytest.mark.parametrize(("reset", "expected"), [("earliest", b"2"), ("latest", b"new")])
def test_consumer_whose_offset_is_gone_starts_anew(
    cluster: kit.Cluster, talk: Talk, topic: str, reset: str, expected: bytes
) -> None:
    """auto_offset_reset decides where a consumer goes on when its offset was deleted."""
    talk.write(topic, b"0", b"1", b"2")
    talk.delete_records(topic, 2)
    consumer = KafkaConsumer(**cluster.client_settings, auto_offset_reset=reset, enable_auto_commit=False)
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    consumer.seek(place, 0)
    read: list[bytes] = []

    def poll() -> list[bytes]:
        read.extend(record.value for found in consumer.poll(timeout_ms=50).values() for record in found)
        return read

    wait_until(lambda: poll() or consumer.position(place) != 0, "the new position", pause_s=0)
    talk.write(topic, b"new")

    assert wait_until(poll, "a record", pause_s=0)[0] == expected
    consumer.close()


# -- retention -------------------------------------------------------------------------------------------------------


def write_segments(talk: Talk, topic: str, count: int, **options: int) -> None:
    """Write batches of 1000 bytes, each in a segment of its own: segment.ms=1 has passed when the next one comes."""
    for number in range(count):
        before = talk.write(topic, b"%d" % number + b"x" * 1000, **options)
        assert before == number


def test_old_segments_are_deleted_when_a_partition_is_too_large(talk: Talk, new_topic: NewTopic) -> None:
    """retention.bytes: whole segments go, the oldest first, while what stays is still as large."""
    topic = new_topic(config={"segment.ms": "1", "retention.bytes": "5000"})
    write_segments(talk, topic, 12)

    start = wait_until(lambda: talk.offset_at(topic, EARLIEST).offset, "the log start to move", timeout_s=60)

    assert 1 <= start <= 8
    assert talk.fetch(topic, start - 1).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert [each.offset for each in talk.read_all(topic, start)] == list(range(start, 12))
    assert talk.offset_at(topic, LATEST).offset == 12


def test_old_segments_are_deleted_when_their_newest_record_is_too_old(talk: Talk, new_topic: NewTopic) -> None:
    """retention.ms looks at the timestamps of records, not of files; the segment that is written to goes too."""
    topic = new_topic(config={"retention.ms": str(_DAY_MS)})
    talk.write(topic, b"old", timestamp_ms=now_ms() - 2 * _DAY_MS)

    wait_until(lambda: talk.offset_at(topic, EARLIEST).offset == 1, "the old record to go", timeout_s=60)
    assert talk.write(topic, b"young") == 1
    assert talk.values(topic, 1) == [b"young"]


def test_one_young_record_keeps_its_segment(talk: Talk, new_topic: NewTopic) -> None:
    """A segment is as old as its newest record."""
    topic = new_topic(config={"retention.ms": str(_DAY_MS)})
    witness = new_topic(config={"retention.ms": str(_DAY_MS)})
    for name, newest_ms in ((topic, now_ms()), (witness, now_ms() - 2 * _DAY_MS)):
        talk.write(name, b"old", timestamp_ms=now_ms() - 2 * _DAY_MS)
        talk.write(name, b"newest", timestamp_ms=newest_ms)

    wait_until(lambda: talk.offset_at(witness, EARLIEST).offset == 2, "the other topic's records to go", timeout_s=60)
    assert talk.values(topic) == [b"old", b"newest"]
