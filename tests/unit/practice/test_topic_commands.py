"""``kafka topic`` and ``kafka partition``: shapes, errors and exit statuses, on topics that a fake remembers."""

from __future__ import annotations

import json

import pytest

from kit.practice import partitions, topics
from tests.support.practice import PracticeCli
from tests.support.practice_admin import FakeAdmin


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> FakeAdmin:
    """The topics "orders" with 6 partitions and "returns" with 12."""
    admin = FakeAdmin()
    for module in (topics, partitions):
        monkeypatch.setattr(module, "administration", admin.administration)
    return admin


def test_list_shows_topics_and_hides_internal_ones(day2: PracticeCli, admin: FakeAdmin) -> None:
    """To the character; JSON has the reference's keys."""
    assert day2.ok("kafka topic list") == (
        "   Name   | Internal | Replication Factor | Partition Count  \n"
        "----------+----------+--------------------+------------------\n"
        "  orders  | false    |                  3 |               6  \n"
        "  returns | false    |                  3 |              12  \n"
    )
    assert json.loads(day2.ok("kafka topic list -o json"))[0] == {
        "name": "orders",
        "is_internal": False,
        "replication_factor": 3,
        "partition_count": 6,
    }
    admin.partitions.clear()
    assert day2.ok("kafka topic list") == "None found.\n"


def test_describe_shows_one_topic(day2: PracticeCli, admin: FakeAdmin) -> None:
    """A box, or an error in the real CLI's words."""
    assert day2.ok("kafka topic describe orders") == (
        "+--------------------+--------+\n"
        "| Name               | orders |\n"
        "| Internal           | false  |\n"
        "| Replication Factor | 3      |\n"
        "| Partition Count    | 6      |\n"
        "+--------------------+--------+\n"
    )
    del admin.partitions["orders"]
    missing = day2("kafka topic describe orders")
    assert (missing.status, missing.err.splitlines()[0]) == (1, 'Error: unknown topic "orders"')


def test_create_says_what_it_made(day2: PracticeCli, admin: FakeAdmin) -> None:
    """Partitions and settings are those that were asked for."""
    assert day2.ok("kafka topic create t --partitions 3 --config retention.ms=1,cleanup.policy=compact,delete") == (
        'Created topic "t".\n'
    )

    assert admin.partitions["t"] == 3
    assert admin.configs["t"] == {"retention.ms": "1", "cleanup.policy": "compact,delete"}


def test_create_refuses_a_topic_that_exists(day2: PracticeCli, admin: FakeAdmin) -> None:
    """Unless that is all right."""
    again = day2("kafka topic create orders")

    assert again.status == 1
    assert again.err == (
        f'Error: topic "orders" already exists for Kafka cluster "{day2.cluster}"\n\nSuggestions:\n'
        f'    To list topics for the cluster "{day2.cluster}", use '
        f"`confluent kafka topic list --cluster {day2.cluster}`.\n"
    )
    assert day2.ok("kafka topic create orders --if-not-exists") == ""
    assert admin.partitions["orders"] == 6


def test_create_says_why_the_cluster_refused(day2: PracticeCli, admin: FakeAdmin) -> None:
    """The broker's own sentence; a negative number is none for a flag."""
    assert day2("kafka topic create t --partitions 0").err == "Error: REST request failed: Not that many partitions.\n"
    assert day2("kafka topic create t --partitions -1").err.startswith(
        'Error: invalid argument "-1" for "--partitions" flag: strconv.ParseUint: parsing "-1": invalid syntax\n'
    )
    assert "t" not in admin.partitions


def test_dry_run_creates_nothing(day2: PracticeCli, admin: FakeAdmin) -> None:
    """It says the same, as the real CLI does, and still refuses what is wrong."""
    assert day2.ok("kafka topic create t --dry-run") == 'Created topic "t".\n'
    assert "t" not in admin.partitions
    assert day2("kafka topic create orders --dry-run").status == 1


def test_update_changes_settings_and_partitions(day2: PracticeCli, admin: FakeAdmin) -> None:
    """What was asked for is shown as it is now; the sentence before it is no part of the result."""
    result = day2("kafka topic update orders --config retention.ms=1000,num.partitions=8")

    assert result.status == 0
    assert result.err == 'Updated the following configuration values for topic "orders":\n'
    assert result.out == (
        "       Name      | Value | Read-Only  \n"
        "-----------------+-------+------------\n"
        "  num.partitions | 8     | false      \n"
        "  retention.ms   | 1000  | false      \n"
    )
    assert admin.partitions["orders"] == 8


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("num.partitions=6,retention.ms=1", "REST request failed: The count can only grow."),
        ("num.partitions=many,retention.ms=1", '"many" is no number of partitions'),
        ("retention.ms=never,num.partitions=8", "REST request failed: retention.ms=never is not possible."),
        ("retention.ms", 'failed to parse "key=value" pattern from configuration: retention.ms'),
    ],
)
def test_update_that_is_refused_changes_nothing(day2: PracticeCli, admin: FakeAdmin, config: str, words: str) -> None:
    """Neither the settings nor the number of partitions."""
    refused = day2(f"kafka topic update orders --config {config}")

    assert refused.status == 1
    assert refused.err.startswith(f"Error: {words}")
    assert (admin.partitions["orders"], admin.configs["orders"]["retention.ms"]) == (6, "604800000")


def test_update_dry_run_and_unknown_topic(day2: PracticeCli, admin: FakeAdmin) -> None:
    """The first changes nothing, the second is refused; without settings there is nothing to do."""
    assert day2.ok("kafka topic update orders --config retention.ms=1,num.partitions=9 --dry-run") == (
        'Updated topic "orders".\n'
    )
    assert (admin.partitions["orders"], admin.configs["orders"]["retention.ms"]) == (6, "604800000")
    assert day2("kafka topic update nope --config retention.ms=1").err.startswith('Error: unknown topic "nope"\n')
    assert day2("kafka topic update orders").err.startswith('Error: required flag(s) "config" not set\n')


def test_configuration_list_has_the_number_of_partitions_too(day2: PracticeCli, admin: FakeAdmin) -> None:
    """Settings that cannot be changed say so."""
    assert day2.ok("kafka topic configuration list orders") == (
        "       Name      |   Value   | Read-Only  \n"
        "-----------------+-----------+------------\n"
        "  fixed.setting  |           | true       \n"
        "  num.partitions | 6         | false      \n"
        "  retention.ms   | 604800000 | false      \n"
    )


def test_delete_asks_and_takes_several(day2: PracticeCli, admin: FakeAdmin) -> None:
    """The answer "n" deletes nothing and is no error; an unknown one stops before the question."""
    declined = day2("kafka topic delete orders", stdin="n\n")
    assert (declined.status, declined.out) == (0, 'Are you sure you want to delete topic "orders"? (y/n): ')

    missing = day2("kafka topic delete orders nope __consumer_offsets")
    assert missing.status == 1
    assert missing.err == (
        'Error: topics "nope" and "__consumer_offsets" not found\n\nSuggestions:\n'
        "    List available topics with `confluent kafka topic list`.\n"
    )

    assert day2.ok("kafka topic delete orders returns orders --force") == 'Deleted topics "orders" and "returns".\n'
    assert admin.partitions == {}


def test_partition_list_counts_to_ten(day2: PracticeCli, admin: FakeAdmin) -> None:
    """Partitions come in the order of numbers, not of texts."""
    rows = json.loads(day2.ok("kafka partition list --topic returns -o json"))

    assert [row["partition"] for row in rows] == list(range(12))
    assert rows[10] == {"cluster": day2.cluster, "topic_name": "returns", "partition": 10, "leader": 2}


def test_partition_describe_shows_one(day2: PracticeCli, admin: FakeAdmin) -> None:
    """Or says which there are."""
    assert "| Leader ID    | 2 " in day2.ok("kafka partition describe 1 --topic orders")
    for text, words in [("6", "has no partition 6, only 0 to 5"), ("x", '"x" is no partition ID')]:
        refused = day2(f"kafka partition describe {text} --topic orders")
        assert (refused.status, words in refused.err) == (1, True)


def test_names_of_topics_are_offered_only_while_the_cluster_runs(day2: PracticeCli, admin: FakeAdmin) -> None:
    """The tab key starts no cluster."""
    context = day2.context()
    assert topics.names(context) == ["orders", "returns"]

    day2.services.crash(day2.cluster)

    assert topics.names(context) == []
