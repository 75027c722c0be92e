"""What a broker appends, what it refuses, and how it says so."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.broker.auto_topics import ensure_internal_topic
from kit.broker.broker import InvalidRequest
from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import HEADER_BYTES, Record, read_header, read_records
from tests.support.memory_cluster import ALL_BYTES, PRODUCE, START_MS, MemoryCluster, batch_of

MakeCluster = Callable[..., MemoryCluster]
HOUR_MS = 3_600_000
NOT_APPENDED = -1
CRC_POSITION, CRC_START = 17, 21


def changed(batch: bytearray, position: int, layout: str, value: int) -> bytearray:
    """The batch with another value in one place, and with the CRC that fits it."""
    struct.pack_into(layout, batch, position, value)
    struct.pack_into(">I", batch, CRC_POSITION, crc32c(memoryview(batch)[CRC_START:]))
    return batch


def keyed(*keys: bytes | None) -> bytearray:
    """A batch of records with these keys."""
    return build_batch([Record(0, START_MS, key, b"v") for key in keys])


@pytest.mark.parametrize("version", range(3, 14))
@pytest.mark.parametrize("acks", [1, -1])
def test_produce_answers_with_the_base_offset(cluster: MemoryCluster, version: int, acks: int) -> None:
    """Every version tells where the batch begins in the log."""
    cluster.produce("listens", batch_of(b"a", b"b"), acks=acks, version=version)
    answer = cluster.produce("listens", batch_of(b"c"), acks=acks, version=version)

    assert answer == m.PartitionProduceResponse(
        index=0, error_code=0, base_offset=2, log_append_time_ms=-1, log_start_offset=0 if version >= 5 else -1
    )
    assert cluster.values("listens") == [b"a", b"b", b"c"]


def test_produce_serves_several_partitions_at_once(cluster: MemoryCluster) -> None:
    """One partition's error is no obstacle to the others."""
    request = m.ProduceRequest(
        acks=1,
        topic_data=[
            m.TopicProduceData(
                name="listens",
                partition_data=[
                    m.PartitionProduceData(index=0, records=batch_of(b"a")),
                    m.PartitionProduceData(index=7, records=batch_of(b"b")),
                    m.PartitionProduceData(index=1, records=batch_of(b"c")),
                ],
            )
        ],
    )

    (topic,) = cluster.send(1, PRODUCE, 9, request).responses

    assert [(each.index, each.error_code) for each in topic.partition_responses] == [
        (0, ErrorCode.NONE),
        (7, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (1, ErrorCode.NONE),
    ]
    assert (cluster.values("listens"), cluster.values("listens", partition=1)) == ([b"a"], [b"c"])


# -- acks ------------------------------------------------------------------------------------------------------------


def test_produce_acks_0_gets_no_answer(cluster: MemoryCluster) -> None:
    """The records are there, and nobody says so."""
    assert cluster.produce("listens", batch_of(b"a"), acks=0) is None
    assert cluster.values("listens") == [b"a"]


@pytest.mark.parametrize("topic", ["listens", "no-such-topic"])
def test_produce_acks_0_closes_the_connection_on_an_error(cluster: MemoryCluster, topic: str) -> None:
    """There is no other way to tell the producer."""
    with pytest.raises(InvalidRequest, match="acks=0"):
        cluster.produce(topic, batch_of(b"a")[:-1], acks=0)


@pytest.mark.parametrize("acks", [2, -2, 32767])
def test_produce_refuses_other_acks(cluster: MemoryCluster, acks: int) -> None:
    """Only 0, 1 and -1 have a meaning."""
    assert cluster.produce_code("listens", batch_of(b"a"), acks=acks) is ErrorCode.INVALID_REQUIRED_ACKS
    assert cluster.values("listens") == []


def test_produce_acks_all_never_asks_for_more_replicas_than_there_are(cluster: MemoryCluster) -> None:
    """min.insync.replicas above the replication factor counts as the replication factor, as in Kafka 4."""
    cluster.create_topic("careful", min_insync_replicas=2)

    assert cluster.produce_code("careful", batch_of(b"a"), acks=-1) is ErrorCode.NONE


def test_produce_acks_all_is_refused_when_the_isr_is_too_small(cluster: MemoryCluster) -> None:
    """NOT_ENOUGH_REPLICAS before anything is appended; acks=1 does not ask."""
    cluster.create_topic("careful", min_insync_replicas=2)
    change = m.PartitionChangeRecord(partition_id=0, topic_id=cluster.topic_id("careful"), replicas=[1, 2, 3], isr=[1])
    cluster.commit(change)

    assert cluster.produce_code("careful", batch_of(b"a"), acks=-1) is ErrorCode.NOT_ENOUGH_REPLICAS
    assert cluster.values("careful") == []
    assert cluster.produce_code("careful", batch_of(b"b"), acks=1) is ErrorCode.NONE


# -- where to --------------------------------------------------------------------------------------------------------


def test_produce_to_a_topic_that_is_not_there(cluster: MemoryCluster) -> None:
    """Producing makes no topic: that is Metadata's matter."""
    assert cluster.produce_code("no-such-topic", batch_of(b"a")) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert cluster.produce_code("listens", batch_of(b"a"), partition=-1) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert list(cluster.broker().image.topics) == ["listens"]


def test_produce_to_an_unknown_topic_id(cluster: MemoryCluster) -> None:
    """From version 13 on the id counts and not the name."""
    entry = m.PartitionProduceData(index=0, records=batch_of(b"a"))
    request = m.ProduceRequest(acks=1, topic_data=[m.TopicProduceData(topic_id=m.NULL_UUID, partition_data=[entry])])

    (topic,) = cluster.send(1, PRODUCE, 13, request).responses

    assert [each.error_code for each in topic.partition_responses] == [ErrorCode.UNKNOWN_TOPIC_ID]


def test_produce_to_a_broker_that_does_not_lead(make_cluster: MakeCluster) -> None:
    """The client's metadata is old; it has to ask again."""
    cluster = make_cluster(brokers=2)
    cluster.create_topic("listens")
    other = 3 - cluster.leader("listens")

    code = cluster.produce_code("listens", batch_of(b"a"), node_id=other)

    assert code is ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert cluster.values("listens") == []


def test_produce_to_an_internal_topic(cluster: MemoryCluster) -> None:
    """What is in there is Kafka's own business, and garbage would be read by the coordinator."""
    ensure_internal_topic(cluster.broker(), "__consumer_offsets")

    assert cluster.produce_code("__consumer_offsets", batch_of(b"a")) is ErrorCode.INVALID_TOPIC_EXCEPTION


# -- what ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [None, b""], ids=["null", "empty"])
def test_produce_without_a_batch(cluster: MemoryCluster, data: bytes | None) -> None:
    """A partition that is named gets a batch."""
    assert cluster.produce_code("listens", data) is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("cut", [1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 3])
def test_produce_a_torn_batch(cluster: MemoryCluster, cut: int) -> None:
    """What is left of a batch is refused, wherever it was cut: there is no whole batch, which is what Kafka misses."""
    data = batch_of(b"a value")

    assert cluster.produce_code("listens", data[:cut]) is ErrorCode.INVALID_RECORD
    assert cluster.produce_code("listens", data[:-1]) is ErrorCode.INVALID_RECORD
    assert cluster.values("listens") == []


def test_produce_two_batches(cluster: MemoryCluster) -> None:
    """Since version 3 a request has one batch per partition."""
    assert cluster.produce_code("listens", batch_of(b"a") + batch_of(b"b")) is ErrorCode.INVALID_RECORD
    assert cluster.values("listens") == []


@pytest.mark.parametrize("magic", [0, 1])
def test_produce_an_old_message_format(cluster: MemoryCluster, magic: int) -> None:
    """Kafka 4 does not take the formats before v2 (KIP-724)."""
    data = batch_of(b"a")
    data[16] = magic

    assert cluster.produce_code("listens", data) is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("options", [{"is_control": True}, {"is_transactional": True, "producer_id": 1}])
def test_produce_what_only_transactions_write(cluster: MemoryCluster, options: dict[str, Any]) -> None:
    """Control batches are the broker's, and there are no transactions here."""
    data = batch_of(b"a", producer_epoch=0, base_sequence=0, **options)

    assert cluster.produce_code("listens", data) is ErrorCode.INVALID_RECORD
    assert cluster.values("listens") == []


def test_produce_every_single_flipped_byte_is_refused_or_harmless(cluster: MemoryCluster) -> None:
    """Only the leader epoch, which the broker overwrites, may be anything; nothing damaged is ever appended."""
    sound = batch_of(b"first", b"second", producer_id=5, producer_epoch=0, base_sequence=0)
    accepted = []
    for position in range(len(sound)):
        data = bytearray(sound)
        data[position] ^= 0xFF
        if cluster.produce_code("listens", data) is ErrorCode.NONE:
            accepted.append(position)

    assert accepted == list(range(12, 16))
    assert cluster.values("listens") == [b"first", b"second"]  # three of the four were duplicates


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_produce_header_fields_of_any_value_with_a_sound_crc(cluster: MemoryCluster, data: st.DataObject) -> None:
    """Whatever a batch claims, what is appended has as many records as offsets, and reading goes on."""
    before = cluster.partition("listens").log.log_end_offset
    position, layout, bits = data.draw(
        st.sampled_from([(0, ">q", 64), (8, ">i", 32), (21, ">h", 16), (23, ">i", 32), (27, ">q", 64), (35, ">q", 64),
                         (43, ">q", 64), (51, ">h", 16), (53, ">i", 32), (57, ">i", 32)])
    )  # fmt: skip
    value = data.draw(st.integers(-(1 << bits - 1), (1 << bits - 1) - 1))

    code = cluster.produce_code("listens", changed(batch_of(b"a", b"b"), position, layout, value))

    after = cluster.partition("listens").log.log_end_offset
    assert after - before == (2 if code is ErrorCode.NONE else 0)
    assert cluster.fetch("listens", after).error_code == ErrorCode.NONE


def test_produce_an_unknown_compression(cluster: MemoryCluster) -> None:
    """There are five codecs; 7 is none of them."""
    assert cluster.produce_code("listens", changed(batch_of(b"a"), 21, ">h", 7)) is ErrorCode.INVALID_RECORD


def test_produce_a_base_offset(cluster: MemoryCluster) -> None:
    """Offsets are the broker's to give: a client's batch begins at 0."""
    assert cluster.produce_code("listens", batch_of(b"a", base_offset=1)) is ErrorCode.INVALID_RECORD


def test_produce_a_producer_id_without_sequence(cluster: MemoryCluster) -> None:
    """An idempotent batch whose sequence number is -1 could never be told from its retry."""
    data = batch_of(b"a", producer_id=1, producer_epoch=0, base_sequence=-1)

    assert cluster.produce_code("listens", data) is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize(("version", "expected"), [(6, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE), (7, ErrorCode.NONE)])
def test_produce_zstd_needs_version_7(cluster: MemoryCluster, version: int, expected: ErrorCode) -> None:
    """Older clients cannot know that zstd is a codec (KIP-110)."""
    assert cluster.produce_code("listens", batch_of(b"a", compression="zstd"), version=version) is expected


# -- how large -------------------------------------------------------------------------------------------------------


def test_produce_more_than_max_message_bytes(cluster: MemoryCluster) -> None:
    """The limit is on the batch as it arrives, header included."""
    data = batch_of(b"x" * 1000)
    cluster.create_topic("small", max_message_bytes=len(data))

    assert cluster.produce_code("small", batch_of(b"x" * 1001)) is ErrorCode.MESSAGE_TOO_LARGE
    assert cluster.produce_code("small", data) is ErrorCode.NONE
    assert cluster.values("small") == [b"x" * 1000]


def test_produce_more_than_max_message_bytes_after_recompression(cluster: MemoryCluster) -> None:
    """What counts in the end is what the log would hold."""
    cluster.create_topic("small", max_message_bytes=500, compression_type="uncompressed")

    code = cluster.produce_code("small", batch_of(b"x" * 1000, compression="gzip"))

    assert code is ErrorCode.MESSAGE_TOO_LARGE
    assert cluster.values("small") == []


def test_produce_more_than_a_segment(make_cluster: MakeCluster) -> None:
    """A batch is never split over segments, so one larger than a segment cannot be."""
    cluster = make_cluster(message_max_bytes=4 << 20)
    cluster.create_topic("listens", segment_bytes=1 << 20)

    assert cluster.produce_code("listens", batch_of(b"x" * (1 << 20))) is ErrorCode.RECORD_LIST_TOO_LARGE
    assert cluster.values("listens") == []


# -- when ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timestamp_ms", "expected"),
    [
        (START_MS + HOUR_MS, ErrorCode.NONE),
        (START_MS + HOUR_MS + 1, ErrorCode.INVALID_TIMESTAMP),
        (START_MS - 1000, ErrorCode.NONE),
        (START_MS - 1001, ErrorCode.INVALID_TIMESTAMP),
        (-1, ErrorCode.NONE),
    ],
)
def test_produce_timestamps_have_bounds(cluster: MemoryCluster, timestamp_ms: int, expected: ErrorCode) -> None:
    """One hour ahead by default (KIP-937), behind as the topic says; no timestamp at all is allowed."""
    cluster.create_topic("timely", message_timestamp_before_max_ms=1000)

    assert cluster.produce_code("timely", batch_of(b"a", timestamp_ms=timestamp_ms)) is expected


def test_produce_log_append_time(cluster: MemoryCluster) -> None:
    """The broker's clock is told to the producer and stands in every record, whatever the producer wrote."""
    cluster.create_topic("stamped", message_timestamp_type="LogAppendTime")
    cluster.clock.advance(5000)

    answer = cluster.produce("stamped", batch_of(b"a", b"b", timestamp_ms=START_MS + 9 * HOUR_MS))

    assert answer is not None
    assert answer.log_append_time_ms == START_MS + 5000
    data = bytes(cluster.fetch("stamped", 0).records)
    assert read_header(data).timestamp_type == "LogAppendTime"
    assert [record.timestamp_ms for record in read_records(data)] == [START_MS + 5000] * 2


@pytest.mark.parametrize("timestamp_type", ["CreateTime", "LogAppendTime"])
def test_produce_may_not_claim_log_append_time(cluster: MemoryCluster, timestamp_type: str) -> None:
    """Only the broker can know when a record was appended."""
    cluster.create_topic("stamped", message_timestamp_type=timestamp_type)

    assert cluster.produce_code("stamped", batch_of(b"a", log_append_time_ms=1)) is ErrorCode.INVALID_TIMESTAMP


# -- topics with a will of their own ---------------------------------------------------------------------------------


@pytest.mark.parametrize("codec_name", ["none", "gzip", "lz4", "zstd", "snappy"])
def test_produce_to_a_compacted_topic_needs_keys(cluster: MemoryCluster, codec_name: str) -> None:
    """One record without a key is enough to refuse the batch: compaction could never place it."""
    cluster.create_topic("latest", cleanup_policy="compact", compression_type=codec_name.replace("none", "producer"))

    assert cluster.produce_code("latest", keyed(b"k", None)) is ErrorCode.INVALID_RECORD
    assert cluster.produce_code("latest", keyed(b"k", b"")) is ErrorCode.NONE
    assert cluster.values("latest") == [b"v", b"v"]


@pytest.mark.parametrize("sent", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("wanted", ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"])
def test_produce_is_stored_as_the_topic_compresses(cluster: MemoryCluster, sent: str, wanted: str) -> None:
    """compression.type of the topic wins; the records, their times and the producer's numbers stay what they were."""
    cluster.create_topic("packed", compression_type=wanted)
    data = batch_of(b"a" * 100, b"b", compression=sent, producer_id=3, producer_epoch=1, base_sequence=0)

    assert cluster.produce_code("packed", data) is ErrorCode.NONE

    stored = bytes(cluster.fetch("packed", 0).records)
    header = read_header(stored)
    assert header.compression == {"producer": sent, "uncompressed": "none"}.get(wanted, wanted)
    assert (header.producer_id, header.producer_epoch, header.base_sequence) == (3, 1, 0)
    assert [(each.offset, each.timestamp_ms, each.value) for each in read_records(stored)] == [
        (0, START_MS, b"a" * 100),
        (1, START_MS, b"b"),
    ]


@pytest.mark.parametrize("settings_of_topic", [{"cleanup_policy": "compact"}, {"compression_type": "lz4"}])
def test_produce_garbage_in_a_batch_that_is_opened(cluster: MemoryCluster, settings_of_topic: dict[str, str]) -> None:
    """Sound outside, nonsense inside: refused where the broker has to look."""
    cluster.create_topic("opened", **settings_of_topic)
    data = batch_of(b"a" * 20)

    assert cluster.produce_code("opened", changed(data, HEADER_BYTES, ">b", 2)) is ErrorCode.CORRUPT_MESSAGE
    assert cluster.values("opened") == []


def test_produce_settings_can_change_while_records_come(cluster: MemoryCluster) -> None:
    """A dynamic broker setting holds from the next batch on."""
    change = m.ConfigRecord(resource_type=4, resource_name="", name="message.max.bytes", value="100")
    cluster.commit(change)

    assert cluster.produce_code("listens", batch_of(b"x" * 200)) is ErrorCode.MESSAGE_TOO_LARGE
    assert cluster.fetch("listens", 0, max_bytes=ALL_BYTES).high_watermark == 0
