"""Types of Kafka clusters in Confluent Cloud: what they promise, and what each type refuses.

A practice cluster is the same process whatever its type; the rules are here so that students meet them.
"""

from __future__ import annotations

from typing import Any

from kit.practice.errors import CliError
from kit.practice.flags import Flags
from kit.practice.state import KafkaCluster

TYPES = ("basic", "standard", "enterprise", "freight", "dedicated")
AVAILABILITIES = ("single-zone", "multi-zone", "low", "high")

_UNPROTECTED = ("BASIC", "STANDARD")
_INGRESS_MB_S, _EGRESS_MB_S = 250, 750
_INGRESS_MB_S_PER_CKU, _EGRESS_MB_S_PER_CKU = 50, 150


def limits(cluster: KafkaCluster) -> dict[str, Any]:
    """What the type promises in the cloud: rows of a cluster's description."""
    is_dedicated = cluster.type == "DEDICATED"
    return {
        "ingress_limit": cluster.cku * _INGRESS_MB_S_PER_CKU if is_dedicated else _INGRESS_MB_S,
        "egress_limit": cluster.cku * _EGRESS_MB_S_PER_CKU if is_dedicated else _EGRESS_MB_S,
        "storage": "5000 GB" if cluster.type == "BASIC" else "Infinite",
    }


def check(flags: Flags) -> None:
    """Refuse flags of `kafka cluster create` that do not go with the type.

    Raises:
        CliError: the text names the flag.
    """
    kind = flags["type"]
    if kind == "dedicated" and flags["cku"] <= 0:
        raise CliError("`--cku` value must be greater than 0", "A dedicated cluster needs a size, such as `--cku 1`.")
    if kind != "dedicated" and flags.given("cku"):
        raise CliError(
            "the `--cku` flag can only be used when creating a dedicated Kafka cluster",
            "Specify a dedicated cluster with `--type`.",
        )
    if kind == "dedicated" and flags.given("max-ecku"):
        raise CliError(
            "the `--max-ecku` flag can only be used when creating a Basic, Standard, Enterprise, or Freight Kafka "
            "cluster",
            "Specify a different cluster with `--type` flag.",
        )
    if kind == "freight" and flags["availability"] not in ("low", "high"):
        raise CliError(
            f'invalid value "{flags["availability"]}" for `--availability` flag',
            'Allowed values for `--availability` flag are: "low" or "high".',
        )
    if flags["deletion-protection"]:
        _check_protection(kind.upper())


def update(cluster: KafkaCluster, flags: Flags) -> None:
    """Change a cluster as `kafka cluster update` is told.

    Raises:
        CliError: the type does not allow it.
    """
    if flags.given("name") and not flags["name"]:
        raise CliError("`--name` flag value must not be empty")
    if flags.given("cku"):
        _resize(cluster, flags["cku"])
    if flags.given("type"):
        if cluster.type != "BASIC" or flags["type"].lower() != "standard":
            raise CliError('clusters can only be upgraded from "Basic" to "Standard"')
        cluster.type = "STANDARD"
    if flags.given("deletion-protection"):
        _check_protection(cluster.type)
        cluster.deletion_protection = flags["deletion-protection"]
    cluster.name = flags["name"] or cluster.name


def _resize(cluster: KafkaCluster, cku: int) -> None:
    if cluster.type != "DEDICATED":
        raise CliError("failed to update Kafka cluster: cluster resize is only supported on dedicated clusters")
    if cku == 0:
        raise CliError("`--cku` value must be greater than 0")
    cluster.cku = cku


def _check_protection(kind: str) -> None:
    if kind in _UNPROTECTED:
        raise CliError(f"Deletion protection is not supported for {kind} clusters.")
