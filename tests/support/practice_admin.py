"""A stand-in for kafka-python's admin client, with topics and groups that a test writes down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from kafka import TopicPartition

UNKNOWN_TOPIC_OR_PARTITION = 3
TOPIC_ALREADY_EXISTS = 36
INVALID_PARTITIONS = 37
INVALID_CONFIG = 40


class FakeAdmin:
    """What the practice CLI uses of `kafka.KafkaAdminClient`, in memory.

    Attributes:
        partitions: of each topic, how many.
        configs: of each topic, what was set.
        groups: what `describe_groups` gives for each, and the coordinator of each.
        committed, ends: offsets by group and partition, and by partition.
    """

    def __init__(self) -> None:
        self.partitions = {"orders": 6, "returns": 12}
        self.configs: dict[str, dict[str, str]] = {"orders": {"retention.ms": "604800000"}, "returns": {}}
        self.groups: dict[str, tuple[dict[str, Any], int]] = {}
        self.committed: dict[str, dict[TopicPartition, int]] = {}
        self.ends: dict[TopicPartition, int] = {}

    @contextmanager
    def administration(self, *_: Any) -> Iterator[FakeAdmin]:
        """In the place of `kit.practice.connections.administration`."""
        yield self

    # -- topics

    def describe_topics(self) -> list[dict[str, Any]]:
        """All topics, an internal one among them."""
        topics = {**self.partitions, "__consumer_offsets": 1}
        return [
            {
                "name": name,
                "is_internal": name.startswith("__"),
                "partitions": [
                    {"partition_index": number, "leader_id": number % 3 + 1, "replica_nodes": [1, 2, 3]}
                    for number in reversed(range(count))
                ],
            }
            for name, count in topics.items()
        ]

    def create_topics(
        self, wanted: Mapping[str, Mapping[str, Any]], *, validate_only: bool, raise_errors: bool
    ) -> dict[str, Any]:
        """Create one topic, or refuse it as the broker does."""
        assert not raise_errors
        ((name, options),) = wanted.items()
        count = options.get("num_partitions", 6)
        if name in self.partitions:
            return _answer(name, TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
        if count < 1:
            return _answer(name, INVALID_PARTITIONS, "Not that many partitions.")
        if not validate_only:
            self.partitions[name] = count
            self.configs[name] = dict(options["configs"])
        return _answer(name, 0, None)

    def wait_for_topics(self, names: Sequence[str]) -> None:
        """They are there at once."""
        assert set(names) <= set(self.partitions)

    def delete_topics(self, names: Sequence[str], *, raise_errors: bool) -> dict[str, Any]:
        """Delete topics that are there."""
        assert not raise_errors
        for name in names:
            del self.partitions[name]
        return {"topics": [{"name": name, "error_code": 0} for name in names]}

    def create_partitions(self, wanted: Mapping[str, int], *, validate_only: bool, raise_errors: bool) -> Any:
        """Add partitions; there can only be more."""
        assert not raise_errors
        ((name, count),) = wanted.items()
        code = INVALID_PARTITIONS if count <= self.partitions[name] else 0
        if not code and not validate_only:
            self.partitions[name] = count
        result = {"error_code": code, "error_message": "The count can only grow." if code else None}
        return SimpleNamespace(results=[SimpleNamespace(to_dict=lambda: result)])

    def alter_configs(self, resources: Sequence[Any], *, validate_only: bool, raise_on_unknown: bool) -> Any:
        """Set what is a number, and refuse the rest."""
        assert not raise_on_unknown
        (resource,) = resources
        for name, value in resource.configs.items():
            if not value.isdigit():
                said = f"[Error {INVALID_CONFIG}] InvalidConfigurationError: {name}={value} is not possible."
                return {"topic": {resource.name: said}}
        if not validate_only:
            self.configs[resource.name] |= resource.configs
        return {"topic": {resource.name: "OK"}}

    def describe_configs(self, resources: Sequence[Any], *, config_filter: str) -> Any:
        """What was set; and one setting that cannot be."""
        assert config_filter == "all"
        (resource,) = resources
        found = {name: {"value": value, "read_only": False} for name, value in self.configs[resource.name].items()}
        return {"topic": {resource.name: {**found, "fixed.setting": {"value": None, "read_only": True}}}}

    # -- groups

    def describe_cluster(self) -> dict[str, Any]:
        """Three brokers."""
        return {"brokers": [{"broker_id": number} for number in (1, 2, 3)]}

    def list_groups(self, *, broker_ids: Sequence[int]) -> list[dict[str, str]]:
        """The groups that a broker coordinates."""
        (broker,) = broker_ids
        return [{"group_id": name} for name, (_, coordinator) in self.groups.items() if coordinator == broker]

    def describe_groups(self, names: Sequence[str], *, group_coordinator_id: int) -> dict[str, Any]:
        """Groups as their coordinator knows them."""
        assert all(self.groups[name][1] == group_coordinator_id for name in names)
        return {name: {"group_id": name, **self.groups[name][0]} for name in names}

    def list_group_offsets(self, names: Sequence[str]) -> dict[str, dict[TopicPartition, Any]]:
        """What groups have committed."""
        return {
            name: {at: SimpleNamespace(offset=offset) for at, offset in self.committed.get(name, {}).items()}
            for name in names
        }

    def list_partition_offsets(self, wanted: Mapping[TopicPartition, Any]) -> dict[TopicPartition, Any]:
        """Where logs end."""
        return {at: SimpleNamespace(offset=self.ends[at]) for at in wanted}


def _answer(name: str, code: int, text: str | None) -> dict[str, Any]:
    return {"topics": [{"name": name, "error_code": code, "error_message": text}]}
