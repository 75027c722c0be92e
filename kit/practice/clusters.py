"""``confluent kafka cluster``: real Kafka clusters on this computer, in the words of Confluent Cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kit.practice import cluster_types, names
from kit.practice.commands import Command, Group
from kit.practice.context import ENVIRONMENT, FORCE, Context, unique
from kit.practice.errors import CliError, UsageError
from kit.practice.flags import Flag, Flags
from kit.practice.output import OUTPUT, Field
from kit.practice.processes import PROTOCOL, clusters_not_found
from kit.practice.regions import CLOUD, check_region
from kit.practice.session import HONEST_LINE
from kit.practice.state import DOWN, PROVISIONING, UP, KafkaCluster

_PATIENCE_MS = 10_000

_DESCRIBE_FIELDS = (
    Field("Current", "is_current"),
    Field("ID", "id"),
    Field("Name", "name"),
    Field("Type", "type"),
    Field("Cluster Size", "cluster_size", omit_empty=True),
    Field("Ingress Limit (MB/s)", "ingress_limit"),
    Field("Egress Limit (MB/s)", "egress_limit"),
    Field("Storage", "storage"),
    Field("Cloud", "cloud"),
    Field("Region", "region"),
    Field("Availability", "availability"),
    Field("Status", "status"),
    Field("Deletion Protection", "deletion_protection"),
    Field("Endpoint", "endpoint"),
    Field("REST Endpoint", "rest_endpoint"),
    Field("Topic Count", "topic_count", omit_empty=True),
)
_LIST_FIELDS = (
    Field("Current", "is_current"),
    Field("ID", "id"),
    Field("Name", "name"),
    Field("Type", "type"),
    Field("Cloud", "cloud"),
    Field("Region", "region"),
    Field("Availability", "availability"),
    Field("Network", "network", omit_empty=True),
    Field("Status", "status"),
    Field("Deletion Protection", "deletion_protection"),
    Field("Endpoint", "endpoint"),
)

_ENDPOINT = Flag(
    "kafka-endpoint", "Endpoint to be used for this Kafka cluster.", refusal="its clusters have one endpoint each"
)
_CREATE_FLAGS = (
    replace(CLOUD, required=True),
    Flag("region", 'Cloud region for Kafka (use "confluent kafka region list" to see all).', required=True),
    Flag(
        "availability",
        'Specify the availability of the cluster as "single-zone", "multi-zone", "low", or "high".',
        default="single-zone",
        choices=cluster_types.AVAILABILITIES,
    ),
    Flag(
        "type",
        'Specify the type of the Kafka cluster as "basic", "standard", "enterprise", "freight", or "dedicated".',
        default="basic",
        choices=cluster_types.TYPES,
    ),
    Flag("cku", 'Number of Confluent Kafka Units. Required for Kafka clusters of type "dedicated".', "int"),
    Flag("max-ecku", "Maximum number of Elastic Confluent Kafka Units. Not used on this computer.", "int"),
    Flag("deletion-protection", "Enable deletion protection for the Kafka cluster.", "bool"),
    Flag("byok", "Confluent Cloud Key ID of a registered encryption key.", refusal="its clusters encrypt nothing"),
    Flag("network", "Network ID.", refusal="its clusters are on this computer only"),
    ENVIRONMENT,
    OUTPUT,
)


def _create(context: Context, args: Sequence[str], flags: Flags) -> None:
    check_region(flags["cloud"], flags["region"])
    cluster_types.check(flags)
    with context.change() as state:
        environment = context.current_environment(flags)  # not deleted while the state is ours
        made = KafkaCluster(
            names.new_cluster_id(state.clusters),
            args[0],
            environment.id,
            flags["cloud"],
            flags["region"],
            availability=flags["availability"],
            type=flags["type"].upper(),
            cku=flags["cku"],
            deletion_protection=flags["deletion-protection"],
            admin_secret=names.new_secret(),
        )
        state.clusters[made.id] = made
    if flags["output"] == "human":
        context.tell("It may take up to 5 minutes for the Kafka cluster to be ready.")
    context.log(f"Starting {made.id} as a process of this computer.")
    try:
        started = context.processes.ensure(made.id)
    except BaseException as error:  # an interrupt too must leave nothing behind
        context.processes.end(made.id)
        if isinstance(error, CliError):
            raise CliError(error.text, "No cluster was created: mend the cause, and try again.") from None
        raise
    row = _row(context, started)
    context.print_object(flags, _DESCRIBE_FIELDS, {**row, "status": PROVISIONING})


def _use(context: Context, args: Sequence[str], flags: Flags) -> None:
    environment = context.current_environment(flags)
    found = context.known_cluster(args[0], environment)
    with context.change() as state:
        state.environments[environment.id].current_cluster = found.id
    context.print(f'Set Kafka cluster "{found.id}" as the active cluster for environment "{environment.id}".')


def _list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    state = context.state
    clusters = list(state.clusters.values())
    if not flags["all"]:
        clusters = state.clusters_of(context.current_environment(flags).id)
    if flags.given("deletion-protection"):
        clusters = [one for one in clusters if one.deletion_protection == flags["deletion-protection"]]
    context.print_list(flags, _LIST_FIELDS, [_row(context, one) for one in clusters])


def _describe(context: Context, args: Sequence[str], flags: Flags) -> None:
    environment = context.current_environment(flags)
    cluster_id = args[0] if args else environment.current_cluster
    if not cluster_id:
        raise CliError(
            "no Kafka cluster selected",
            "You must provide the cluster ID argument or set an active Kafka cluster in your context with "
            "`confluent kafka cluster use`.",
        )
    if not cluster_id.startswith("lkc-"):
        raise CliError(f'Kafka cluster "{cluster_id}" is missing required prefix "lkc-"')
    context.known_cluster(cluster_id, environment)
    found = context.processes.ensure(cluster_id)
    row = _row(context, found)
    row["topic_count"] = topic_count(context, found)
    context.print_object(flags, _DESCRIBE_FIELDS, row)


def _update(context: Context, args: Sequence[str], flags: Flags) -> None:
    changes = ("name", "cku", "type", "deletion-protection")
    if not any(flags.given(name) for name in changes):
        raise UsageError(f"at least one of the flags in the group [{' '.join(changes)}] is required")
    environment = context.current_environment(flags)
    context.known_cluster(args[0], environment)
    with context.change() as state:
        cluster_types.update(state.clusters[args[0]], flags)
    context.print_object(flags, _DESCRIBE_FIELDS, _row(context, context.state.clusters[args[0]]))


def _delete(context: Context, args: Sequence[str], flags: Flags) -> None:
    environment = context.current_environment(flags)
    ids = unique(args)
    known = {cluster.id: cluster for cluster in context.state.clusters_of(environment.id)}
    missing = [one for one in ids if one not in known]
    if missing:
        raise clusters_not_found(missing)
    context.confirm_deletion(flags, "Kafka cluster", ids)
    for one in ids:
        if known[one].deletion_protection:
            raise CliError(
                f"failed to delete {one}: Cluster deletion is blocked by deletion protection.",
                f"Disable it with `confluent kafka cluster update {one} --deletion-protection=false`.",
            )
    for one in ids:
        context.log(f"Ending the process of {one} and removing its logs.")
        context.processes.end(one)
    context.print_deleted("Kafka cluster", ids)


def _row(context: Context, cluster: KafkaCluster) -> dict[str, Any]:
    environment = context.state.environments.get(cluster.environment)
    first = cluster.bootstrap_servers.partition(",")[0]
    return {
        "is_current": environment is not None and environment.current_cluster == cluster.id,
        "id": cluster.id,
        "name": cluster.name,
        "type": cluster.type,
        "cluster_size": cluster.cku,
        **cluster_types.limits(cluster),
        "cloud": cluster.cloud,
        "region": cluster.region,
        "availability": cluster.availability,
        "network": "",
        "status": DOWN if cluster.status == UP and not context.processes.is_running(cluster.id) else cluster.status,
        "deletion_protection": cluster.deletion_protection,
        "endpoint": f"{PROTOCOL}://{first}" if first else "",
        "rest_endpoint": "",
        "topic_count": 0,
    }


def topic_count(context: Context, cluster: KafkaCluster) -> int:
    """How many topics there are, internal ones not counted; 0, which is not shown, when nobody answers."""
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        admin = KafkaAdminClient(**context.admin_settings(cluster), bootstrap_timeout_ms=_PATIENCE_MS)
    except KafkaError as error:
        context.log(f"The topics could not be counted: {error}")
        return 0
    try:
        return sum(not name.startswith("__") for name in admin.list_topics())
    except KafkaError as error:
        context.log(f"The topics could not be counted: {error}")
        return 0
    finally:
        admin.close()


def ids(context: Context) -> list[str]:
    """The Kafka clusters of the environment in use, for the tab key."""
    state = context.state
    return [cluster.id for cluster in state.clusters_of(state.current_environment)]


GROUPS = (Group("kafka cluster", "Manage Kafka clusters."),)
COMMANDS = (
    Command(
        "kafka cluster create <name>",
        "Create a Kafka cluster.",
        _create,
        _CREATE_FLAGS,
        long=f"Create a Kafka cluster. {HONEST_LINE}\n\nCloud, region, type and limits are remembered and shown, and "
        "change nothing: every practice cluster has three brokers in one process, which goes on after this terminal is "
        "closed, until the cluster is deleted.",
        examples=(("Create a cluster:", "confluent kafka cluster create day2 --cloud gcp --region us-west1"),),
    ),
    Command(
        "kafka cluster delete <id-1> [id-2] ... [id-n]",
        "Delete one or more Kafka clusters.",
        _delete,
        (FORCE, ENVIRONMENT),
        long="Delete one or more Kafka clusters: their processes end, and their topics, records and API keys are gone.",
        complete=ids,
    ),
    Command(
        "kafka cluster describe [id]",
        "Describe a Kafka cluster.",
        _describe,
        (_ENDPOINT, ENVIRONMENT, OUTPUT),
        long="Describe the Kafka cluster specified with the ID argument, or the active cluster.",
        complete=ids,
    ),
    Command(
        "kafka cluster list",
        "List Kafka clusters.",
        _list,
        (
            Flag("all", "List clusters across all environments.", "bool"),
            Flag("deletion-protection", "Filter by deletion protection status.", "bool"),
            ENVIRONMENT,
            OUTPUT,
        ),
    ),
    Command(
        "kafka cluster update <id>",
        "Update a Kafka cluster.",
        _update,
        (
            Flag("name", "Name of the Kafka cluster."),
            Flag("cku", 'Number of Confluent Kafka Units. For Kafka clusters of type "dedicated" only.', "uint32"),
            Flag("type", 'Type of the Kafka cluster. Only supports upgrading from "Basic" to "Standard".'),
            Flag("deletion-protection", "Enable or disable deletion protection.", "bool"),
            ENVIRONMENT,
            OUTPUT,
        ),
        examples=(
            ("Update the name of a Kafka cluster:", 'confluent kafka cluster update lkc-123456 --name "New Name"'),
        ),
        complete=ids,
    ),
    Command(
        "kafka cluster use <id>",
        "Use a Kafka cluster in subsequent commands.",
        _use,
        (ENVIRONMENT,),
        long="Choose a Kafka cluster to be used in subsequent commands which support the `--cluster` flag.",
        complete=ids,
    ),
)
