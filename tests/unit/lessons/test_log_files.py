"""A partition's files are read as they were written: on files made by hand, and on those of our own broker's log."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.lessons import log_files
from kit.lessons.log_files import OffsetEntry, TimeEntry
from kit.wire.batch_builder import build_batch
from kit.wire.records import HEADER_BYTES, CorruptBatch, Record


def write_segment(folder: Path, base_offset: int, sizes: list[int], *, index_every: int = 0) -> None:
    """Write batches of so many records each from ``base_offset`` on, and an index entry for every so-manieth."""
    data, entries, offset = bytearray(), bytearray(), base_offset
    for number, size in enumerate(sizes, start=1):
        records = [Record(0, 1_000 + offset + i, b"k", b"v" * 20) for i in range(size)]
        if index_every and number % index_every == 0:
            entries += struct.pack(">ii", offset + size - 1 - base_offset, len(data))
        data += build_batch(records, base_offset=offset, leader_epoch=3)
        offset += size
    path = folder / f"{base_offset:020}.log"
    path.write_bytes(data)
    if index_every:
        path.with_suffix(".index").write_bytes(entries)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a partition of two segments: offsets 0 to 8 with an index, 9 to 13 without."""
    partition = tmp_path / "broker-2" / "plays-0"
    partition.mkdir(parents=True)
    write_segment(partition, 0, [3, 1, 5], index_every=2)
    write_segment(partition, 9, [5])
    return partition


def test_segments_are_listed_oldest_first(folder: Path) -> None:
    """The name is the base offset; other files of the folder are left out."""
    (folder / "leader-epoch-checkpoint").write_text("0\n")
    (folder / "notes.log").write_text("mine")

    one, two = log_files.segments(folder)

    assert (one.base_offset, two.base_offset) == (0, 9)
    assert (one.log_bytes, one.index_bytes, one.timeindex_bytes) == (one.path.stat().st_size, 8, 0)
    assert two.index_bytes == 0


def test_folder_is_found_and_a_missing_one_named(folder: Path, tmp_path: Path) -> None:
    """Any broker's, one broker's, and the sentence when there is none."""
    assert log_files.folder_of(tmp_path, "plays") == folder
    assert log_files.folder_of(tmp_path, "plays", broker_id=2) == folder
    with pytest.raises(FileNotFoundError, match="broker 1 does not have a replica"):
        log_files.folder_of(tmp_path, "plays", broker_id=1)
    with pytest.raises(FileNotFoundError, match=r"no plays-7 in .*no broker has"):
        log_files.folder_of(tmp_path, "plays", 7)


def test_batches_are_those_that_were_written(folder: Path) -> None:
    """Positions, offsets and records; reading can go on from a position."""
    first = log_files.segments(folder)[0]

    found = list(log_files.batches(first))

    assert [(each.header.base_offset, each.header.last_offset) for each in found] == [(0, 2), (3, 3), (4, 8)]
    assert found[0].position == 0
    assert found[1].position == found[0].header.size_bytes
    assert list(log_files.batches(first, found[1].position)) == found[1:]
    assert [record.offset for record in log_files.records(first, found[2].position)] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("missing_bytes", [1, 40, HEADER_BYTES])
def test_batch_that_is_not_whole_yet_is_left_out(folder: Path, missing_bytes: int) -> None:
    """A broker may be writing while we read."""
    first = log_files.segments(folder)[0]
    first.path.write_bytes(first.path.read_bytes()[:-missing_bytes])

    assert [each.header.base_offset for each in log_files.batches(first)] == [0, 3]


@pytest.mark.parametrize("position", [1, 10_000])
def test_position_without_a_batch_is_refused(folder: Path, position: int) -> None:
    """In the middle of a batch, and behind the end."""
    with pytest.raises(CorruptBatch):
        log_files.batch_bytes(log_files.segments(folder)[0], position)


def test_index_entries_tell_absolute_offsets(folder: Path) -> None:
    """Entries hold offsets less the base offset, and files may end in zeros that Kafka reserved."""
    one, two = log_files.segments(folder)
    batches = list(log_files.batches(one))
    assert log_files.offset_index(one) == [OffsetEntry(3, batches[1].position)]
    assert log_files.offset_index(two) == []
    two.path.with_suffix(".index").write_bytes(struct.pack(">ii", 4, 100) + bytes(16) + b"\0\0\0")
    two.path.with_suffix(".timeindex").write_bytes(struct.pack(">qi", 1_700, 2) + bytes(12))

    assert log_files.offset_index(two) == [OffsetEntry(13, 100)]
    assert log_files.time_index(two) == [TimeEntry(1_700, 11)]


@pytest.mark.parametrize(
    ("offset", "way"),
    [
        (0, (0, None, 1, 0)),
        (2, (0, None, 1, 0)),
        (3, (0, 3, 1, 3)),
        (8, (0, 3, 2, 4)),
        (9, (9, None, 1, 9)),
        (13, (9, None, 1, 9)),
    ],
)
def test_offset_is_looked_up(folder: Path, offset: int, way: tuple[int, int | None, int, int]) -> None:
    """By name, by index, by hops, until the batch that holds it."""
    lookup = log_files.look_up(folder, offset)

    assert lookup.found is not None
    entry_offset = lookup.entry and lookup.entry.offset
    assert (lookup.segment.base_offset, entry_offset, lookup.hops, lookup.found.header.base_offset) == way
    assert lookup.headers_bytes == lookup.hops * HEADER_BYTES


def test_offset_that_is_not_there_is_told(folder: Path) -> None:
    """Beyond the end nothing is found; before the first segment retention has been."""
    assert log_files.look_up(folder, 14).found is None
    (folder / f"{0:020}.log").unlink()
    with pytest.raises(LookupError, match="retention has removed it"):
        log_files.look_up(folder, 3)


def test_anatomy_covers_every_byte_once(folder: Path) -> None:
    """The parts follow each other from the first byte to the last, and say what the header says."""
    first = log_files.segments(folder)[0]
    data = log_files.batch_bytes(first, 0)

    parts = log_files.anatomy(data)

    assert parts[0].start == 0
    assert all(one.start + one.size_bytes == other.start for one, other in itertools.pairwise(parts))
    assert parts[-1].start + parts[-1].size_bytes == len(data)
    said = {part.name: part.value for part in parts}
    assert (said["partition_leader_epoch"], said["records_count"], said["records"]) == ("3", "3", "3 records")
    assert said["attributes"] == "0 (none, CreateTime)"
    for part in parts[:-1]:
        number = int.from_bytes(data[part.start : part.start + part.size_bytes], signed=part.name != "crc")
        assert int(part.value.split()[0], 0) == number


@settings(max_examples=40)
@given(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12), index_every=st.integers(1, 4))
def test_every_offset_is_found_whatever_the_index(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], index_every: int
) -> None:
    """The index makes the way shorter and never leads past an offset."""
    folder = tmp_path_factory.mktemp("partition")
    write_segment(folder, 100, sizes, index_every=index_every)

    for offset in range(100, 100 + sum(sizes)):
        found = log_files.look_up(folder, offset).found
        assert found is not None
        assert found.header.base_offset <= offset <= found.header.last_offset
