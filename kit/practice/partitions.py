"""``confluent kafka partition``: who leads each partition of a topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kit.practice.commands import Command, Group
from kit.practice.connections import administration
from kit.practice.context import CLUSTER, ENVIRONMENT, Context
from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.output import OUTPUT, Field
from kit.practice.state import KafkaCluster
from kit.practice.topics import ENDPOINT, known

_FIELDS = (
    Field("Cluster", "cluster"),
    Field("Topic Name", "topic_name"),
    Field("Partition ID", "partition"),
    Field("Leader ID", "leader"),
)


def _list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    rows = _rows(context, flags)
    context.print_list(flags, _FIELDS, rows, sort=False)  # partition 10 comes after 9, which text would not know


def _describe(context: Context, args: Sequence[str], flags: Flags) -> None:
    (text,) = args
    if not text.isdecimal():
        raise CliError(f'"{text}" is no partition ID', "Partition IDs are whole numbers from 0.")
    rows = {row["partition"]: row for row in _rows(context, flags)}
    if int(text) not in rows:
        raise CliError(f"REST request failed: {no_such_partition(int(text), flags['topic'], len(rows))}")
    context.print_object(flags, _FIELDS, rows[int(text)])


def no_such_partition(partition: int, topic: str, count: int) -> str:
    """A sentence about a partition that a topic does not have."""
    return f'the topic "{topic}" has no partition {partition}, only 0 to {count - 1}'


def _rows(context: Context, flags: Flags) -> list[dict[str, Any]]:
    cluster = context.cluster(flags)
    with administration(context, cluster) as admin:
        topic = known(admin, flags["topic"])
    return [_row(cluster, topic["name"], each) for each in sorted(topic["partitions"], key=_number)]


def _number(partition: Mapping[str, Any]) -> int:
    return int(partition["partition_index"])


def _row(cluster: KafkaCluster, topic: str, partition: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cluster": cluster.id,
        "topic_name": topic,
        "partition": _number(partition),
        "leader": partition["leader_id"],
    }


_TOPIC = Flag("topic", "Topic name to list partitions of.", required=True)

GROUPS = (Group("kafka partition", "Manage Kafka partitions."),)
COMMANDS = (
    Command(
        "kafka partition describe <id>",
        "Describe a Kafka partition.",
        _describe,
        (_TOPIC, ENDPOINT, CLUSTER, ENVIRONMENT, OUTPUT),
        examples=(
            ('Describe partition "1" for topic "orders":', "confluent kafka partition describe 1 --topic orders"),
        ),
    ),
    Command(
        "kafka partition list",
        "List Kafka partitions.",
        _list,
        (_TOPIC, ENDPOINT, CLUSTER, ENVIRONMENT, OUTPUT),
        examples=(('List the partitions of topic "orders":', "confluent kafka partition list --topic orders"),),
    ),
)
