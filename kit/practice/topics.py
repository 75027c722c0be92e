"""``confluent kafka topic``: topics of the cluster in use, without their records (see `producing` and `consuming`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kit.practice.commands import Command, Group
from kit.practice.configurations import read_pairs
from kit.practice.connections import administration, described
from kit.practice.context import CLUSTER, ENVIRONMENT, FORCE, Context, missing_error, unique
from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.output import OUTPUT, Field
from kit.practice.state import KafkaCluster

ENDPOINT = Flag(
    "kafka-endpoint", "Endpoint to be used for this Kafka cluster.", refusal="its clusters have one endpoint each"
)
PARTITION_COUNT = "num.partitions"  # the CLI changes it like a setting, and Kafka does not

_FIELDS = (
    Field("Name", "name"),
    Field("Internal", "is_internal"),
    Field("Replication Factor", "replication_factor"),
    Field("Partition Count", "partition_count"),
)
_SETTING_FIELDS = (Field("Name", "name"), Field("Value", "value"), Field("Read-Only", "read_only"))
_PAIRS_HELP = (
    'A comma-separated list of "key=value" pairs, or path to a configuration file containing a newline-separated list '
    'of "key=value" pairs.'
)
_DRY_RUN = Flag("dry-run", "Run the command without committing changes.", "bool")
_LIST_SUGGESTION = "List available topics with `confluent kafka topic list`."
_TOPIC_ALREADY_EXISTS = 36


def _create(context: Context, args: Sequence[str], flags: Flags) -> None:
    (name,) = args
    wanted: dict[str, Any] = {"configs": read_pairs(flags["config"])}
    if flags.given("partitions"):
        wanted["num_partitions"] = flags["partitions"]
    cluster = context.cluster(flags)
    with administration(context, cluster) as admin:
        answer = admin.create_topics({name: wanted}, validate_only=flags["dry-run"], raise_errors=False)["topics"][0]
        if answer["error_code"] == _TOPIC_ALREADY_EXISTS:
            if flags["if-not-exists"]:
                return
            raise CliError(
                f'topic "{name}" already exists for Kafka cluster "{cluster.id}"',
                f'To list topics for the cluster "{cluster.id}", use '
                f"`confluent kafka topic list --cluster {cluster.id}`.",
            )
        _check(answer)
        if not flags["dry-run"]:
            admin.wait_for_topics([name])
    context.print(f'Created topic "{name}".')


def _list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    with administration(context, context.cluster(flags)) as admin:
        rows = [_row(each) for each in admin.describe_topics() if not each["is_internal"]]
    context.print_list(flags, _FIELDS, rows)


def _describe(context: Context, args: Sequence[str], flags: Flags) -> None:
    with administration(context, context.cluster(flags)) as admin:
        row = _row(known(admin, args[0]))
    context.print_object(flags, _FIELDS, row)


def _row(topic: Mapping[str, Any]) -> dict[str, Any]:
    partitions = topic["partitions"]
    return {
        "name": topic["name"],
        "is_internal": topic["is_internal"],
        "replication_factor": len(partitions[0]["replica_nodes"]) if partitions else 0,
        "partition_count": len(partitions),
    }


def known(admin: Any, name: str) -> dict[str, Any]:
    """What the cluster says about a topic.

    Raises:
        CliError: there is no such topic.
    """
    found = described(admin, name)
    if found is None:
        raise CliError(f'unknown topic "{name}"', _LIST_SUGGESTION)
    return found


def _update(context: Context, args: Sequence[str], flags: Flags) -> None:
    (name,) = args
    wanted = read_pairs(flags["config"])
    with administration(context, context.cluster(flags)) as admin:
        known(admin, name)
        settings = {key: value for key, value in wanted.items() if key != PARTITION_COUNT}
        count = _partition_count(wanted)
        if count is not None:  # refused before anything is changed
            _create_partitions(admin, name, count, validate_only=True)
        if settings:
            _alter(admin, name, settings, validate_only=flags["dry-run"])
        if flags["dry-run"]:
            context.print(f'Updated topic "{name}".')
            return
        if count is not None:
            _create_partitions(admin, name, count, validate_only=False)
        rows = [row for row in _settings(admin, name) if row["name"] in wanted]
        if count is not None:
            rows.append({"name": PARTITION_COUNT, "value": str(count), "read_only": False})
    if flags["output"] == "human":
        note = " (read-only configs were not updated)" if any(row["read_only"] for row in rows) else ""
        context.tell(f'Updated the following configuration values for topic "{name}"{note}:')
    context.print_list(flags, _SETTING_FIELDS, rows)


def _partition_count(wanted: Mapping[str, str]) -> int | None:
    text = wanted.get(PARTITION_COUNT)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise CliError(f'"{text}" is no number of partitions', f"Write a whole number: `{PARTITION_COUNT}=12`.")
    return int(text)


def _create_partitions(admin: Any, name: str, count: int, *, validate_only: bool) -> None:
    answer = admin.create_partitions({name: count}, validate_only=validate_only, raise_errors=False)
    _check(answer.results[0].to_dict())


def _alter(admin: Any, name: str, settings: Mapping[str, str], *, validate_only: bool) -> None:
    from kafka.admin import ConfigResource

    resource = ConfigResource("TOPIC", name, dict(settings))
    answer = admin.alter_configs([resource], validate_only=validate_only, raise_on_unknown=False)["topic"][name]
    if answer != "OK":
        raise CliError(f"REST request failed: {re.sub(r'^.*?Error: ', '', answer)}")


def _check(answer: Mapping[str, Any]) -> None:
    """Refuse what the cluster refused, in its own words; the real CLI puts the same ones before them."""
    if answer["error_code"]:
        from kafka.errors import for_code

        raise CliError(f"REST request failed: {answer['error_message'] or for_code(answer['error_code']).description}")


def _settings(admin: Any, name: str) -> list[dict[str, Any]]:
    from kafka.admin import ConfigResource

    found = admin.describe_configs([ConfigResource("TOPIC", name)], config_filter="all")["topic"][name]
    return [{"name": key, "value": each["value"] or "", "read_only": each["read_only"]} for key, each in found.items()]


def _configuration_list(context: Context, args: Sequence[str], flags: Flags) -> None:
    with administration(context, context.cluster(flags)) as admin:
        topic = known(admin, args[0])
        rows = _settings(admin, args[0])
    rows.append({"name": PARTITION_COUNT, "value": str(len(topic["partitions"])), "read_only": False})
    context.print_list(flags, _SETTING_FIELDS, rows)


def _delete(context: Context, args: Sequence[str], flags: Flags) -> None:
    wanted = unique(args)
    with administration(context, context.cluster(flags)) as admin:
        there = {each["name"] for each in admin.describe_topics() if not each["is_internal"]}
        missing = [name for name in wanted if name not in there]
        if missing:
            raise missing_error("topic", missing, _LIST_SUGGESTION)
        context.confirm_deletion(flags, "topic", wanted)
        for answer in admin.delete_topics(wanted, raise_errors=False)["topics"]:
            _check(answer)
    context.print_deleted("topic", wanted)


def names(context: Context) -> list[str]:
    """The topics of the cluster in use, for the tab key: none when it does not run."""
    current = context.current_environment().current_cluster
    if not current or not context.processes.is_running(current):
        return []
    cluster: KafkaCluster = context.state.clusters[current]
    with administration(context, cluster) as admin:
        return sorted(each["name"] for each in admin.describe_topics() if not each["is_internal"])


GROUPS = (
    Group("kafka topic", "Manage Kafka topics."),
    Group("kafka topic configuration", "Manage topic configuration."),
)
COMMANDS = (
    Command(
        "kafka topic create <topic>",
        "Create a Kafka topic.",
        _create,
        (
            Flag("partitions", "Number of topic partitions. Without it there are 6.", "uint32"),
            Flag("config", _PAIRS_HELP, "strings"),
            ENDPOINT,
            _DRY_RUN,
            Flag("if-not-exists", "Exit gracefully if topic already exists.", "bool"),
            CLUSTER,
            ENVIRONMENT,
        ),
        examples=(
            ('Create a topic named "orders" with default options:', "confluent kafka topic create orders"),
            ("Keep its records for an hour:", "confluent kafka topic create orders --config retention.ms=3600000"),
        ),
    ),
    Command(
        "kafka topic delete <topic-1> [topic-2] ... [topic-n]",
        "Delete one or more Kafka topics.",
        _delete,
        (ENDPOINT, FORCE, CLUSTER, ENVIRONMENT),
        long="Delete one or more Kafka topics. Their records are gone.",
        examples=(('Delete the topics "orders" and "returns":', "confluent kafka topic delete orders returns"),),
        complete=names,
    ),
    Command(
        "kafka topic describe <topic>",
        "Describe a Kafka topic.",
        _describe,
        (ENDPOINT, CLUSTER, ENVIRONMENT, OUTPUT),
        examples=(('Describe the topic "orders":', "confluent kafka topic describe orders"),),
        complete=names,
    ),
    Command("kafka topic list", "List Kafka topics.", _list, (ENDPOINT, CLUSTER, ENVIRONMENT, OUTPUT)),
    Command(
        "kafka topic update <topic>",
        "Update a Kafka topic.",
        _update,
        (Flag("config", _PAIRS_HELP, "strings", required=True), ENDPOINT, _DRY_RUN, CLUSTER, ENVIRONMENT, OUTPUT),
        examples=(
            ("Keep records for three days:", "confluent kafka topic update orders --config retention.ms=259200000"),
            ("Add partitions:", "confluent kafka topic update orders --config num.partitions=12"),
        ),
        complete=names,
    ),
    Command(
        "kafka topic configuration list <topic>",
        "List Kafka topic configurations.",
        _configuration_list,
        (ENDPOINT, CLUSTER, ENVIRONMENT, OUTPUT),
        examples=(('List configurations for the topic "orders":', "confluent kafka topic configuration list orders"),),
        complete=names,
    ),
)
