"""Record batches: golden bytes, kafka-python as the oracle, damage at every byte."""

import dataclasses
import struct

import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from kit.wire import records
from kit.wire.batch_builder import build_batch
from kit.wire.compression import compress
from kit.wire.errors import ErrorCode
from kit.wire.records import (
    HEADER_BYTES,
    CorruptBatch,
    Header,
    InvalidBatch,
    Record,
    UnsupportedMagic,
    assign,
    check_batch,
    iter_headers,
    read_header,
    read_records,
    set_log_append_time,
)

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]

record_strategy = st.builds(
    Record,
    offset=st.just(0),
    timestamp_ms=st.integers(-1, 2**45),
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(
        st.builds(Header, st.text(st.characters(codec="utf-8"), max_size=8), st.none() | st.binary(max_size=20)),
        max_size=3,
    ).map(tuple),
)
record_lists = st.lists(record_strategy, min_size=1, max_size=20)

TWO_RECORDS = [
    Record(0, 1_700_000_000_000, b"k", b"first", (Header("h", b"v"),)),
    Record(0, 1_700_000_000_005, None, None),
]
GOLDEN = bytes.fromhex(
    "0000000000000000"  # base_offset 0
    "00000049"  # batch_length 73: what follows
    "ffffffff"  # partition_leader_epoch -1
    "02"  # magic 2
    "2a7dfee4"  # crc
    "0000"  # attributes: no compression, CreateTime
    "00000001"  # last_offset_delta 1
    "0000018bcfe56800"  # base_timestamp
    "0000018bcfe56805"  # max_timestamp
    "ffffffffffffffff"  # producer_id -1
    "ffff"  # producer_epoch -1
    "ffffffff"  # base_sequence -1
    "00000002"  # records_count 2
    "20"  # length 16 (zigzag)
    "00"  # attributes
    "00"  # timestamp_delta 0
    "00"  # offset_delta 0
    "026b"  # key of 1 byte: k
    "0a6669727374"  # value of 5 bytes: first
    "02"  # 1 header
    "0268"  # its key, 1 byte: h
    "0276"  # its value, 1 byte: v
    "0c"  # length 6
    "00"  # attributes
    "0a"  # timestamp_delta 5
    "02"  # offset_delta 1
    "01"  # key null
    "01"  # value null
    "00"  # no headers
)


def numbered(wanted: list[Record], base_offset: int = 0) -> list[Record]:
    """The records with the offsets that a batch gives them."""
    return [dataclasses.replace(record, offset=base_offset + index) for index, record in enumerate(wanted)]


def with_crc(batch: bytearray) -> bytearray:
    """The batch with its CRC made right again after something was changed."""
    struct.pack_into(">I", batch, 17, crc32c(memoryview(batch)[21:]))
    return batch


def patched(batch: bytes | bytearray, **fields: int) -> bytearray:
    """The batch with header fields set and its CRC right."""
    made = bytearray(batch)
    records.HEADER.pack_into(made, 0, *read_header(made)._replace(**fields))
    return with_crc(made)


# -- golden bytes and the oracle ---------------------------------------------------------------------------------


def test_build_batch_writes_the_golden_bytes() -> None:
    """The builder writes format v2 byte for byte."""
    assert build_batch(TWO_RECORDS).hex() == GOLDEN.hex()


def test_read_records_reads_the_golden_bytes() -> None:
    """The reader finds keys, values, headers, offsets and timestamps, nulls included."""
    assert list(read_records(GOLDEN)) == numbered(TWO_RECORDS)


def test_batch_header_reads_the_golden_bytes() -> None:
    """The header's properties say what the fields mean."""
    header = check_batch(GOLDEN)
    assert (header.size_bytes, header.last_offset, header.next_offset) == (len(GOLDEN), 1, 2)
    assert (header.compression, header.timestamp_type) == ("none", "CreateTime")
    assert (header.is_transactional, header.is_control, header.has_delete_horizon) == (False, False, False)
    assert header.last_sequence == -1


def oracle_batch(wanted: list[Record], codec: int, **producer: int) -> bytes:
    """The records in a batch that kafka-python builds."""
    state = {"producer_id": -1, "producer_epoch": -1, "base_sequence": -1, **producer}
    builder = DefaultRecordBatchBuilder(2, codec, is_transactional=False, batch_size=1 << 24, **state)
    for index, record in enumerate(wanted):
        headers = [(header.key, header.value) for header in record.headers]
        assert builder.append(index, record.timestamp_ms, record.key, record.value, headers) is not None
    return bytes(builder.build())


@given(wanted=record_lists, producer_id=st.integers(0, 2**63 - 1), sequence=st.integers(0, 2**31 - 1))
def test_build_batch_is_identical_to_kafka_pythons(wanted: list[Record], producer_id: int, sequence: int) -> None:
    """Any records give the very bytes of kafka-python's builder, which writes leader epoch 0."""
    ours = build_batch(wanted, leader_epoch=0, producer_id=producer_id, producer_epoch=3, base_sequence=sequence)
    theirs = oracle_batch(wanted, 0, producer_id=producer_id, producer_epoch=3, base_sequence=sequence)
    assert ours == theirs


@pytest.mark.parametrize("codec", CODECS)
@given(wanted=record_lists)
def test_read_records_reads_kafka_pythons_batches(codec: str, wanted: list[Record]) -> None:
    """What the labs' producer sends is read back whole, whichever codec it uses."""
    padded = [*wanted, Record(0, 0, None, bytes(1000))]  # so that compression pays and kafka-python applies it
    batch = oracle_batch(padded, CODECS.index(codec))
    assert check_batch(batch).compression == codec
    assert list(read_records(batch)) == numbered(padded)


@pytest.mark.parametrize("codec", CODECS)
@given(wanted=record_lists)
def test_kafka_python_reads_our_batches(codec: str, wanted: list[Record]) -> None:
    """What the broker builds is read back whole by the labs' consumer."""
    batch = DefaultRecordBatch(bytes(build_batch(wanted, base_offset=70, compression=codec)))
    assert batch.validate_crc()
    read = [(r.offset, r.timestamp, r.key, r.value, tuple(Header(*h) for h in r.headers)) for r in batch]
    assert read == [(r.offset, r.timestamp_ms, r.key, r.value, r.headers) for r in numbered(wanted, 70)]


# -- round trips -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS)
@given(wanted=record_lists, base_offset=st.integers(0, 2**62))
def test_records_survive_a_round_trip(codec: str, wanted: list[Record], base_offset: int) -> None:
    """What is built is sound and read back with offsets from the base offset on."""
    batch = build_batch(wanted, base_offset=base_offset, compression=codec)
    header = check_batch(batch)
    assert (header.compression, header.records_count) == (codec, len(wanted))
    assert list(read_records(batch)) == numbered(wanted, base_offset)
    assert header.max_timestamp == max(record.timestamp_ms for record in wanted)


def test_build_batch_sets_every_attribute() -> None:
    """Transaction, control and append time are one bit each beside the codec."""
    batch = build_batch(
        TWO_RECORDS, compression="zstd", is_transactional=True, is_control=True, log_append_time_ms=1_800_000_000_000
    )
    header = check_batch(batch)
    assert header.attributes == 0b0011_1100
    assert (header.is_transactional, header.is_control, header.timestamp_type) == (True, True, "LogAppendTime")


def test_build_batch_refuses_no_records() -> None:
    """An empty batch has no base timestamp and no last offset."""
    with pytest.raises(ValueError, match="at least one record"):
        build_batch([])


def test_last_sequence_wraps_after_the_largest_int32() -> None:
    """Sequence numbers go on at 0 after 2^31 - 1, as producers count."""
    three = [TWO_RECORDS[0]] * 3
    header = read_header(build_batch(three, producer_id=1, producer_epoch=0, base_sequence=2**31 - 2))
    assert header.last_sequence == 0


# -- in place ----------------------------------------------------------------------------------------------------


@given(base_offset=st.integers(0, 2**63 - 1), leader_epoch=st.integers(0, 2**31 - 1))
def test_assign_keeps_the_crc_valid(base_offset: int, leader_epoch: int) -> None:
    """Offset and leader epoch are patched in place, nothing else moves, and the CRC still holds."""
    batch = build_batch(TWO_RECORDS)
    before = read_header(batch)
    assign(memoryview(batch), 0, base_offset=base_offset, leader_epoch=leader_epoch)
    assert check_batch(batch) == before._replace(base_offset=base_offset, partition_leader_epoch=leader_epoch)


@pytest.mark.parametrize("codec", CODECS)
def test_set_log_append_time_overrides_every_timestamp(codec: str) -> None:
    """All records carry the broker's time, the CRC is recomputed, and kafka-python agrees."""
    batch = build_batch(TWO_RECORDS, compression=codec)
    before = read_header(batch)
    set_log_append_time(batch, 0, 1_800_000_000_000)
    after = check_batch(batch)
    assert after == before._replace(crc=after.crc, attributes=before.attributes | 0x08, max_timestamp=1_800_000_000_000)
    assert {record.timestamp_ms for record in read_records(batch)} == {1_800_000_000_000}
    assert {record.timestamp for record in DefaultRecordBatch(bytes(batch))} == {1_800_000_000_000}


def test_iter_headers_hops_over_whole_batches() -> None:
    """Positions and headers of all batches, of any size, in order."""
    batches = [build_batch(TWO_RECORDS[: 1 + index % 2], base_offset=index * 10) for index in range(5)]
    log = b"".join(batches)
    found = list(iter_headers(log))
    assert [header.base_offset for _, header in found] == [0, 10, 20, 30, 40]
    assert [bytes(log[position : position + header.size_bytes]) for position, header in found] == batches


def test_iter_headers_stops_at_a_torn_tail() -> None:
    """However the second batch is cut, the first is found and nothing else."""
    first = build_batch(TWO_RECORDS)
    log = bytes(first + build_batch(TWO_RECORDS))
    for length in range(len(first), len(log)):
        assert [position for position, _ in iter_headers(log[:length])] == [0]


@pytest.mark.parametrize("batch_length", [-(2**31), -12, 0, 48, 2**31 - 1])
def test_iter_headers_stops_at_an_impossible_length(batch_length: int) -> None:
    """A length that cannot be does not send the iteration in circles or out of the buffer."""
    log = bytearray(GOLDEN + GOLDEN)
    struct.pack_into(">i", log, len(GOLDEN) + 8, batch_length)
    assert [position for position, _ in iter_headers(log)] == [0]


# -- damage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS)
def test_check_batch_refuses_every_corruption_under_the_crc(codec: str) -> None:
    """Any single changed byte from the attributes on, or of the CRC itself, is noticed."""
    batch = build_batch(TWO_RECORDS, compression=codec)
    for position in range(17, len(batch)):
        for mask in (0x01, 0x80, 0xFF):
            batch[position] ^= mask
            with pytest.raises(CorruptBatch, match="CRC"):
                check_batch(batch)
            batch[position] ^= mask
    assert check_batch(batch).compression == codec


def test_check_batch_refuses_every_truncation() -> None:
    """A batch that lost its end anywhere is refused; Kafka looks for whole batches and finds none."""
    for length in range(len(GOLDEN)):
        with pytest.raises(InvalidBatch) as refused:
            check_batch(GOLDEN[:length])
        assert refused.value.code is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize(
    ("magic", "code"),
    [
        (0, ErrorCode.INVALID_RECORD),
        (1, ErrorCode.INVALID_RECORD),
        (3, ErrorCode.CORRUPT_MESSAGE),
        (255, ErrorCode.CORRUPT_MESSAGE),
    ],
)
def test_check_batch_refuses_other_formats(magic: int, code: ErrorCode) -> None:
    """Formats v0 and v1 are gone since Kafka 4 and newer ones do not exist; short old messages are told apart too."""
    batch = bytearray(GOLDEN)
    batch[16] = magic
    for data in (batch, batch[:26]):
        with pytest.raises(CorruptBatch, match=f"message format {magic} ") as refused:
            check_batch(data)
        assert refused.value.code is code
        assert isinstance(refused.value, UnsupportedMagic) is (magic < 2)


@pytest.mark.parametrize("batch_length", [-(2**31), -13, -1, 0, 48, 74, 2**31 - 1])
def test_check_batch_refuses_an_impossible_length(batch_length: int) -> None:
    """Shorter than a header or longer than the buffer."""
    batch = bytearray(GOLDEN)
    struct.pack_into(">i", batch, 8, batch_length)
    with pytest.raises(CorruptBatch, match=f"batch_length is {batch_length}"):
        check_batch(batch)


@pytest.mark.parametrize(("count", "last_offset_delta"), [(0, -1), (0, 0), (1, 1), (3, 1), (-1, 1), (2, 2**31 - 1)])
def test_check_batch_refuses_a_count_that_is_not_the_offsets(count: int, last_offset_delta: int) -> None:
    """A producer's batch has one offset per record and at least one record; the CRC is right here."""
    batch = patched(GOLDEN, records_count=count, last_offset_delta=last_offset_delta)
    with pytest.raises(InvalidBatch, match="records for"):
        check_batch(batch)


@pytest.mark.parametrize(("count", "fine"), [(0, True), (1, True), (2, True), (3, False), (-1, False)])
def test_check_batch_allows_gaps_in_a_compacted_log(count: int, fine: bool) -> None:
    """Compaction takes records away and keeps the offsets, never the reverse."""
    batch = patched(GOLDEN, records_count=count)
    if fine:
        assert check_batch(batch, compacted=True).next_offset == 2
    else:
        with pytest.raises(InvalidBatch):
            check_batch(batch, compacted=True)


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_unknown_compression_is_refused(codec: int) -> None:
    """Three bits leave room for codecs that do not exist."""
    batch = patched(GOLDEN, attributes=codec)
    with pytest.raises(InvalidBatch, match=f"compression {codec} does not exist"):
        check_batch(batch)
    with pytest.raises(InvalidBatch, match=f"compression {codec} does not exist"):
        list(read_records(batch))


def test_check_batch_and_reader_work_anywhere_in_a_buffer() -> None:
    """A position other than 0, with other bytes around, changes nothing."""
    buffer = memoryview(b"\xff" * 7 + GOLDEN + b"\xff" * 9)
    assert check_batch(buffer, 7) == check_batch(GOLDEN)
    assert list(read_records(buffer, 7)) == numbered(TWO_RECORDS)


@pytest.mark.parametrize("codec", CODECS)
def test_read_records_refuses_a_shortened_record_area(codec: str) -> None:
    """Records that end too early are refused even when lengths and CRC of the batch were made to fit."""
    batch = build_batch(TWO_RECORDS, compression=codec)
    for length in range(HEADER_BYTES, len(batch)):
        cut = patched(batch[:length], batch_length=length - 12)
        with pytest.raises(CorruptBatch):
            list(read_records(cut))


@settings(max_examples=300)
@given(position=st.integers(HEADER_BYTES, len(GOLDEN) - 1), byte=st.integers(0, 255), data=st.data())
def test_read_records_survives_any_damage(position: int, byte: int, data: st.DataObject) -> None:
    """A changed byte among the records, with the CRC made right, is read or refused, never anything else."""
    damaged = bytearray(GOLDEN)
    damaged[position] = byte
    if data.draw(st.booleans()):
        damaged[position:] = data.draw(st.binary(min_size=len(GOLDEN) - position, max_size=len(GOLDEN) - position))
    try:
        found = list(read_records(with_crc(damaged)))
    except CorruptBatch:
        return
    assert len(found) == 2


def area(*pieces: str) -> bytearray:
    """A batch of one record whose bytes are given in hexadecimal, its CRC and lengths right."""
    body = bytes.fromhex("".join(pieces))
    header = read_header(build_batch([TWO_RECORDS[0]]))
    return patched(GOLDEN[:HEADER_BYTES] + body, **header._replace(batch_length=49 + len(body), crc=0)._asdict())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("0c 00 00 00 01 01 02", "end too early"),
        ("0c 00 00 00 03 01 00", "a field of -2 bytes"),
        ("0c 00 00 00 01 7e 00", "a field of 63 bytes"),
        ("0c 00 00 00 01 01 01", "a record has -1 headers"),
        ("10 00 00 00 01 01 02 01 01", "a record header has no key"),
        ("0e 00 00 00 01 01 00", "is 6 bytes, not 7"),
        ("0c 00 00 00 01 01 00 00", "1 bytes follow the last record"),
        ("0c 00 00 02 01 01 00", "out of order"),
        ("0c 00 00 01 01 01 00", "out of order"),
        ("80 80 80 80 80 01", "a varint of more than 5 bytes"),
        ("0c 00 80 80 80 80 80 80 80 80 80 80 01", "a varint of more than 10 bytes"),
    ],
)
def test_read_records_says_what_is_wrong(body: str, reason: str) -> None:
    """Each way in which a record can be malformed has its own words."""
    with pytest.raises(CorruptBatch, match=reason):
        list(read_records(area(body)))


def test_read_records_replaces_bad_utf8_in_header_keys() -> None:
    """Header keys that are not UTF-8 are shown with replacement characters, as Java's clients do."""
    batch = area("12 00 00 00 01 01 02 02 ff 01")
    assert [record.headers for record in read_records(batch)] == [(Header("\ufffd", None),)]


@pytest.mark.parametrize("codec", CODECS)
def test_read_records_refuses_a_bomb(codec: str) -> None:
    """A batch of a few kilobytes does not become more than the reader asked for."""
    batch = build_batch([Record(0, 0, None, bytes(3_000_000))], compression=codec)
    assert len(list(read_records(batch))) == 1
    with pytest.raises(CorruptBatch, match="more than 1000000 bytes"):
        list(read_records(batch, max_decompressed_bytes=1_000_000))


def test_read_records_is_not_fooled_by_a_huge_count() -> None:
    """A count of two billion records costs nothing when the records are not there."""
    batch = patched(GOLDEN, records_count=2**31 - 1, last_offset_delta=2**31 - 2)
    with pytest.raises(CorruptBatch, match="end too early"):
        list(read_records(batch))


def test_compressed_area_that_is_no_batch_content_is_refused() -> None:
    """Sound compression around nonsense is still a corrupt batch."""
    nonsense = compress("gzip", b"\xff" * 40)
    header = read_header(GOLDEN)._replace(attributes=1, batch_length=49 + len(nonsense))
    with pytest.raises(CorruptBatch):
        list(read_records(patched(GOLDEN[:HEADER_BYTES] + nonsense, **header._asdict())))
