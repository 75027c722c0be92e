"""Timestamps, and finding offsets by them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import Record, read_header
from tests.contract.talk import EARLIEST, LATEST, MAX_TIMESTAMP, Talk, now_ms

NewTopic = Callable[..., str]
_HOUR_MS = 3_600_000
_LOG_APPEND_TIME = 0x08  # a bit of a batch's attributes


def stamped(*timestamps_ms: int, **options: object) -> bytes:
    """A batch of records with these timestamps."""
    records = [Record(0, at_ms, None, b"%d" % index) for index, at_ms in enumerate(timestamps_ms)]
    return bytes(build_batch(records, **options))  # type: ignore[arg-type]


def test_create_time_is_the_producers(talk: Talk, topic: str) -> None:
    """The producer's timestamps are stored, also when they do not rise with the offsets; the answer has none."""
    stamps_ms = [now_ms() - 5_000, now_ms() - 9_000, now_ms() - 1_000]

    assert talk.produce(topic, stamped(*stamps_ms)).log_append_time_ms == -1
    assert [each.timestamp_ms for each in talk.read(topic)] == stamps_ms


def test_log_append_time_is_the_brokers(talk: Talk, new_topic: NewTopic) -> None:
    """message.timestamp.type=LogAppendTime: every record of a batch has the broker's time, which the answer tells."""
    topic = new_topic(config={"message.timestamp.type": "LogAppendTime"})
    answer = talk.produce(topic, stamped(1_000, 2_000))

    assert answer.error_code == ErrorCode.NONE
    assert abs(answer.log_append_time_ms - now_ms()) < _HOUR_MS
    assert {each.timestamp_ms for each in talk.read(topic)} == {answer.log_append_time_ms}
    assert read_header(bytes(talk.fetch(topic, 0).records)).attributes & _LOG_APPEND_TIME


def test_record_without_a_timestamp_is_taken(talk: Talk, topic: str) -> None:
    """-1 is no timestamp; it is kept."""
    assert talk.produce(topic, stamped(-1)).error_code == ErrorCode.NONE
    assert [each.timestamp_ms for each in talk.read(topic)] == [-1]


def test_timestamp_too_far_in_the_future_is_refused(talk: Talk, topic: str) -> None:
    """message.timestamp.after.max.ms is an hour by default: a wrong clock would keep segments for ever."""
    answer = talk.produce(topic, stamped(now_ms(), now_ms() + 2 * _HOUR_MS))

    assert answer.error_code == ErrorCode.INVALID_TIMESTAMP
    assert talk.values(topic) == []
    assert talk.produce(topic, stamped(now_ms() + _HOUR_MS // 2)).error_code == ErrorCode.NONE


def test_timestamp_too_far_in_the_past_is_refused(talk: Talk, new_topic: NewTopic) -> None:
    """message.timestamp.before.max.ms has no limit by default, and refuses when it has one."""
    topic = new_topic(config={"message.timestamp.before.max.ms": str(_HOUR_MS)})

    assert talk.produce(topic, stamped(now_ms() - 2 * _HOUR_MS)).error_code == ErrorCode.INVALID_TIMESTAMP
    assert talk.produce(topic, stamped(now_ms() - _HOUR_MS // 2)).error_code == ErrorCode.NONE


# -- ListOffsets -----------------------------------------------------------------------------------------------------


def test_start_and_end_of_a_partition(talk: Talk, topic: str) -> None:
    """-2 asks for the first offset, -1 for the one after the last."""
    assert [talk.offset_at(topic, which).offset for which in (EARLIEST, LATEST)] == [0, 0]
    talk.write(topic, b"a", b"b", b"c")
    assert [talk.offset_at(topic, which).offset for which in (EARLIEST, LATEST)] == [0, 3]
    assert talk.offset_at(topic, LATEST).leader_epoch == 0


def test_offset_by_time_is_the_first_not_older(talk: Talk, topic: str) -> None:
    """The first record, in the order of offsets, whose timestamp is at least the one asked for."""
    start_ms = now_ms() - 100_000
    talk.produce(topic, stamped(start_ms, start_ms + 10, start_ms + 20))
    talk.produce(topic, stamped(start_ms + 5, start_ms + 30))

    def found(at_ms: int) -> tuple[int, int]:
        answer = talk.offset_at(topic, start_ms + at_ms)
        return answer.offset, answer.timestamp - start_ms if answer.timestamp >= 0 else -1

    assert [found(at_ms) for at_ms in (-1_000, 0, 1, 15, 20, 21, 30)] == [
        (0, 0), (0, 0), (1, 10), (2, 20), (2, 20), (4, 30), (4, 30),
    ]  # fmt: skip
    assert found(31) == (-1, -1)


@pytest.mark.parametrize("codec", ["none", "gzip"])
def test_newest_timestamp_is_found_wherever_it_is(talk: Talk, topic: str, codec: str) -> None:
    """-3 asks for the record with the largest timestamp (KIP-734), the first of equals."""
    start_ms = now_ms() - 100_000
    talk.produce(topic, stamped(start_ms, start_ms + 50, start_ms + 50, compression=codec))
    talk.produce(topic, stamped(start_ms + 20, compression=codec))

    answer = talk.offset_at(topic, MAX_TIMESTAMP)

    assert (answer.error_code, answer.offset, answer.timestamp) == (0, 1, start_ms + 50)


def test_empty_partition_has_no_newest_timestamp(talk: Talk, topic: str) -> None:
    """Nothing is found, and that is no error."""
    for which in (MAX_TIMESTAMP, now_ms()):
        answer = talk.offset_at(topic, which)
        assert (answer.error_code, answer.offset, answer.timestamp) == (0, -1, -1)


def test_local_start_is_the_start_without_tiered_storage(talk: Talk, topic: str) -> None:
    """-4 asks for the first offset on the broker's own disk (KIP-405), -5 for the last that is elsewhere."""
    talk.write(topic, b"a")

    assert talk.offset_at(topic, -4).offset == 0
    assert talk.offset_at(topic, -5).offset == -1


def test_offsets_of_unknown_places_are_refused(talk: Talk, topic: str) -> None:
    """A partition or topic that does not exist."""
    leader = talk.leader(topic)

    for name, partition in ((topic, 9), ("nobody-made-this", 0)):
        answer = talk.offset_at(name, LATEST, partition=partition, node_id=leader)
        assert answer.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_end_of_an_epoch(talk: Talk, topic: str) -> None:
    """OffsetForLeaderEpoch (KIP-101): the current epoch ends at the end of the log; a future one is not known."""
    talk.write(topic, b"a", b"b")

    now, future = talk.end_of_epoch(topic, 0), talk.end_of_epoch(topic, 3)

    assert (now.error_code, now.leader_epoch, now.end_offset) == (0, 0, 2)
    assert (future.error_code, future.leader_epoch, future.end_offset) == (0, -1, -1)


def test_batch_keeps_the_largest_timestamp_in_its_header(talk: Talk, topic: str) -> None:
    """What is searched by time is the batch's header."""
    start_ms = now_ms() - 1_000
    talk.produce(topic, stamped(start_ms, start_ms + 7, start_ms + 3))

    header = read_header(bytes(talk.fetch(topic, 0).records))
    assert (header.base_timestamp, header.max_timestamp) == (start_ms, start_ms + 7)
