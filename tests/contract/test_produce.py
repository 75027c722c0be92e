"""Producing: what is taken, what is refused, and what is in the log then."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import HEADER_BYTES, Header, Record, read_header
from tests.contract.talk import Talk, batch, now_ms, random_uuid

NewTopic = Callable[..., str]


def test_offsets_continue_from_batch_to_batch(talk: Talk, topic: str) -> None:
    """The broker numbers the records of a partition from 0 without gaps."""
    answers = [talk.produce(topic, batch(b"a", b"b", b"c")) for _ in range(3)]

    assert [(each.error_code, each.base_offset) for each in answers] == [(0, 0), (0, 3), (0, 6)]
    assert [record.offset for record in talk.read(topic)] == list(range(9))
    assert {(each.log_append_time_ms, each.log_start_offset) for each in answers} == {(-1, 0)}


def test_partitions_have_offsets_of_their_own(talk: Talk, new_topic: NewTopic) -> None:
    """Each partition is a log of its own."""
    topic = new_topic(partitions=2)

    assert [talk.write(topic, b"x", partition=number) for number in (0, 1, 0, 1, 1)] == [0, 0, 1, 1, 2]


def test_record_comes_back_as_it_was_sent(talk: Talk, topic: str) -> None:
    """Key, value, headers and timestamp are kept to the byte; null and empty are not the same."""
    at_ms = now_ms()
    sent = [
        Record(0, at_ms, b"key", b"value", (Header("h", b"1"), Header("h", None))),
        Record(1, at_ms - 5_000, None, b""),
        Record(2, at_ms + 5_000, b"", None),
        Record(3, at_ms, bytes(range(256)), b"\0" * 1000, (Header("ümlaut", b""),)),
    ]

    assert talk.produce(topic, bytes(build_batch(sent))).error_code == ErrorCode.NONE
    assert talk.read(topic) == sent


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_batch_stays_compressed(talk: Talk, topic: str, codec: str) -> None:
    """compression.type=producer keeps the producer's codec."""
    talk.write(topic, b"x" * 500, b"y" * 500, compression=codec)

    data = talk.fetch(topic, 0).records
    assert read_header(bytes(data)).compression == codec
    assert talk.values(topic) == [b"x" * 500, b"y" * 500]


@pytest.mark.parametrize(("setting", "stored"), [("gzip", "gzip"), ("uncompressed", "none")])
def test_topic_may_choose_the_codec(talk: Talk, new_topic: NewTopic, setting: str, stored: str) -> None:
    """With another compression.type the broker compresses again."""
    topic = new_topic(config={"compression.type": setting})
    talk.write(topic, b"x" * 500, compression="zstd")

    assert read_header(bytes(talk.fetch(topic, 0).records)).compression == stored
    assert talk.values(topic) == [b"x" * 500]


def test_batch_in_the_log_has_the_leaders_epoch(talk: Talk, topic: str) -> None:
    """The leader writes its epoch into each batch, over whatever the producer wrote there."""
    talk.write(topic, b"x", leader_epoch=5)

    assert read_header(bytes(talk.fetch(topic, 0).records)).partition_leader_epoch == 0


@pytest.mark.parametrize("acks", [1, -1])
def test_acknowledgement_says_where_the_records_are(talk: Talk, topic: str, acks: int) -> None:
    """acks=1 when the leader has them, acks=-1 when all in-sync replicas have."""
    answer = talk.produce(topic, batch(b"x"), acks=acks)

    assert (answer.error_code, answer.base_offset) == (0, 0)


def test_acks_0_is_not_answered(talk: Talk, topic: str) -> None:
    """The next answer on the connection belongs to the next request; the record is there."""
    with talk.connect(talk.leader(topic)) as client:
        client.send_bytes(_frame(talk, topic, acks=0))
        answer = client.ask(talk.produce_request(topic, batch(b"acknowledged"), acks=-1), 12)

    assert answer.responses[0].partition_responses[0].base_offset == 1
    assert talk.values(topic) == [b"not acknowledged", b"acknowledged"]


def test_acks_0_that_fails_closes_the_connection(talk: Talk, topic: str) -> None:
    """There is no answer that could tell it."""
    with talk.connect(talk.leader(topic)) as client:
        client.send_bytes(_frame(talk, topic, acks=0, partition=99))
        with pytest.raises(Exception, match="closed"):
            client.receive_frame()


def _frame(talk: Talk, topic: str, **options: int) -> bytes:
    from kit.wire import codec

    return codec.encode_request(0, 12, 1, "x", talk.produce_request(topic, batch(b"not acknowledged"), **options))


# -- refusals --------------------------------------------------------------------------------------------------------


def damaged(position: int) -> bytes:
    """A batch with one bit changed."""
    data = bytearray(batch(b"some value"))
    data[position] ^= 1
    return bytes(data)


def with_magic(magic: int) -> bytes:
    """A batch that claims to be of another format."""
    data = bytearray(batch(b"x"))
    data[16] = magic
    return bytes(data)


UNSOUND = {
    "damaged record": (damaged(HEADER_BYTES + 5), ErrorCode.CORRUPT_MESSAGE),
    "damaged checksum": (damaged(17), ErrorCode.CORRUPT_MESSAGE),
    "damaged header": (damaged(30), ErrorCode.CORRUPT_MESSAGE),
    "unknown format": (with_magic(3), ErrorCode.CORRUPT_MESSAGE),
    "format before v2": (with_magic(1), ErrorCode.INVALID_RECORD),
    "two batches": (batch(b"x") + batch(b"y"), ErrorCode.INVALID_RECORD),
    "cut off": (batch(b"x")[:-3], ErrorCode.INVALID_RECORD),
    "cut off in its header": (batch(b"x")[:30], ErrorCode.INVALID_RECORD),
    "one byte": (b"\0", ErrorCode.INVALID_RECORD),
    "no batch": (b"", ErrorCode.INVALID_RECORD),
    "offset of its own": (batch(b"x", base_offset=77), ErrorCode.INVALID_RECORD),
    "control batch": (
        batch(b"x", is_control=True, producer_id=1, producer_epoch=0, base_sequence=0),
        ErrorCode.INVALID_RECORD,
    ),
    "too large": (batch(b"x" * 1_100_000), ErrorCode.MESSAGE_TOO_LARGE),
}


@pytest.mark.parametrize(("data", "code"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_batch_is_refused(talk: Talk, topic: str, data: bytes, code: ErrorCode) -> None:
    """Nothing of it reaches the log."""
    answer = talk.produce(topic, data)

    assert (ErrorCode(answer.error_code), answer.base_offset) == (code, -1)
    assert talk.values(topic) == []


def test_size_of_a_batch_counts_as_it_is_compressed(talk: Talk, topic: str) -> None:
    """max.message.bytes is about the batch in the log, not about what it holds."""
    assert talk.produce(topic, batch(b"x" * 3_000_000, compression="gzip")).error_code == ErrorCode.NONE


def test_compacted_topic_demands_keys(talk: Talk, new_topic: NewTopic) -> None:
    """A record without a key could never be compacted; the answer says which records are to blame."""
    topic = new_topic(config={"cleanup.policy": "compact"})
    refused = talk.produce(topic, batch(b"no key"))

    assert refused.error_code == ErrorCode.INVALID_RECORD
    assert [each.batch_index for each in refused.record_errors] == [0]
    assert talk.produce(topic, batch(b"x", key=b"key")).error_code == ErrorCode.NONE


def test_unknown_places_are_refused_one_by_one(talk: Talk, new_topic: NewTopic) -> None:
    """Each partition of a request has its own answer."""
    topic = new_topic(partitions=1)
    request = m.ProduceRequest
    topics = [
        request.TopicProduceData(
            name=name,
            partition_data=[request.PartitionProduceData(index=index, records=batch(b"x")) for index in indexes],
        )
        for name, indexes in ((topic, (0, 1)), ("nobody-made-this", (0,)))
    ]

    answer = talk.ask(request(acks=-1, timeout_ms=30_000, topic_data=topics), talk.leader(topic), 12)

    found = {(each.name, p.index): p.error_code for each in answer.responses for p in each.partition_responses}
    assert found == {
        (topic, 0): ErrorCode.NONE,
        (topic, 1): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ("nobody-made-this", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    }


def test_topic_is_named_by_its_id(talk: Talk, topic: str) -> None:
    """From version 13 on Produce has ids instead of names (KIP-516); an unknown one has its own error code."""
    request = m.ProduceRequest

    def produce(topic_id: object) -> int:
        place = request.PartitionProduceData(index=0, records=batch(b"x"))
        wanted = request.TopicProduceData(topic_id=topic_id, partition_data=[place])
        answer = talk.ask(request(acks=-1, timeout_ms=30_000, topic_data=[wanted]), talk.leader(topic), 13)
        return int(answer.responses[0].partition_responses[0].error_code)

    assert produce(talk.topic(topic).topic_id) == ErrorCode.NONE
    assert produce(random_uuid()) == ErrorCode.UNKNOWN_TOPIC_ID


@pytest.mark.brokers(3)
def test_only_the_leader_takes_records(talk: Talk, new_topic: NewTopic) -> None:
    """A follower refuses, and names the leader and its address (KIP-951)."""
    topic = new_topic(replicas=[[2, 3, 1]])
    request = talk.produce_request(topic, batch(b"x"))

    answer = talk.ask(request, 3, 12)

    refused = answer.responses[0].partition_responses[0]
    assert refused.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert (refused.current_leader.leader_id, refused.current_leader.leader_epoch) == (2, 0)
    assert [each.node_id for each in answer.node_endpoints] == [2]
    assert talk.values(topic) == []
