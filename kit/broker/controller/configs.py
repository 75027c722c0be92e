"""What the controller decides about settings that change while the cluster runs.

Both functions judge a whole request and return the answers beside the metadata records; the handler commits them. A
resource is changed as a whole or not at all.
Source: Kafka classes ``ConfigurationControlManager``, ``ConfigAdminManager`` and ``DynamicBrokerConfig``; KIP-226,
KIP-339; error codes as seen on 4.3.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from kit.broker.config.broker_settings import BROKER_SETTINGS
from kit.broker.config.configs import BrokerConfig, ConfigError, check_broker_setting, check_topic_overrides
from kit.broker.config.settings import ConfigType, Setting
from kit.broker.config.topic_settings import TOPIC_SETTINGS
from kit.broker.controller.rules import MIN_INSYNC_REPLICAS
from kit.broker.controller.topics import check_topic_name, str_of
from kit.broker.metadata import BROKER_RESOURCE, TOPIC_RESOURCE, MetadataImage
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

Settings = Mapping[str, str]


class Operation(IntEnum):
    """What IncrementalAlterConfigs does to one setting."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


def incremental_alter_configs(
    image: MetadataImage, config: BrokerConfig, request: m.IncrementalAlterConfigsRequest
) -> tuple[list[m.IncrementalAlterConfigsResponse.AlterConfigsResourceResponse], list[Any]]:
    """The answer for each resource of an IncrementalAlterConfigs request, and the records of the possible changes."""
    errors, records = _alter(image, config, request.resources, _changed)
    response = m.IncrementalAlterConfigsResponse.AlterConfigsResourceResponse
    return [response(**fields) for fields in errors], records


def alter_configs(
    image: MetadataImage, config: BrokerConfig, request: m.AlterConfigsRequest
) -> tuple[list[m.AlterConfigsResponse.AlterConfigsResourceResponse], list[Any]]:
    """The same for AlterConfigs, which replaces all settings of a resource and so resets those it does not name."""
    errors, records = _alter(image, config, request.resources, _replaced)
    response = m.AlterConfigsResponse.AlterConfigsResourceResponse
    return [response(**fields) for fields in errors], records


def _alter(
    image: MetadataImage,
    config: BrokerConfig,
    resources: Sequence[Any],
    wanted_settings: Callable[[Any, Settings], dict[str, str]],
) -> tuple[list[dict[str, Any]], list[Any]]:
    """One answer per resource, as the fields that both responses have, and the records."""
    times = Counter((resource.resource_type, resource.resource_name) for resource in resources)
    answers, records = [], []
    for resource in resources:
        answer = {"resource_type": resource.resource_type, "resource_name": resource.resource_name}
        answers.append(answer)
        try:
            if times[resource.resource_type, resource.resource_name] > 1:
                raise BrokerError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
            _check_resource(image, resource.resource_type, resource.resource_name)
            _check_entries(resource)
            current = image.config(resource.resource_type, resource.resource_name)
            wanted = wanted_settings(resource, current)
            _check_settings(config, resource, wanted)
        except BrokerError as error:
            answer.update(error_code=error.code, error_message=str_of(error))
            continue
        answer.update(error_code=ErrorCode.NONE, error_message=None)
        changes = _records(resource, current, wanted)
        records += [*changes, *_without_eligible_leaders(image, changes)]
    return answers, records


def _check_resource(image: MetadataImage, resource_type: int, name: str) -> None:
    if resource_type == TOPIC_RESOURCE:
        if not name:
            raise BrokerError(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.")
        check_topic_name(name)
        if name not in image.topics:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
    elif resource_type == BROKER_RESOURCE:
        if name and name not in {str(node_id) for node_id in image.brokers}:
            raise BrokerError(ErrorCode.INVALID_REQUEST, f"No broker of this cluster has the id {name!r}.")
    else:
        raise BrokerError(
            ErrorCode.INVALID_REQUEST,
            f"Resource type {resource_type} has no settings here; topics (2) and brokers (4) have.",
        )


def _check_entries(resource: Any) -> None:
    names = [entry.name for entry in resource.configs]
    if len(set(names)) < len(names):
        raise BrokerError(ErrorCode.INVALID_REQUEST, "A setting appears twice for one resource.")
    missing = [entry.name for entry in resource.configs if entry.value is None and _needs_value(entry)]
    if missing:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Null value not supported for: {', '.join(missing)}")


def _needs_value(entry: Any) -> bool:
    return getattr(entry, "config_operation", Operation.SET) != Operation.DELETE


def _replaced(resource: Any, current: Settings) -> dict[str, str]:  # noqa: ARG001 - what was there does not matter
    return {entry.name: entry.value for entry in resource.configs}


def _changed(resource: Any, current: Settings) -> dict[str, str]:
    wanted = dict(current)
    for entry in resource.configs:
        if entry.config_operation == Operation.SET:
            wanted[entry.name] = entry.value
        elif entry.config_operation == Operation.DELETE:
            wanted.pop(entry.name, None)
        elif entry.config_operation in (Operation.APPEND, Operation.SUBTRACT):
            wanted[entry.name] = _list_changed(resource.resource_type, entry, current)
        else:
            raise BrokerError(
                ErrorCode.INVALID_REQUEST,
                f"Operation {entry.config_operation} on {entry.name} does not exist; "
                "0 sets, 1 deletes, 2 appends, 3 subtracts.",
            )
    return wanted


def _list_changed(resource_type: int, entry: Any, current: Settings) -> str:
    setting = _table(resource_type).get(entry.name)
    if setting is None or setting.type is not ConfigType.LIST:
        verb = Operation(entry.config_operation).name
        raise BrokerError(ErrorCode.INVALID_CONFIG, f"Can't {verb} to key {entry.name} because its type is not LIST.")
    parts = _parts(current.get(entry.name, setting.default or ""))
    given = _parts(entry.value)
    if entry.config_operation == Operation.APPEND:
        return ",".join(dict.fromkeys([*parts, *given]))
    return ",".join(part for part in parts if part not in given)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _table(resource_type: int) -> Mapping[str, Setting]:
    return TOPIC_SETTINGS if resource_type == TOPIC_RESOURCE else BROKER_SETTINGS


def _check_settings(config: BrokerConfig, resource: Any, wanted: Settings) -> None:
    """Make sure that the resource can have all the settings it will have afterwards.

    Raises:
        BrokerError: INVALID_CONFIG for a topic; Kafka answers INVALID_REQUEST for a broker.
    """
    if resource.resource_type == TOPIC_RESOURCE:
        check_topic_overrides(config, wanted)
        return
    try:
        for name, text in wanted.items():
            check_broker_setting(name, text)
    except ConfigError as error:
        raise BrokerError(ErrorCode.INVALID_REQUEST, str(error)) from error
    if resource.resource_name and MIN_INSYNC_REPLICAS in wanted:
        raise BrokerError(
            ErrorCode.INVALID_CONFIG,
            f"{MIN_INSYNC_REPLICAS} cannot be set for one broker: who may lead a partition depends on it, and all "
            "brokers must agree. Set it for the topic, or for all brokers.",
        )
    named = [entry.name for entry in resource.configs if entry.name in wanted]
    fixed = [name for name in named if not BROKER_SETTINGS[name].is_dynamic]
    if fixed:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Cannot update these configs dynamically: {', '.join(fixed)}")


def _records(resource: Any, current: Settings, wanted: Settings) -> list[Any]:
    return [
        m.ConfigRecord(
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
            name=name,
            value=wanted.get(name),
        )
        for name in sorted(current.keys() | wanted.keys())
        if current.get(name) != wanted.get(name)
    ]


def _without_eligible_leaders(image: MetadataImage, changes: Sequence[m.ConfigRecord]) -> list[Any]:
    """The records that forget the eligible leader replicas where ``min.insync.replicas`` changes.

    They were complete as long as the old value held the high watermark back; with the new one nobody knows.
    Source: Kafka's ``ConfigurationControlManager.createClearElrRecordsAsNeeded``; it has a record of its own for it.
    """
    changed = [record for record in changes if record.name == MIN_INSYNC_REPLICAS]
    if not changed:
        return []
    topic_name = changed[0].resource_name if changed[0].resource_type == TOPIC_RESOURCE else None
    return [
        m.PartitionChangeRecord(
            partition_id=state.partition, topic_id=topic.topic_id, eligible_leader_replicas=[], last_known_elr=[]
        )
        for topic, state in image.partitions()
        if topic_name in (None, topic.name) and (state.elr or state.last_known_elr)
    ]
