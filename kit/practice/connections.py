"""Connections to a practice cluster: as the CLI itself, or with an API key; and what went wrong in one sentence.

Kafka's clients are loaded when the first connection is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.state import KafkaCluster

if TYPE_CHECKING:
    from kit.practice.context import Context

CLIENT_ID = "confluent-cli"
_BOOTSTRAP_TIMEOUT_MS = 15_000
_REQUEST_TIMEOUT_MS = 15_000

BOOTSTRAP = Flag("bootstrap", "Address of the cluster when it is not the one that the CLI knows.")
API_KEY = Flag("api-key", "API key.")
API_SECRET = Flag("api-secret", "API secret.")


@contextmanager
def administration(context: Context, cluster: KafkaCluster) -> Iterator[Any]:
    """A `kafka.KafkaAdminClient` as the CLI's own user: the real CLI uses its login where this is used.

    Raises:
        CliError: the cluster does not answer, or refuses.
    """
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    settings = {"client_id": CLIENT_ID, "request_timeout_ms": _REQUEST_TIMEOUT_MS, **context.admin_settings(cluster)}
    try:
        admin = KafkaAdminClient(**settings, bootstrap_timeout_ms=_BOOTSTRAP_TIMEOUT_MS)
    except KafkaError as error:
        advice = gone(context, cluster) or ["Try again."]
        raise CliError(f'Kafka cluster "{cluster.id}" does not answer: {sentence(error)}', *advice) from None
    try:
        yield admin
    except KafkaError as error:
        raise CliError(f'Kafka cluster "{cluster.id}" refused: {sentence(error)}', *gone(context, cluster)) from None
    finally:
        admin.close()


def key_settings(context: Context, cluster: KafkaCluster, flags: Flags) -> Mapping[str, Any]:
    """Settings of clients with the API key in use, or with the one of ``--api-key`` and ``--api-secret``.

    Raises:
        CliError: there is no key, or no secret for it.
    """
    settings = dict(context.client_settings(cluster, flags["api-key"], _secret(context, cluster, flags)))
    if flags["bootstrap"]:
        settings["bootstrap_servers"] = flags["bootstrap"].rpartition("://")[2]
    return settings


def _secret(context: Context, cluster: KafkaCluster, flags: Flags) -> str:
    key, secret = flags["api-key"], str(flags["api-secret"])
    if not key:
        if secret:
            raise CliError("`--api-secret` needs `--api-key`", "Give both, or none to use the key in use.")
        return ""
    stored = context.state.api_keys.get(key)
    if not secret and stored is not None:
        secret = stored.stored_secret
    if not secret:
        raise CliError(
            f'no secret for API key "{key}" of resource "{cluster.id}" passed via flag or stored in local CLI state',
            "Pass the API secret with flag `--api-secret` or store with "
            f"`confluent api-key store {key} --resource {cluster.id}`.",
        )
    return secret


def partitions_of(context: Context, cluster: KafkaCluster, settings: Mapping[str, Any], topic: str) -> list[int]:
    """The partitions of a topic, asked for with an API key.

    Clients would go on trying with a wrong key for ever, in threads of their own: so this is asked before any is made.

    Raises:
        CliError: there is no such topic, the key is refused, or nobody answers.
    """
    from kafka.errors import KafkaError

    from kit.cluster import connect
    from kit.errors import KitError

    try:
        with connect(**settings) as cluster_seen:
            found = cluster_seen.topics([topic], wait=False).get(topic)
    except (KitError, KafkaError) as error:
        raise _refusal(context, cluster, settings, str(error)) from None
    if found is None:
        raise CliError(
            f'topic "{topic}" does not exist or user does not have the ACLs or role bindings required to describe it',
            f'To list topics for Kafka cluster "{cluster.id}", use '
            f"`confluent kafka topic list --cluster {cluster.id}`.",
            f"To create it, use `confluent kafka topic create {topic}`.",
        )
    return [each.partition for each in found.partitions]


def _refusal(context: Context, cluster: KafkaCluster, settings: Mapping[str, Any], reason: str) -> CliError:
    """Why an API key does not work: what the CLI knows about it says more than the cluster may tell a stranger."""
    name, secret = settings["sasl_plain_username"], settings["sasl_plain_password"]
    known = context.state.api_keys.get(name)
    advice = gone(context, cluster)
    if advice or settings["bootstrap_servers"] != cluster.bootstrap_servers:
        return CliError(f"failed to obtain topics from client: {reason}", *advice)
    if known is None or known.resource != cluster.id:
        return CliError(
            f'invalid API key "{name}" for resource "{cluster.id}"',
            f'To list API keys that belong to resource "{cluster.id}", use '
            f"`confluent api-key list --resource {cluster.id}`.",
            f'To create new API key for resource "{cluster.id}", use '
            f"`confluent api-key create --resource {cluster.id}`.",
        )
    if known.secret != secret:
        return CliError(
            f'the cluster refuses the API secret of API key "{name}": it is not the one that was shown at its creation',
            f"Store the right one with `confluent api-key store {name} --resource {cluster.id} --force`, or make a new "
            f"key with `confluent api-key create --resource {cluster.id} --use`.",
        )
    return CliError(f"failed to obtain topics from client: {reason}")


def described(admin: Any, topic: str) -> dict[str, Any] | None:
    """What the cluster says about a topic; None when there is no such topic. It is never created by asking.

    Raises:
        kafka.errors.KafkaError: the cluster does not say.
    """
    found = [each for each in admin.describe_topics() if each["name"] == topic]
    return found[0] if found else None


def gone(context: Context, cluster: KafkaCluster) -> list[str]:
    """What to do when the process of a cluster is not there any more; nothing when it is there."""
    if context.processes.is_running(cluster.id):
        return []
    if cluster.id not in context.state.clusters:
        return ["Another terminal has deleted it; see what is left with `confluent kafka cluster list`."]
    return ["Its process has ended. The next command that needs it starts it again on its data: try once more."]


def check_is_there(context: Context, cluster: KafkaCluster, settings: Mapping[str, Any]) -> None:
    """Refuse to wait for a cluster that has ended, or for an API key that was deleted meanwhile.

    Raises:
        CliError: one of them is gone.
    """
    if settings["bootstrap_servers"] != cluster.bootstrap_servers:
        return
    advice = gone(context, cluster)
    if advice:
        raise CliError(f'Kafka cluster "{cluster.id}" is gone', *advice)
    key = settings["sasl_plain_username"]
    if key not in context.state.api_keys:
        raise CliError(
            f'API key "{key}" was deleted',
            f"Make another with `confluent api-key create --resource {cluster.id} --use`.",
        )


_KAFKAS_NAMES = {"MESSAGE_SIZE_TOO_LARGE": "MESSAGE_TOO_LARGE", "INVALID_TOPIC": "INVALID_TOPIC_EXCEPTION"}
_PREFIX = re.compile(r"^(?:\[Error -?\d+\] )?\w+(?:: )?")


def sentence(error: Exception) -> str:
    """An error of kafka-python: Kafka's name for it and what the cluster said, or else what it means."""
    own = str(getattr(error, "message", "") or type(error).__name__)
    name = _KAFKAS_NAMES.get(own, own)
    said = _PREFIX.sub("", str(error)) or str(getattr(error, "description", ""))
    return f"{name}: {said}" if said else name
