"""The checks of lab 01 on evidence made by hand: right and wrong answers, and feedback that names the place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.checks import SeenRecord, names, verdict
from kit.checks.lab_01 import FIELDS, LISTENS, SKIPS
from tests.support.fake_evidence import FakeEvidence


def seen(partition: int, offset: int, topic: str = LISTENS, **parts: object) -> SeenRecord:
    """Give a record, with what the test does not care about filled in; no two have the same time."""
    given_parts = {"key": b"ana", "value": b"song", "timestamp_ms": 1_000 + 100 * partition + offset, **parts}
    return SeenRecord(topic=topic, partition=partition, offset=offset, **given_parts)  # type: ignore[arg-type]


RECORDS = [*(seen(0, offset) for offset in range(4)), *(seen(1, offset) for offset in range(2))]
AT_END = {0: 4, 1: 2, 2: 0}


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("01.")])
@pytest.mark.parametrize("answer", [None, "", "kept", [], [1, None], [[]], 7, ("offset",)])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: object) -> None:
    """Whatever is handed in, a check on a cluster with nothing in it fails with a next step and no exception."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.happened
    assert result.where
    assert result.try_next


@pytest.mark.parametrize(("answer", "passed"), [("kept", True), ("gone", False), ("lost", False), (None, False)])
def test_retained_judges_the_guess_by_what_is_there(answer: str | None, passed: bool) -> None:
    """Only "kept" passes, and the feedback names the oldest record's place."""
    result = verdict("01.retained", FakeEvidence(RECORDS), answer)

    assert result.passed == passed
    assert result.where == f"topic {LISTENS}, partition 0, offset 0"


def test_record_passes_with_key_json_and_header() -> None:
    """A complete record passes, also when a newer one is incomplete."""
    complete = seen(2, 0, value=json.dumps({"track": "x"}).encode(), headers=(("source", b"lab"),), timestamp_ms=5_000)

    result = verdict("01.record", FakeEvidence([*RECORDS, complete, seen(2, 1, timestamp_ms=6_000)]))

    assert result.passed
    assert "partition 2, offset 0" in result.where


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        ({"key": None}, "no key"),
        ({"key": b""}, "no key"),
        ({"value": b"[1]"}, "no JSON object"),
        ({"value": b"\xff"}, "no JSON object"),
        ({"value": None}, "no JSON object"),
        ({"headers": (("Source", b"lab"),)}, "no header called source"),
    ],
)
def test_record_names_what_is_missing(parts: dict[str, object], missing: str) -> None:
    """One missing part is named, the parts that are right are not."""
    whole = {"value": b"{}", "headers": (("source", b"lab"),)}

    result = verdict("01.record", FakeEvidence([seen(0, 0, **{**whole, **parts})]))

    assert not result
    assert missing in result.happened
    assert result.happened.count("no ") == 1


def test_record_judges_the_newest_attempt() -> None:
    """The feedback is about what the student has just sent, not about an older record that came nearer."""
    older = seen(0, 0, value=b"{}", timestamp_ms=1_000)

    result = verdict("01.record", FakeEvidence([older, seen(1, 0, key=None, timestamp_ms=2_000)]))

    assert "no key" in result.happened
    assert "partition 1" in result.where


@given(st.sets(st.sampled_from(FIELDS)))
def test_offsets_accepts_the_address_and_nothing_else(fields: set[str]) -> None:
    """Of all sets of fields only topic, partition and offset pass."""
    result = verdict("01.offsets", FakeEvidence([*RECORDS, seen(0, 0, topic=SKIPS)]), fields)

    assert result.passed == (fields == {"topic", "partition", "offset"})


def test_offsets_shows_two_records_that_the_answer_cannot_tell_apart() -> None:
    """Topic and offset are not enough as soon as two partitions have a record."""
    result = verdict("01.offsets", FakeEvidence(RECORDS), ["topic", "offset"])

    assert "partition 0, offset 0" in result.where
    assert "partition 1, offset 0" in result.where


def test_catch_up_passes_when_the_group_read_the_rest_and_committed() -> None:
    """The newest records of each partition, and commits at the end, are what a returning group leaves behind."""
    result = verdict("01.catch-up", FakeEvidence(RECORDS, {("charts", LISTENS): AT_END}), RECORDS[2:])

    assert result.passed


@pytest.mark.parametrize(
    ("committed", "answer", "told"),
    [
        ({}, RECORDS[2:], "commit()"),
        ({0: 3, 1: 2, 2: 0}, RECORDS[2:], "commit()"),
        (AT_END, RECORDS, "read again"),
        (AT_END, [], "nobody of the group"),
        (AT_END, [RECORDS[1], RECORDS[3]], "whole list"),
        (AT_END, "12", "list that came back"),
    ],
)
def test_catch_up_tells_each_mistake_apart(committed: dict[int, int], answer: object, told: str) -> None:
    """No commit, a commit short of the end, everything read again, nothing read, a hole: each gets its own words."""
    result = verdict("01.catch-up", FakeEvidence(RECORDS, {("charts", LISTENS): committed}), answer)

    assert not result
    assert told in f"{result.happened} {result.try_next}"


def test_royalties_passes_when_another_group_read_all_and_committed() -> None:
    """A group whose name begins with royalties counts: the first name may be used up."""
    evidence = FakeEvidence(RECORDS, {("royalties", LISTENS): AT_END, ("royalties-2", LISTENS): AT_END})

    assert verdict("01.royalties", evidence, RECORDS)


def test_royalties_asks_for_the_commit_of_the_group_that_is_named() -> None:
    """That another group of that name has committed helps nobody: the named one begins again next time."""
    committed = {("royalties", LISTENS): AT_END}

    assert (
        "royalties-2 has not committed"
        in verdict("01.royalties", FakeEvidence(RECORDS, committed), {"royalties-2": RECORDS}).happened
    )
    committed["royalties-2", LISTENS] = AT_END
    assert verdict("01.royalties", FakeEvidence(RECORDS, committed), {"royalties-2": RECORDS})


@pytest.mark.parametrize("answer", [{}, {"royalties": None}, {"royalties": "all"}, {None: 7}, {"charts": RECORDS}])
def test_royalties_takes_any_answer_for_what_it_is(answer: object) -> None:
    """Nothing, nonsense and the group of the charts pay nobody."""
    evidence = FakeEvidence(RECORDS, {("royalties", LISTENS): AT_END, ("charts", LISTENS): AT_END})

    assert not verdict("01.royalties", evidence, answer)


def test_royalties_tells_what_runs_without_a_commit_have_cost() -> None:
    """Who first reads without a commit and then with one has paid twice: told, and not held against the right cell."""
    evidence = FakeEvidence(RECORDS, {("royalties", LISTENS): AT_END})
    result = verdict("01.royalties", evidence, [*RECORDS, *RECORDS])

    assert result
    assert f"{len(RECORDS)} payments too many" in result.happened


@pytest.mark.parametrize(
    ("committed", "answer", "told"),
    [
        ({}, [], '"earliest"'),
        ({"royalties": AT_END}, [], "royalties-2"),
        ({}, RECORDS, "commit()"),
        ({"charts": AT_END}, RECORDS, "commit()"),
        ({"royalties": {0: 4}}, RECORDS, "partition 1 ends at 2"),
    ],
)
def test_royalties_tells_each_mistake_apart(committed: dict[str, dict[int, int]], answer: object, told: str) -> None:
    """Begun at the end, begun at an old commit, not committed: each gets its own words."""
    result = verdict(
        "01.royalties", FakeEvidence(RECORDS, {(group, LISTENS): places for group, places in committed.items()}), answer
    )

    assert not result
    assert told in f"{result.happened} {result.try_next}"
