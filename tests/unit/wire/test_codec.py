"""Frames, bodies and records: what the codec writes, what it reads back, what it refuses."""

from __future__ import annotations

import struct
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kit.wire import codec
from kit.wire import messages as m
from tests.support.wire_messages import every_message, filled, for_version

PRODUCE, FETCH, METADATA, API_VERSIONS = 0, 1, 3, 18


class FileRange:
    """Stands for a piece of a log file: the codec may only look at its size."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes


def produce_request(records: Any) -> m.ProduceRequest:
    """A request with one batch."""
    partition = m.PartitionProduceData(index=1, records=records)
    return m.ProduceRequest(acks=-1, topic_data=[m.TopicProduceData(name="t", partition_data=[partition])])


def fetch_response(*records: Any) -> m.FetchResponse:
    """A response with one partition per value."""
    partitions = [m.FetchResponse.PartitionData(partition_index=i, records=each) for i, each in enumerate(records)]
    return m.FetchResponse(responses=[m.FetchableTopicResponse(topic="t", partitions=partitions)])


def joined(chunks: list[Any]) -> bytes:
    """The chunks as they would arrive, a `FileRange` as that many zeros."""
    return b"".join(bytes(each.size_bytes) if isinstance(each, FileRange) else bytes(each) for each in chunks)


# -- frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("api_version", "tags"), [(8, b""), (9, b"\x00")])
def test_request_frame_has_the_documented_layout(api_version: int, tags: bytes) -> None:
    """Size, api_key, api_version, correlation_id, client_id as int16 string; tagged fields only from header v2 on."""
    frame = codec.encode_request(METADATA, api_version, 7, "me", m.MetadataRequest(topics=None))

    header = struct.pack(">hhih", METADATA, api_version, 7, 2) + b"me" + tags
    assert frame == struct.pack(">i", len(frame) - 4) + header + codec.encode(
        m.MetadataRequest(topics=None), api_version
    )


@pytest.mark.parametrize("client_id", [None, "", "kit", "ü" * 50])
@pytest.mark.parametrize("api_version", [4, 12])
def test_request_header_round_trips(api_version: int, client_id: str | None) -> None:
    """What encode_request writes, decode_request_header and decode_request read, in both header versions."""
    sent = m.MetadataRequest(topics=[m.MetadataRequestTopic(name="t")])
    frame = memoryview(codec.encode_request(METADATA, api_version, -5, client_id, sent))[4:]

    header, body_offset = codec.decode_request_header(frame)

    assert header == (METADATA, api_version, -5, client_id)
    assert codec.decode_request(METADATA, api_version, frame, body_offset) == sent


def test_request_header_skips_tagged_fields() -> None:
    """Tagged fields in a header are not known, so they are passed over."""
    header = struct.pack(">hhih", METADATA, 12, 1, -1) + b"\x02\x00\x01x\x81\x01\x02yz"

    assert codec.decode_request_header(memoryview(header)) == ((METADATA, 12, 1, None), len(header))


def test_api_versions_response_header_is_never_flexible() -> None:
    """A client that asked in a version too new must be able to read the answer (KIP-511)."""
    flexible = joined(codec.encode_response(METADATA, 12, 1, m.MetadataResponse()))
    api_versions = joined(codec.encode_response(API_VERSIONS, 4, 1, m.ApiVersionsResponse()))

    assert flexible[8:] == b"\x00" + codec.encode(m.MetadataResponse(), 12)
    assert api_versions[8:] == codec.encode(m.ApiVersionsResponse(), 4)


@pytest.mark.parametrize("api_version", [0, 3])
def test_response_round_trips(api_version: int) -> None:
    """decode_response returns the correlation id and the message."""
    sent = m.ApiVersionsResponse(api_keys=[m.ApiVersion(api_key=3, max_version=9)])
    frame = joined(codec.encode_response(API_VERSIONS, api_version, 77, sent))

    assert codec.decode_response(API_VERSIONS, api_version, memoryview(frame), 4) == (77, sent)


def test_api_describes_itself() -> None:
    """An Api has its versions and both message classes; an unknown number is an UnknownApi, which is a DecodeError."""
    produce = codec.api(PRODUCE)

    assert (produce.name, produce.min_version, produce.max_version, produce.flexible_from) == ("Produce", 3, 13, 9)
    assert (produce.request, produce.response) == (m.ProduceRequest, m.ProduceResponse)
    assert codec.apis()[PRODUCE] is produce
    with pytest.raises(codec.UnknownApi, match="999"):
        codec.api(999)
    with pytest.raises(codec.DecodeError):
        codec.decode_request_header(memoryview(struct.pack(">hhih", 999, 0, 1, -1)))


# -- records without copies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api_version", [3, 9])
def test_records_decode_to_a_view_of_the_frame(api_version: int) -> None:
    """A batch is not copied: changing the frame's buffer changes what the message shows."""
    buffer = bytearray(codec.encode_request(PRODUCE, api_version, 1, None, produce_request(b"batch")))
    frame = memoryview(buffer)[4:]

    _, body_offset = codec.decode_request_header(frame)
    records = codec.decode_request(PRODUCE, api_version, frame, body_offset).topic_data[0].partition_data[0].records

    assert isinstance(records, memoryview)
    assert records == b"batch"
    buffer[buffer.index(b"batch")] = ord("B")
    assert records == b"Batch"


@pytest.mark.parametrize("api_version", [4, 11, 12, 17])
def test_records_are_handed_on_as_they_are(api_version: int) -> None:
    """Every records value is a chunk of its own, the same object; the size counts them all."""
    view, file_range, batches = memoryview(b"x" * 1000), FileRange(70_000), [b"first", FileRange(3)]

    chunks = codec.encode_response(FETCH, api_version, 1, fetch_response(view, file_range, None, batches, b""))

    external = [chunk for chunk in chunks if any(chunk is each for each in (view, file_range, *batches))]
    assert external == [view, file_range, *batches]
    frame = joined(chunks)
    assert struct.unpack_from(">i", frame) == (len(frame) - 4,)
    _, response = codec.decode_response(FETCH, api_version, memoryview(frame), 4)
    received = [partition.records for partition in response.responses[0].partitions]
    assert received == [view, bytes(70_000), None, b"first\x00\x00\x00", b""]


def test_response_without_records_is_one_chunk() -> None:
    """All else is joined, so that a reply costs one send."""
    chunks = codec.encode_response(FETCH, 12, 1, fetch_response(None, b""))

    assert [type(chunk) for chunk in chunks] == [bytes]


def test_request_with_records_in_a_file_is_refused() -> None:
    """A request is one piece of memory."""
    with pytest.raises(codec.EncodeError, match="in a file"):
        codec.encode_request(PRODUCE, 9, 1, None, produce_request(FileRange(10)))


# -- versions and defaults -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message_class", every_message(), ids=lambda message_class: message_class.__name__)
def test_message_round_trips_in_every_version(message_class: type[m.Message]) -> None:
    """Decoding what was encoded gives an equal message; fields that the version lacks come back as defaults."""

    @settings(max_examples=15, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(message=filled(message_class))
    def round_trip(message: Any) -> None:
        for version in message_class.SCHEMA.versions:
            sent = for_version(message, version)
            assert codec.decode(message_class, version, codec.encode(sent, version)) == sent

    round_trip()


def test_ignorable_field_is_dropped_in_a_version_without_it() -> None:
    """An old reader can do without it."""
    with_leader_epoch = m.OffsetCommitValue(offset=5, leader_epoch=9)

    assert codec.encode(with_leader_epoch, 2) == codec.encode(m.OffsetCommitValue(offset=5), 2)


def test_field_that_is_not_ignorable_is_refused_in_a_version_without_it() -> None:
    """An old reader would misunderstand: better no message than a wrong one. At its default it does not matter."""
    without = m.JoinGroupRequest(group_id="g", group_instance_id=None)
    static = m.JoinGroupRequest(group_id="g", group_instance_id="static-1")

    assert codec.decode(m.JoinGroupRequest, 4, codec.encode(without, 4)) == without
    with pytest.raises(codec.EncodeError, match=r"group_instance_id is set, but version 4 has no such field"):
        codec.encode(static, 4)


def test_tagged_field_is_sent_only_when_it_differs_from_its_default() -> None:
    """A default costs no byte (KIP-482)."""
    plain = codec.encode(m.FetchRequest(), 12)
    tagged = codec.encode(m.FetchRequest(cluster_id="c"), 12)

    assert plain[-1:] == b"\x00"
    assert tagged == plain[:-1] + b"\x01\x00\x02\x02c"


def test_unknown_tagged_fields_are_skipped() -> None:
    """A newer client may send tags that this table does not have."""
    body = codec.encode(m.FetchRequest(), 12)

    assert codec.decode(m.FetchRequest, 12, body[:-1] + b"\x01\x63\x03abc") == m.FetchRequest()


@pytest.mark.parametrize("version", [2, 14, -1])
def test_version_without_table_is_refused(version: int) -> None:
    """Versions outside the table can neither be sent nor read."""
    with pytest.raises(codec.EncodeError, match="ProduceRequest has versions 3 to 13"):
        codec.encode(m.ProduceRequest(), version)
    with pytest.raises(codec.UnsupportedVersion, match="ProduceRequest has versions 3 to 13"):
        codec.decode(m.ProduceRequest, version, b"")


# -- refused values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "version", "text"),
    [
        (m.ProduceRequest(acks=40_000), 9, "ProduceRequest.acks is 40000, expected an int16: -32768 to 32767"),
        (m.ProduceRequest(acks=None), 9, "ProduceRequest.acks is None, but version 9 has no null for it"),  # type: ignore[arg-type]
        (m.ProduceRequest(transactional_id=5), 9, "transactional_id is 5, expected string"),  # type: ignore[arg-type]
        (m.ProduceRequest(topic_data=None), 9, "topic_data is None, but version 9"),  # type: ignore[arg-type]
        (m.ProduceRequest(topic_data=["t"]), 9, r"topic_data\[0\] is 't', expected a TopicProduceData"),  # type: ignore[list-item]
        (m.ProduceRequest(topic_data=5), 9, "topic_data is 5, expected a list"),  # type: ignore[arg-type]
        (m.MetadataRequest(topics=[m.MetadataRequestTopic(name=None)]), 9, r"topics\[0\].name is None"),
        (m.DescribeGroupsRequest(groups=["g", None]), 0, r"groups\[1\]"),  # type: ignore[list-item]
        (m.HeartbeatRequest(group_id="g" * 32_768), 0, "group_id has 32768 bytes, a string can have 32767"),
        (m.HeartbeatRequest(group_id="g" * 32_768), 4, "a string of 32768 bytes is too long"),
        (m.TopicRecord(name="t", topic_id="not a uuid"), 0, "topic_id is 'not a uuid', expected uuid"),  # type: ignore[arg-type]
    ],
)
def test_value_that_cannot_be_sent_is_named(message: m.Message, version: int, text: str) -> None:
    """The error says which field it is, what is in it and what should be."""
    with pytest.raises(codec.EncodeError, match=text):
        codec.encode(message, version)


# -- what Kafka writes into records ----------------------------------------------------------------------------------


def test_versioned_value_starts_with_its_version() -> None:
    """Keys and values of __consumer_offsets have an int16 before the body; the reader learns the version from it."""
    key = m.OffsetCommitKey(group="g", topic="t", partition=3)

    data = codec.encode_versioned(key, 1)

    assert data == b"\x00\x01" + b"\x00\x01g" + b"\x00\x01t" + b"\x00\x00\x00\x03"
    assert codec.decode_versioned(m.OffsetCommitKey, data) == (1, key)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x07rest", b"\xff\xffrest", b"\x00\x01\x00"])
def test_versioned_value_that_makes_no_sense_is_refused(data: bytes) -> None:
    """No version, an unknown one, or a body that is cut off."""
    with pytest.raises(codec.DecodeError):
        codec.decode_versioned(m.OffsetCommitKey, data)


def test_metadata_record_has_kafkas_frame() -> None:
    """Frame version 1, number and version as varints, then the body: as KRaft writes it."""
    topic_id = uuid.UUID("00000000-0000-4000-8000-00000000002a")
    record = m.TopicRecord(name="orders", topic_id=topic_id)

    data = codec.encode_metadata_record(record)

    assert data == b"\x01\x02\x00" + b"\x07orders" + topic_id.bytes + b"\x00"
    assert codec.decode_metadata_record(data) == record


def test_metadata_record_takes_an_older_version_on_request() -> None:
    """The highest version unless another one is named."""
    record = m.PartitionRecord(topic_id=uuid.uuid4(), replicas=[1, 2], isr=[1], leader=1)

    assert codec.encode_metadata_record(record)[:3] == b"\x01\x03\x02"
    assert codec.encode_metadata_record(record, 0)[:3] == b"\x01\x03\x00"
    assert codec.decode_metadata_record(codec.encode_metadata_record(record, 0)) == record


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x01\x02", b"\x00\x02\x00\x01", b"\x01\x63\x00", b"\x01\x02\x09\x01"])
def test_metadata_record_that_makes_no_sense_is_refused(data: bytes) -> None:
    """Cut off, another frame version, an unknown record, an unknown version."""
    with pytest.raises(codec.DecodeError):
        codec.decode_metadata_record(data)


# -- message classes -------------------------------------------------------------------------------------------------


def test_struct_is_reachable_by_its_own_name_only_when_that_is_unique() -> None:
    """A name that several messages use must be said in full; the error lists the choices."""
    assert m.TopicProduceData is m.ProduceRequest.TopicProduceData
    with pytest.raises(AttributeError, match=r"choose one of .*m\.FetchResponse\.PartitionData"):
        _ = m.PartitionData  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="no message or struct 'ProduceReqest'"):
        _ = m.ProduceReqest  # type: ignore[attr-defined]


def test_defaults_are_not_shared_between_messages() -> None:
    """Appending to one message's empty list leaves the next message's alone."""
    first = m.ProduceRequest()
    first.topic_data.append(m.TopicProduceData())

    assert m.ProduceRequest().topic_data == []
    assert m.FetchRequest().replica_state is not m.FetchRequest().replica_state


def test_messages_compare_by_value_and_refuse_unknown_names() -> None:
    """Equal fields, equal messages; a misspelt field is an error at once."""
    assert m.HeartbeatRequest(group_id="g") == m.HeartbeatRequest(group_id="g")
    assert m.HeartbeatRequest(group_id="g") != m.HeartbeatRequest(group_id="h")
    assert m.HeartbeatRequest() != m.HeartbeatResponse()
    with pytest.raises(TypeError, match="grup_id"):
        m.HeartbeatRequest(grup_id="g")  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        m.HeartbeatRequest().grup_id = "g"  # type: ignore[attr-defined]


def test_repr_shows_what_differs_from_the_defaults() -> None:
    """A message in a log line stays readable: no defaults, no kilobytes."""
    assert repr(m.HeartbeatRequest(group_id="g")) == "HeartbeatRequest(group_id='g')"
    assert repr(m.PartitionProduceData(records=bytes(1000))) == "PartitionProduceData(records=<1000 bytes>)"
