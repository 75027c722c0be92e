"""``kafka consumer``: groups, members and lag, on groups that a fake remembers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kafka import TopicPartition

from kit.practice import groups
from tests.support.practice import PracticeCli
from tests.support.practice_admin import FakeAdmin

MEMBER = {
    "member_id": "reader-1",
    "group_instance_id": None,
    "client_id": "confluent-cli",
    "member_assignment": {"assigned_partitions": [{"topic": "orders", "partitions": [0, 1]}]},
}
JOINING = {**MEMBER, "member_id": "reader-2", "group_instance_id": "desk", "member_assignment": None}


def _group(protocol_type: str, assignor: str, state: str, *members: dict[str, Any]) -> dict[str, Any]:
    return {"protocol_type": protocol_type, "protocol_data": assignor, "group_state": state, "members": list(members)}


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> FakeAdmin:
    """A group of two, one of them without partitions, a group that nobody is in, and one that never had members."""
    admin = FakeAdmin()
    monkeypatch.setattr(groups, "administration", admin.administration)
    admin.groups = {
        "billing": (_group("consumer", "range", "Stable", MEMBER, JOINING), 2),
        "audit": (_group("consumer", "", "PreparingRebalance"), 1),
        "simple": (_group("", "", "Empty"), 3),
    }
    admin.committed = {"billing": {TopicPartition("orders", at): at * 10 for at in range(3)}}
    admin.ends = {TopicPartition("orders", at): 30 for at in range(3)}
    return admin


def test_group_list_shows_coordinator_assignor_and_state(day2: PracticeCli, admin: FakeAdmin) -> None:
    """States are written as in Kafka REST; a group without members' protocol is simple."""
    assert day2.ok("kafka consumer group list") == (
        "   Cluster   | Consumer Group | Coordinator | Simple | Partition Assignor |        State         \n"
        "-------------+----------------+-------------+--------+--------------------+----------------------\n"
        f"  {day2.cluster} | audit          | 1           | false  |                    | PREPARING_REBALANCE  \n"
        f"  {day2.cluster} | billing        | 2           | false  | range              | STABLE               \n"
        f"  {day2.cluster} | simple         | 3           | true   |                    | EMPTY                \n"
    )


def test_group_describe_shows_one(day2: PracticeCli, admin: FakeAdmin) -> None:
    """An unknown one is refused in the real CLI's words."""
    assert json.loads(day2.ok("kafka consumer group describe billing -o json")) == {
        "cluster": day2.cluster,
        "consumer_group": "billing",
        "coordinator": "2",
        "is_simple": False,
        "partition_assignor": "range",
        "state": "STABLE",
    }
    for command in ("describe nope", "lag list nope", "lag summarize nope"):
        refused = day2(f"kafka consumer group {command}")
        assert refused.status == 1
        assert refused.err.startswith(
            "Error: REST request failed: This server does not host this consumer group.\n\nSuggestions:\n"
        )


def test_consumer_list_shows_members(day2: PracticeCli, admin: FakeAdmin) -> None:
    """With the instance of static ones."""
    rows = json.loads(day2.ok("kafka consumer list --group billing -o json"))

    assert rows == [
        {"consumer_group": "billing", "consumer": "reader-1", "instance": "", "client": "confluent-cli"},
        {"consumer_group": "billing", "consumer": "reader-2", "instance": "desk", "client": "confluent-cli"},
    ]


def test_lag_list_begins_with_the_partition_that_is_furthest_behind(day2: PracticeCli, admin: FakeAdmin) -> None:
    """Partitions that nobody reads now have no consumer."""
    rows = json.loads(day2.ok("kafka consumer group lag list billing -o json"))

    assert [(row["partition"], row["lag"], row["consumer"]) for row in rows] == [
        (0, 30, "reader-1"),
        (1, 20, "reader-1"),
        (2, 10, ""),
    ]
    assert list(rows[0]) == [
        "cluster", "consumer_group", "lag", "log_end_offset", "current_offset", "consumer", "instance", "client",
        "topic", "partition",
    ]  # fmt: skip


def test_lag_describe_shows_one_partition(day2: PracticeCli, admin: FakeAdmin) -> None:
    """Of a partition without a committed offset nothing is known."""
    line = "kafka consumer group lag describe billing --topic orders --partition"

    shown = json.loads(day2.ok(f"{line} 2 -o json"))
    assert (shown["current_offset"], shown["log_end_offset"], shown["lag"]) == (20, 30, 10)
    refused = day2(f"{line} 5")
    assert (refused.status, "has committed no offset of partition 5" in refused.err) == (1, True)


def test_lag_summarize_adds_up_and_names_the_worst(day2: PracticeCli, admin: FakeAdmin) -> None:
    """To the character; a group that committed nothing has no lag yet."""
    out = day2.ok("kafka consumer group lag summarize billing")

    assert out == (
        "+-------------------+---------------+\n"
        f"| Cluster           | {day2.cluster}    |\n"
        "| Consumer Group    | billing       |\n"
        "| Total Lag         | 60            |\n"
        "| Max Lag           | 30            |\n"
        "| Max Lag Consumer  | reader-1      |\n"
        "| Max Lag Instance  |               |\n"
        "| Max Lag Client    | confluent-cli |\n"
        "| Max Lag Topic     | orders        |\n"
        "| Max Lag Partition | 0             |\n"
        "+-------------------+---------------+\n"
    )
    assert "has committed no offset yet" in day2("kafka consumer group lag summarize audit").err
    assert day2.ok("kafka consumer group lag list audit") == "None found.\n"
