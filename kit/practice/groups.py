"""``confluent kafka consumer``: consumer groups, their members, and how far they are behind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kit.practice.commands import Command, Group
from kit.practice.connections import administration
from kit.practice.context import CLUSTER, ENVIRONMENT, Context
from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.output import OUTPUT, Field
from kit.practice.topics import ENDPOINT

_GROUP_FIELDS = (
    Field("Cluster", "cluster"),
    Field("Consumer Group", "consumer_group"),
    Field("Coordinator", "coordinator"),
    Field("Simple", "is_simple"),
    Field("Partition Assignor", "partition_assignor"),
    Field("State", "state"),
)
_CONSUMER_FIELDS = (
    Field("Consumer Group", "consumer_group"),
    Field("Consumer", "consumer"),
    Field("Instance", "instance"),
    Field("Client", "client"),
)
_LAG_FIELDS = (
    Field("Cluster", "cluster"),
    Field("Consumer Group", "consumer_group"),
    Field("Lag", "lag"),
    Field("Log End Offset", "log_end_offset"),
    Field("Current Offset", "current_offset"),
    Field("Consumer", "consumer"),
    Field("Instance", "instance"),
    Field("Client", "client"),
    Field("Topic", "topic"),
    Field("Partition", "partition"),
)
_SUMMARY_FIELDS = (
    Field("Cluster", "cluster"),
    Field("Consumer Group", "consumer_group"),
    Field("Total Lag", "total_lag"),
    Field("Max Lag", "max_lag"),
    Field("Max Lag Consumer", "max_lag_consumer"),
    Field("Max Lag Instance", "max_lag_instance"),
    Field("Max Lag Client", "max_lag_client"),
    Field("Max Lag Topic", "max_lag_topic"),
    Field("Max Lag Partition", "max_lag_partition"),
)
_NO_GROUP = "REST request failed: This server does not host this consumer group."
_LIST_SUGGESTION = "List consumer groups with `confluent kafka consumer group list`."
_NOBODY = {"consumer": "", "instance": "", "client": ""}


def _list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    cluster = context.cluster(flags)
    rows = []
    with administration(context, cluster) as admin:
        for group, coordinator in _coordinators(admin).items():
            found = admin.describe_groups([group], group_coordinator_id=coordinator)[group]
            rows.append(_group_row(cluster.id, found, coordinator))
    context.print_list(flags, _GROUP_FIELDS, rows)


def _describe(context: Context, args: Sequence[str], flags: Flags) -> None:
    cluster = context.cluster(flags)
    with administration(context, cluster) as admin:
        found, coordinator = _known(admin, args[0])
    context.print_object(flags, _GROUP_FIELDS, _group_row(cluster.id, found, coordinator))


def _coordinators(admin: Any) -> dict[str, int]:
    """The groups there are, and the broker that takes care of each: only that one lists it."""
    brokers = [broker["broker_id"] for broker in admin.describe_cluster()["brokers"]]
    return {group["group_id"]: broker for broker in brokers for group in admin.list_groups(broker_ids=[broker])}


def _known(admin: Any, group: str) -> tuple[dict[str, Any], int]:
    coordinator = _coordinators(admin).get(group)
    if coordinator is None:
        raise CliError(_NO_GROUP, _LIST_SUGGESTION)
    return admin.describe_groups([group], group_coordinator_id=coordinator)[group], coordinator


def _group_row(cluster_id: str, group: Mapping[str, Any], coordinator: int) -> dict[str, Any]:
    return {
        "cluster": cluster_id,
        "consumer_group": group["group_id"],
        "coordinator": str(coordinator),
        "is_simple": not group["protocol_type"],  # offsets were committed without joining the group
        "partition_assignor": group["protocol_data"],
        "state": re.sub(r"(?<=[a-z])(?=[A-Z])", "_", group["group_state"]).upper(),
    }


def _consumer_list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    with administration(context, context.cluster(flags)) as admin:
        found, _ = _known(admin, flags["group"])
    rows = [{"consumer_group": flags["group"], **_consumer(member)} for member in found["members"]]
    context.print_list(flags, _CONSUMER_FIELDS, rows)


def _consumer(member: Mapping[str, Any]) -> dict[str, str]:
    return {
        "consumer": member["member_id"],
        "instance": member.get("group_instance_id") or "",
        "client": member["client_id"],
    }


# -- lag ---------------------------------------------------------------------------------------------------------------


def _lag_rows(context: Context, group: str, flags: Flags) -> list[dict[str, Any]]:
    """The group's partitions, those that are furthest behind first.

    A partition is there when the group has committed an offset of it; lag counts from that offset to the end of the
    log, so records that were processed and not committed count too.
    """
    from kafka.admin import OffsetSpec

    cluster = context.cluster(flags)
    with administration(context, cluster) as admin:
        found, _ = _known(admin, group)
        committed = {at: each.offset for at, each in admin.list_group_offsets([group])[group].items()}
        ends = admin.list_partition_offsets(dict.fromkeys(committed, OffsetSpec.LATEST)) if committed else {}
    owners = _owners(found)
    rows = [
        {
            "cluster": cluster.id,
            "consumer_group": group,
            "lag": max(0, ends[at].offset - offset),
            "log_end_offset": ends[at].offset,
            "current_offset": offset,
            **owners.get((at.topic, at.partition), _NOBODY),
            "topic": at.topic,
            "partition": at.partition,
        }
        for at, offset in committed.items()
    ]
    return sorted(rows, key=lambda row: (-row["lag"], row["topic"], row["partition"]))


def _owners(group: Mapping[str, Any]) -> dict[tuple[str, int], dict[str, str]]:
    """The member that has each partition now."""
    return {
        (topic["topic"], partition): _consumer(member)
        for member in group["members"]
        for topic in (member["member_assignment"] or {"assigned_partitions": ()})["assigned_partitions"]
        for partition in topic["partitions"]
    }


def _lag_list(context: Context, args: Sequence[str], flags: Flags) -> None:
    context.print_list(flags, _LAG_FIELDS, _lag_rows(context, args[0], flags), sort=False)


def _lag_describe(context: Context, args: Sequence[str], flags: Flags) -> None:
    topic, partition = flags["topic"], flags["partition"]
    for row in _lag_rows(context, args[0], flags):
        if (row["topic"], row["partition"]) == (topic, partition):
            context.print_object(flags, _LAG_FIELDS, row)
            return
    raise CliError(
        f'consumer group "{args[0]}" has committed no offset of partition {partition} of topic "{topic}"',
        f"List its partitions with `confluent kafka consumer group lag list {args[0]}`.",
    )


def _lag_summarize(context: Context, args: Sequence[str], flags: Flags) -> None:
    rows = _lag_rows(context, args[0], flags)
    if not rows:
        raise CliError(
            f'consumer group "{args[0]}" has committed no offset yet',
            "Its lag is known when it has: consumers commit every few seconds, and when they end.",
        )
    worst = rows[0]
    summary = {
        "cluster": worst["cluster"],
        "consumer_group": args[0],
        "total_lag": sum(row["lag"] for row in rows),
        "max_lag": worst["lag"],
        **{f"max_lag_{name}": worst[name] for name in ("consumer", "instance", "client", "topic", "partition")},
    }
    context.print_object(flags, _SUMMARY_FIELDS, summary)


def names(context: Context) -> list[str]:
    """The groups of the cluster in use, for the tab key: none when it does not run."""
    current = context.current_environment().current_cluster
    if not current or not context.processes.is_running(current):
        return []
    with administration(context, context.state.clusters[current]) as admin:
        return sorted(_coordinators(admin))


_COMMON = (ENDPOINT, CLUSTER, ENVIRONMENT, OUTPUT)
GROUPS = (
    Group("kafka consumer", "Manage Kafka consumers."),
    Group("kafka consumer group", "Manage Kafka consumer groups."),
    Group("kafka consumer group lag", "View consumer lag."),
)
COMMANDS = (
    Command(
        "kafka consumer list",
        "List Kafka consumers.",
        _consumer_list,
        (Flag("group", "Consumer group ID.", required=True), *_COMMON),
        examples=(('List all consumers in the group "billing":', "confluent kafka consumer list --group billing"),),
    ),
    Command("kafka consumer group list", "List Kafka consumer groups.", _list, _COMMON),
    Command("kafka consumer group describe <group>", "Describe a Kafka consumer group.", _describe, _COMMON,
            complete=names),
    Command(
        "kafka consumer group lag describe <group>",
        "Describe consumer lag for a Kafka topic partition consumed by a consumer group.",
        _lag_describe,
        (
            Flag("topic", "Topic name.", required=True),
            Flag("partition", "Partition ID.", "int", required=True),
            *_COMMON,
        ),
        examples=((
            'Describe the lag of the group "billing" for partition 0 of topic "orders":',
            "confluent kafka consumer group lag describe billing --topic orders --partition 0",
        ),),
        complete=names,
    ),
    Command(
        "kafka consumer group lag list <group>",
        "List consumer lags for a Kafka consumer group.",
        _lag_list,
        _COMMON,
        complete=names,
    ),
    Command(
        "kafka consumer group lag summarize <group>",
        "Summarize consumer lag for a Kafka consumer group.",
        _lag_summarize,
        _COMMON,
        complete=names,
    ),
)  # fmt: skip
