"""The records of ``__consumer_offsets``: golden bytes written by Apache Kafka 4.3.1's own classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.member import Member
from kit.broker.groups.records import (
    CommittedOffset,
    GroupChange,
    OffsetChange,
    OffsetKey,
    group_snapshot,
    read_changes,
    restore_group,
    to_batch,
)
from kit.broker.groups.subscription import subscribed_topics
from kit.wire.batch_builder import build_batch
from kit.wire.records import Record

NOW_MS = 1_700_000_000_000
OFFSET_KEY = "000100016700076c697374656e7300000002"
GROUP_KEY = "0002000167"
GROUP_VALUE = (
    "00030008636f6e73756d657200000003000572616e676500036d2d310000018bcfe568000000000100036d2d3100036f6e650006636c6965"
    "6e74000a2f3132372e302e302e310000ea60000027100000000201020000000103"
)
KEY = OffsetKey("g", "listens", 2)


def a_group() -> Group:
    """Generation 3 with one static member."""
    group = Group("g", GroupState.STABLE, NOW_MS)
    group.generation_id = 3
    group.protocol_name = "range"
    member = Member(
        "m-1", "one", "client", "/127.0.0.1", 60_000, 10_000, "consumer", {"range": b"\1\2"}, assignment=b"\3"
    )
    group.add(member)
    return group


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        (
            OffsetChange(KEY, CommittedOffset(5, 4, "note", NOW_MS)),
            OFFSET_KEY,
            "000300000000000000050000000400046e6f74650000018bcfe56800",
        ),
        (
            OffsetChange(KEY, CommittedOffset(5, -1, "", NOW_MS, NOW_MS + 1)),
            OFFSET_KEY,
            "0001000000000000000500000000018bcfe568000000018bcfe56801",
        ),
        (OffsetChange(KEY, None), OFFSET_KEY, None),
        (group_snapshot(a_group(), {"m-1": b"\3"}), GROUP_KEY, GROUP_VALUE),
        (
            group_snapshot(Group("g", now_ms=NOW_MS), {}),
            GROUP_KEY,
            "0003000000000000ffffffff0000018bcfe5680000000000",
        ),
        (GroupChange("g", None), GROUP_KEY, None),
    ],
    ids=["offset", "offset with expiry", "offset tombstone", "group", "empty group", "group tombstone"],
)
def test_change_is_written_as_apache_writes_it(change, key, value):
    """Key and value are Apache's bytes, and read back they are the same change."""
    record = change.to_record(NOW_MS)

    assert record.key is not None
    assert (record.key.hex(), record.value and record.value.hex()) == (key, value)
    assert list(read_changes(to_batch([change], NOW_MS))) == [change]


@pytest.mark.parametrize(
    ("key", "value", "change"),
    [
        (
            OFFSET_KEY,
            "0004000000000000000500000004056e6f74650000018bcfe5680000",
            OffsetChange(KEY, CommittedOffset(5, 4, "note", NOW_MS)),
        ),
        ("0003000167", "00000000", None),
        ("00", None, None),
    ],
    ids=["flexible version 4", "a record of a KIP-848 group", "no version"],
)
def test_other_records_of_apache_are_read_or_passed_over(key, value, change):
    """Newer versions of known records are understood; unknown ones are left alone."""
    batch = build_batch([Record(0, NOW_MS, bytes.fromhex(key), value and bytes.fromhex(value))])

    assert list(read_changes(batch)) == ([] if change is None else [change])


def test_control_batch_holds_no_changes():
    """The markers that end transactions are no group records."""
    batch = build_batch([Record(0, NOW_MS, b"\0\0\0\1", b"\0\0\0\0\0\0")], is_control=True)

    assert list(read_changes(batch)) == []


def test_group_is_restored_from_its_record():
    """What a new coordinator needs of a group comes back; several batches on end are read in order."""
    batches = to_batch([group_snapshot(Group("g"), {})], NOW_MS) + to_batch(
        [group_snapshot(a_group(), {"m-1": b"\3"})], NOW_MS
    )
    change = list(read_changes(bytes(batches)))[-1]
    assert isinstance(change, GroupChange)
    assert change.value is not None

    group = restore_group("g", change.value)

    assert (group.state, group.generation_id, group.leader_id) == (GroupState.STABLE, 3, "m-1")
    assert (group.protocol_type, group.protocol_name, group.state_timestamp_ms) == ("consumer", "range", NOW_MS)
    assert group.static_members == {"one": "m-1"}
    member = group.members["m-1"]
    assert (member.protocols, member.assignment) == ({"range": b"\1\2"}, b"\3")
    assert (member.session_timeout_ms, member.rebalance_timeout_ms) == (10_000, 60_000)


@given(st.binary(max_size=40))
def test_any_metadata_is_a_subscription_or_not(metadata):
    """Members may send any bytes as their metadata."""
    topics = subscribed_topics(metadata)

    assert topics is None or all(isinstance(topic, str) for topic in topics)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_subscription_is_read(topics):
    """A consumer's subscription gives its topics, whatever a later version appends to it."""
    names = b"".join(len(topic.encode()).to_bytes(2) + topic.encode() for topic in topics)

    assert subscribed_topics(b"\0\3" + len(topics).to_bytes(4) + names + b"more") == frozenset(topics)


@pytest.mark.parametrize("metadata", [b"", b"\xff\xff\0\0\0\0", b"\0\0\x7f\xff\xff\xff", b"\0\0\0\0\0\1\0\5ab"])
def test_broken_subscription_is_none(metadata):
    """Too short, a negative version, a count or a length beyond the end."""
    assert subscribed_topics(metadata) is None
