"""The checks of lab 10 on files and records made by hand: right answers, and each wrong one in its own words."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kit.checks import SeenRecord, names, verdict
from kit.checks.lab_10 import PLAYS, PROFILES
from kit.lessons.log_files import OffsetEntry
from kit.wire.batch_builder import build_batch
from kit.wire.records import Record
from tests.support.fake_evidence import FakeEvidence

Entries = Sequence[OffsetEntry]


def segment(folder: Path, base_offset: int) -> None:
    """Write a segment of 800 one-record batches, with an index entry for every tenth."""
    data, entries = bytearray(), bytearray()
    for number in range(800):
        if number and number % 10 == 0:
            entries += number.to_bytes(4) + len(data).to_bytes(4)
        data += build_batch([Record(0, 1_000, b"k", b"v")], base_offset=base_offset + number)
    (folder / f"{base_offset:020}.log").write_bytes(data)
    (folder / f"{base_offset:020}.index").write_bytes(entries)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> FakeEvidence:
    """Give evidence of the segments 0, 800, 1600 and 2400."""
    data_dir = tmp_path_factory.mktemp("data")
    folder = data_dir / "broker-1" / f"{PLAYS}-0"
    folder.mkdir(parents=True)
    for base_offset in (0, 800, 1600, 2400):
        segment(folder, base_offset)
    return FakeEvidence(folder=str(data_dir))


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("10.")])
@pytest.mark.parametrize("answer", [None, "", "kept", [], [None], 7, -1, 2.5, {}, print])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: object, tmp_path: Path) -> None:
    """Whatever is handed in, with nothing there a check fails with a next step and no exception."""
    for nothing in (FakeEvidence(), FakeEvidence(folder=str(tmp_path))):
        result = verdict(name, nothing, answer)

        assert not result
        assert (result.name, bool(result.happened and result.where and result.try_next)) == (name, True)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (0, "ends before offset 2,000"),
        (800, "ends before"),
        (2400, "begins after"),
        (2000, "no file called 2000"),
        ("1600", "Your answer is '1600'"),
        (True, "Your answer is True"),
    ],
)
def test_wrong_segment_is_told_apart(evidence: FakeEvidence, answer: object, told: str) -> None:
    """The one before, the one after, the offset itself, text."""
    result = verdict("10.segment", evidence, answer)

    assert not result
    assert told in result.happened


def test_right_segment_passes(evidence: FakeEvidence) -> None:
    """The last name that is not above the offset."""
    assert verdict("10.segment", evidence, 1600)


def right_entry(entries: Entries, offset: int) -> OffsetEntry | None:
    """Solve the task."""
    return next((entry for entry in reversed(entries) if entry.offset <= offset), None)


def strictly_before(entries: Entries, offset: int) -> OffsetEntry | None:
    """Miss the entry whose offset is the one that is wanted."""
    return next((entry for entry in reversed(entries) if entry.offset < offset), None)


def first_after(entries: Entries, offset: int) -> OffsetEntry | None:
    """Lead past the offset."""
    return next((entry for entry in entries if entry.offset >= offset), None)


def always_first(entries: Entries, _offset: int) -> OffsetEntry | None:
    """Begin at the front each time, also when that is too late."""
    return entries[0]


def raises(_entries: Entries, _offset: int) -> OffsetEntry | None:
    """Fail."""
    raise IndexError("list index out of range")


def test_right_function_passes(evidence: FakeEvidence) -> None:
    """The last entry at or before."""
    assert verdict("10.index", evidence, right_entry)


@pytest.mark.parametrize("function", [strictly_before, first_after, always_first, raises, lambda: None])
def test_wrong_function_fails(evidence: FakeEvidence, function: Callable[..., object]) -> None:
    """Off by one, past the offset, always the first, an exception, no arguments: each is found out."""
    result = verdict("10.index", evidence, function)

    assert not result
    assert result.happened.startswith("Your function")


ABSURD = {"huge": 10**5000, "below zero": -(10**5000), "long": "x" * 5_000, "list": [0] * 5_000, "endless": None}


@pytest.mark.parametrize("name", ["10.segment", "10.retention", "10.compacted", "10.index"])
@pytest.mark.parametrize("kind", ABSURD)
def test_absurd_answers_are_told_in_a_short_sentence(evidence: FakeEvidence, name: str, kind: str) -> None:
    """Numbers that Python does not print, long texts and lists, a row of numbers without an end."""
    answer = itertools.count() if kind == "endless" else ABSURD[kind]
    facts = FakeEvidence(PROFILE_RECORDS) if name == "10.compacted" else evidence
    result = verdict(name, _Trimmed() if name == "10.retention" else facts, answer)

    assert not result
    assert len(result.happened) < 200


class _Trimmed(FakeEvidence):
    """Evidence of a log that retention has been at."""

    def log_start_offsets(self, topic: str) -> dict[int, int]:
        """See `Evidence`."""
        return {0: 1600} if topic == PLAYS else {}

    def log_end_offsets(self, topic: str) -> dict[int, int]:
        """See `Evidence`."""
        return {0: 3200} if topic == PLAYS else {}


@pytest.mark.parametrize(
    ("answer", "passed"), [(1600, True), (1500, False), (0, False), ("1600", False), (None, False)]
)
def test_retention_is_judged_by_where_the_log_begins(answer: object, passed: bool) -> None:
    """Only the real log start offset passes."""
    assert verdict("10.retention", _Trimmed(), answer).passed is passed


CHANGES = [("ana", b"jazz"), ("ben", b"rock"), ("ana", b"folk"), ("zoe", b"soul"), ("ben", None), ("ana", b"tango")]
PROFILE_RECORDS = [SeenRecord(PROFILES, 0, o, 1_000 + o, key.encode(), value) for o, (key, value) in enumerate(CHANGES)]


@pytest.mark.parametrize("answer", [[3, 4, 5], {5, 4, 3}, (4, 3, 5, 5)])
def test_compacted_passes_whatever_the_order(answer: object) -> None:
    """The newest of each key, the tombstone included; the offsets stay."""
    result = verdict("10.compacted", FakeEvidence(PROFILE_RECORDS), answer)

    assert result
    assert "3 of 6 records stay" in result.happened
    assert "tombstone" in result.happened


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ([0, 3, 4, 5], "key ana has a newer record"),
        ([3, 5], "the tombstone of ben"),
        ([4, 5], "the newest record of key zoe"),
        ([3, 4, 5, 9], "no record at offset 9"),
        ([0, 1, 2], "key ana has a newer record"),
        ("345", "Your answer is '345'"),
        ([3, "4", 5], "Your answer is"),
    ],
)
def test_wrong_compaction_is_told_apart(answer: object, told: str) -> None:
    """An old record kept, the tombstone or a lonely key left out, an offset that is not there."""
    result = verdict("10.compacted", FakeEvidence(PROFILE_RECORDS), answer)

    assert not result
    assert told in result.happened
