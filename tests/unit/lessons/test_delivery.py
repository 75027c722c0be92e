"""Work that was due beside work that was done; lag; and commits read from their records."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.lessons.commit_log import Commit, Generation, commit_of, generation_of
from kit.lessons.delivery import compare, lag
from kit.lessons.power_cut import outcome, run_of
from kit.wire import codec
from kit.wire import messages as m


@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 20)))
def test_compare_accounts_for_every_piece(due: list[int], done: list[int]) -> None:
    """What is lost was never done, what is doubled was done so often, and the rest was done once."""
    found = compare(due, done)

    assert set(found.lost) == set(due) - set(done)
    assert all(done.count(piece) == times > 1 for piece, times in found.doubled)
    assert found.is_exact == (sorted(done) == sorted(set(due)))


@pytest.mark.parametrize(
    ("done", "text"),
    [
        ([1, 2, 3], "All 3 were done, each exactly once."),
        ([1], "Of 3, lost: 2, 3."),
        ([1, 2, 2, 3, 9], "Of 3, done more than once: 2; never due: 9."),
    ],
)
def test_delivery_says_what_came_of_it(done: list[int], text: str) -> None:
    """One sentence, in the order in which the pieces were due."""
    assert str(compare([1, 2, 3], done)) == text


def test_lag_begins_at_the_commit_or_the_start() -> None:
    """Without a commit all that is there counts; what retention took does not."""
    assert lag({0: 4, 2: 9}, {0: 0, 1: 5, 2: 20}, {0: 10, 1: 8, 2: 21}) == 6 + 3 + 1
    assert lag({0: 12}, {}, {0: 10}) == 0


def paid(name: str, run: int) -> SimpleNamespace:
    """A payment of a run."""
    return SimpleNamespace(key=name.encode(), headers=[("run", str(run).encode())])


def test_outcome_judges_the_last_run() -> None:
    """Payments of earlier runs lie in the same topic and do not count."""
    due = [SimpleNamespace(key=b"a", headers=()), SimpleNamespace(key=b"b", headers=())]

    assert outcome(due, [paid("a", 1), paid("a", 1), paid("a", 2), paid("b", 2)]).is_exact
    assert outcome(due, [paid("a", 1), paid("b", 2)], run=1).lost == ("b",)
    assert outcome(due, []).lost == ("a", "b")


@pytest.mark.parametrize("headers", [(), [("run", b"x")], [("run", b"\xff")], [("other", b"1")]])
def test_run_of_a_record_that_is_no_payment_is_0(headers: list[tuple[str, bytes]]) -> None:
    """Whatever lies in the topic."""
    assert run_of(headers) == 0


@pytest.mark.parametrize("version", range(5))
def test_commit_is_read_as_kafka_writes_it(version: int) -> None:
    """Key and value of every version there was."""
    key = codec.encode_versioned(m.OffsetCommitKey(group="g", topic="müsic", partition=7), min(version, 1))
    value = codec.encode_versioned(m.OffsetCommitValue(offset=42, metadata="note", commit_timestamp=99), version)

    commit = commit_of(key, value)

    assert commit == Commit("g", "müsic", 7, 42, 99)
    assert str(commit) == "group g: müsic-7 -> 42"
    assert str(commit_of(key, None)) == "group g: müsic-7 removed"


def test_records_about_members_are_no_commits() -> None:
    """The other records of the topic, and a version to come, are passed over."""
    assert commit_of(codec.encode_versioned(m.GroupMetadataKey(group="g"), 2), b"") is None
    assert commit_of(b"\x00\x01\x00\x01g\x00\x01t\x00\x00\x00\x00", b"\x00\x63" + bytes(30)) is None


@given(st.none() | st.binary(max_size=60), st.none() | st.binary(max_size=60))
def test_any_bytes_are_a_commit_or_none(key: bytes | None, value: bytes | None) -> None:
    """No record of the topic brings the reader down."""
    commit_of(key, value)


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_generation_is_read_as_kafka_writes_it(version: int) -> None:
    """Every version that brokers write: who is in the group, by client id, and the session timeouts."""
    members = [
        m.MemberMetadata(
            member_id=f"{name}-id", group_instance_id=None, client_id=name, client_host="/127.0.0.1",
            rebalance_timeout=60_000, session_timeout=timeout_ms, subscription=b"\x00\x01", assignment=b"",
        )
        for name, timeout_ms in (("müsic-2", 6_000), ("müsic-1", 3_000))
    ]  # fmt: skip
    value = m.GroupMetadataValue(
        protocol_type="consumer",
        generation=9,
        protocol="range",
        leader=None,
        current_state_timestamp=5,
        members=members,
    )
    key = codec.encode_versioned(m.GroupMetadataKey(group="g"), 2)

    found = generation_of(key, codec.encode_versioned(value, version))

    assert found == Generation("g", 9, ("müsic-1", "müsic-2"), (3_000, 6_000))
    assert generation_of(key, None) is None
    assert generation_of(codec.encode_versioned(m.OffsetCommitKey(group="g", topic="t", partition=0), 1), b"") is None


@given(st.binary(), st.binary())
def test_generation_of_anything_is_no_error(key: bytes, value: bytes) -> None:
    """A record that is something else, or cut short, is none."""
    generation_of(b"\x00\x02\x00\x01g" + key, b"\x00\x03" + value)
    generation_of(key, value)
