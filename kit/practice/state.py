"""What the practice CLI knows: environments, Kafka clusters, API keys, and which of them are in use.

Secrets are in it, because "the cloud" and "the CLI's own configuration" are one file here. They are in no repr.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

VERSION = 1

PROVISIONING, UP = "PROVISIONING", "UP"
DOWN = "DOWN"  # never in the file: shown while the process is not there


class DamagedStateError(ValueError):
    """A state that this version cannot read; the text says which part is wrong."""


@dataclass(slots=True)
class Environment:
    """A space for clusters of its own.

    Attributes:
        current_cluster: id of the Kafka cluster that commands use; "" for none.
    """

    id: str
    name: str
    stream_governance_package: str = "ESSENTIALS"
    current_cluster: str = ""


@dataclass(slots=True)
class KafkaCluster:
    """One Kafka cluster, and the process on this computer that plays it.

    Attributes:
        environment: id of its environment.
        type: "BASIC", "STANDARD" ... as in tables.
        cku: the size of a dedicated cluster; 0 for other types.
        status: PROVISIONING until its process answered once, then UP.
        bootstrap_servers: where its brokers listen; kept, so that a restarted cluster is found at the same place.
        current_api_key: the key that produce and consume use; "" for none.
        admin_secret: the password of the CLI's own user, with which topics are made as with a login.
    """

    id: str
    name: str
    environment: str
    cloud: str
    region: str
    availability: str = "single-zone"
    type: str = "BASIC"
    cku: int = 0
    deletion_protection: bool = False
    status: str = PROVISIONING
    bootstrap_servers: str = ""
    current_api_key: str = ""
    admin_secret: str = field(default="", repr=False)


@dataclass(slots=True)
class ApiKey:
    """A key for one Kafka cluster.

    Attributes:
        resource: id of the cluster.
        owner: id of the user who made it.
        owner_email: who that is.
        created: when, as in ``2026-11-25T10:00:00Z``.
        secret: what the cluster accepts.
        stored_secret: what the CLI sends: the same, until `api-key store` stored another one; "" for none.
    """

    key: str
    resource: str
    description: str
    owner: str
    owner_email: str
    created: str
    secret: str = field(repr=False)
    stored_secret: str = field(repr=False)


@dataclass(slots=True)
class State:
    """Everything, as it is in the file.

    Attributes:
        login: who is logged in; "" for nobody.
        user: id of whoever logs in, made at the first login.
        current_environment: id; "" for none.
        deleted_clusters: how many Kafka clusters there have been that are gone.
    """

    login: str = ""
    user: str = ""
    current_environment: str = ""
    deleted_clusters: int = 0
    environments: dict[str, Environment] = field(default_factory=dict)
    clusters: dict[str, KafkaCluster] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)

    def clusters_of(self, environment: str) -> list[KafkaCluster]:
        """The Kafka clusters of an environment."""
        return [cluster for cluster in self.clusters.values() if cluster.environment == environment]

    def keys_of(self, cluster: str) -> list[ApiKey]:
        """The API keys of a Kafka cluster."""
        return [key for key in self.api_keys.values() if key.resource == cluster]

    def forget_cluster(self, cluster: str) -> None:
        """Remove a Kafka cluster, its API keys, and its being in use."""
        if self.clusters.pop(cluster, None) is not None:
            self.deleted_clusters += 1
        for key in self.keys_of(cluster):
            del self.api_keys[key.key]
        for environment in self.environments.values():
            if environment.current_cluster == cluster:
                environment.current_cluster = ""

    def forget_environment(self, environment: str) -> None:
        """Remove an environment, and its being in use."""
        self.environments.pop(environment, None)
        if self.current_environment == environment:
            self.current_environment = ""

    def to_json(self) -> dict[str, Any]:
        """As it is in the file."""
        return {"version": VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, data: object) -> State:
        """As it was in the file.

        Raises:
            DamagedStateError: it is not what `to_json` gives.
        """
        if not isinstance(data, dict):
            raise DamagedStateError("it holds no JSON object")
        version = data.get("version")
        if not isinstance(version, int):
            raise DamagedStateError("its version is missing")
        if version > VERSION:
            raise DamagedStateError(f"it was written by a newer version of the kit (format {version})")
        return cls(
            login=_text(data, "login"),
            user=_text(data, "user"),
            current_environment=_text(data, "current_environment"),
            deleted_clusters=_count(data, "deleted_clusters"),
            environments=_entries(Environment, data, "environments"),
            clusters=_entries(KafkaCluster, data, "clusters"),
            api_keys=_entries(ApiKey, data, "api_keys"),
        )


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise DamagedStateError(f"{name} is no text")
    return value


def _count(data: dict[str, Any], name: str) -> int:
    value = data.get(name, 0)
    if type(value) is not int:
        raise DamagedStateError(f"{name} is no whole number")
    return value


def _entries(kind: type[Any], data: dict[str, Any], name: str) -> dict[str, Any]:
    entries = data.get(name, {})
    if not isinstance(entries, dict):
        raise DamagedStateError(f"{name} is no JSON object")
    return {key: _entry(kind, value, f"{name}/{key}") for key, value in entries.items()}


def _entry(kind: type[Any], data: object, where: str) -> Any:
    if not isinstance(data, dict):
        raise DamagedStateError(f"{where} is no JSON object")
    values = {}
    for piece in fields(kind):
        if piece.name not in data and piece.default is not MISSING:
            continue
        value = data.get(piece.name)
        if type(value).__name__ != piece.type:
            raise DamagedStateError(f"{where}/{piece.name} is missing or of the wrong kind")
        values[piece.name] = value
    return kind(**values)
