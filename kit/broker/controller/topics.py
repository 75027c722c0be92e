"""What the controller decides about topics: may this one exist, on which brokers, with which settings.

Each function judges a whole request and returns the answers beside the metadata records that carry out what is
possible; the handler commits the records. One impossible topic does not keep the others from being made.
Source: Kafka classes ``ReplicationControlManager``, ``ControllerApis`` and ``Topic``; error codes as seen on 4.3.1.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from kit.broker.config.configs import BrokerConfig, TopicConfig, check_topic_overrides
from kit.broker.controller.placement import ReplicaPlacer, check_manual
from kit.broker.metadata import TOPIC_RESOURCE, MetadataImage, TopicState
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

MAX_NAME_LENGTH = 249  # with "-", a partition number and ".deleted" it still is a file name
MAX_NEW_PARTITIONS = 10_000  # in one request
_METADATA_TOPIC = "__cluster_metadata"
_UNLIKE_ANY_ID = 62  # base64 "-": an id that begins with it looks like an option on a command line


def check_topic_name(name: str) -> None:
    """Make sure that a topic can have this name.

    Raises:
        BrokerError: INVALID_TOPIC_EXCEPTION, in the words of Kafka 4.3.1: people search the web for them.
    """
    if not name:
        reason = "the empty string is not allowed"
    elif name in (".", ".."):
        reason = f"'{name}' is not allowed"
    elif len(name) > MAX_NAME_LENGTH:
        reason = f"the length of '{name}' is longer than the max allowed length {MAX_NAME_LENGTH}"
    elif re.fullmatch(r"[a-zA-Z0-9._-]+", name) is None:
        reason = f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    else:
        return
    raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {reason}")


@dataclass(slots=True)
class NewTopic:
    """A topic that may be made."""

    name: str
    topic_id: uuid.UUID
    assignments: list[list[int]]
    configs: dict[str, str]


# -- create ------------------------------------------------------------------------------------------------------


def create_topics(
    image: MetadataImage, config: BrokerConfig, request: m.CreateTopicsRequest, random: Random
) -> tuple[list[m.CreatableTopicResult], list[Any]]:
    """The answer for each topic of a CreateTopics request, and the records that make the possible ones.

    Args:
        random: gives the topics their ids.
    """
    times = Counter(topic.name for topic in request.topics)
    placer = ReplicaPlacer(image)
    planned: dict[str, NewTopic] = {}
    taken = {_metric_name(name): name for name in image.topics}
    num_planned = 0
    results = []
    for wanted in {topic.name: topic for topic in request.topics}.values():
        try:
            if times[wanted.name] > 1:
                raise BrokerError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            assignments, settings = _plan(image, config, placer, wanted, taken=taken, num_planned=num_planned)
        except BrokerError as error:
            results.append(_refused(wanted.name, error))
            continue
        new = NewTopic(wanted.name, _new_topic_id(random), assignments, settings)
        planned[new.name] = new
        taken[_metric_name(new.name)] = new.name
        num_planned += len(new.assignments)
        results.append(_created(new, config))
    return results, [record for new in planned.values() for record in _topic_records(image, new)]


def _plan(
    image: MetadataImage,
    config: BrokerConfig,
    placer: ReplicaPlacer,
    wanted: m.CreatableTopic,
    *,
    taken: Mapping[str, str],
    num_planned: int,
) -> tuple[list[list[int]], dict[str, str]]:
    """The replicas of each partition, and the settings that the topic has of its own."""
    if wanted.name == _METADATA_TOPIC:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Creation of internal topic {_METADATA_TOPIC} is prohibited.")
    check_topic_name(wanted.name)
    _check_is_free(wanted.name, taken)
    configs = {entry.name: entry.value for entry in wanted.configs}
    check_topic_overrides(config, configs)
    if wanted.assignments:
        _check_not_too_many(num_planned + len(wanted.assignments))
        assignments = _manual_assignments(image, wanted)
    else:
        num_partitions, replication_factor = _counts(config, wanted)
        _check_not_too_many(num_planned + num_partitions)
        assignments = placer.place(num_partitions, replication_factor)
    return assignments, {name: value for name, value in configs.items() if value is not None}


def _metric_name(topic: str) -> str:
    """Metrics turn "." into "_", so that two topics with the same metric name could not be told apart there."""
    return topic.replace(".", "_")


def _check_is_free(name: str, taken: Mapping[str, str]) -> None:
    twin = taken.get(_metric_name(name))
    if twin == name:
        raise BrokerError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    if twin is not None:
        raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic '{name}' collides with existing topic: {twin}")


def _counts(config: BrokerConfig, wanted: m.CreatableTopic) -> tuple[int, int]:
    """Partitions and replication factor, -1 being the broker's default (KIP-464)."""
    if wanted.num_partitions < -1 or wanted.num_partitions == 0:
        raise BrokerError(
            ErrorCode.INVALID_PARTITIONS,
            "Number of partitions was set to an invalid non-positive value.",
        )
    if wanted.replication_factor < -1 or wanted.replication_factor == 0:
        raise BrokerError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    num_partitions = config["num.partitions"] if wanted.num_partitions == -1 else wanted.num_partitions
    default = config["default.replication.factor"]
    return num_partitions, default if wanted.replication_factor == -1 else wanted.replication_factor


def _check_not_too_many(num_partitions: int) -> None:
    if num_partitions > MAX_NEW_PARTITIONS:
        raise BrokerError(ErrorCode.POLICY_VIOLATION, f"More than {MAX_NEW_PARTITIONS} new partitions in one request.")


def _manual_assignments(image: MetadataImage, wanted: m.CreatableTopic) -> list[list[int]]:
    for name, count in (("num_partitions", wanted.num_partitions), ("replication_factor", wanted.replication_factor)):
        if count != -1:
            raise BrokerError(
                ErrorCode.INVALID_REQUEST, f"With replicas assigned by hand, {name} must be -1, not {count}."
            )
    by_partition = {assignment.partition_index: list(assignment.broker_ids) for assignment in wanted.assignments}
    if sorted(by_partition) != list(range(len(wanted.assignments))):
        raise BrokerError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            "The assigned partitions must be numbered from 0 on, each once and without a gap.",
        )
    assignments = [by_partition[partition] for partition in range(len(by_partition))]
    check_manual(image, assignments, None)
    return assignments


def _new_topic_id(random: Random) -> uuid.UUID:
    while True:
        topic_id = uuid.UUID(int=random.getrandbits(128), version=4)
        if topic_id.bytes[0] >> 2 != _UNLIKE_ANY_ID:
            return topic_id


def _topic_records(image: MetadataImage, new: NewTopic) -> list[Any]:
    records: list[Any] = [m.TopicRecord(name=new.name, topic_id=new.topic_id)]
    records += [
        m.ConfigRecord(resource_type=TOPIC_RESOURCE, resource_name=new.name, name=name, value=value)
        for name, value in new.configs.items()
    ]
    return records + _partition_records(image, new.topic_id, 0, new.assignments)


def _partition_records(
    image: MetadataImage, topic_id: uuid.UUID, first: int, assignments: Sequence[list[int]]
) -> list[Any]:
    return [_partition_record(image, topic_id, first + index, replicas) for index, replicas in enumerate(assignments)]


def _partition_record(
    image: MetadataImage, topic_id: uuid.UUID, partition: int, replicas: list[int]
) -> m.PartitionRecord:
    in_sync = [node_id for node_id in replicas if image.brokers[node_id].is_active]
    return m.PartitionRecord(
        partition_id=partition,
        topic_id=topic_id,
        replicas=replicas,
        isr=in_sync,  # all of them have all there is: nothing
        leader=in_sync[0],
        leader_epoch=0,
        partition_epoch=0,
    )


def _refused(name: str, error: BrokerError) -> m.CreatableTopicResult:
    return m.CreatableTopicResult(name=name, error_code=error.code, error_message=str_of(error))


def _created(new: NewTopic, config: BrokerConfig) -> m.CreatableTopicResult:
    entries = TopicConfig(config, new.configs).describe()
    return m.CreatableTopicResult(
        name=new.name,
        topic_id=new.topic_id,
        error_code=ErrorCode.NONE,
        error_message=None,
        num_partitions=len(new.assignments),
        replication_factor=len(new.assignments[0]),
        configs=[
            m.CreatableTopicConfigs(
                name=entry.name,
                value=entry.value,
                read_only=entry.read_only,
                config_source=entry.source,
                is_sensitive=False,
            )
            for entry in entries
        ],
    )


def str_of(error: BrokerError) -> str:
    """What a response says of an error: this case if there is a text for it, else what the code means."""
    return error.message or error.code.description


# -- more partitions ---------------------------------------------------------------------------------------------


def create_partitions(
    image: MetadataImage, request: m.CreatePartitionsRequest
) -> tuple[list[m.CreatePartitionsTopicResult], list[Any]]:
    """The answer for each topic of a CreatePartitions request, and the records that add the possible ones."""
    times = Counter(topic.name for topic in request.topics)
    placer = ReplicaPlacer(image)
    results: list[m.CreatePartitionsTopicResult] = []
    records: list[Any] = []
    for wanted in {topic.name: topic for topic in request.topics}.values():
        try:
            if times[wanted.name] > 1:
                raise BrokerError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            records += _more_partitions(image, placer, wanted, len(records))
        except BrokerError as error:
            results.append(
                m.CreatePartitionsTopicResult(name=wanted.name, error_code=error.code, error_message=str_of(error))
            )
        else:
            results.append(m.CreatePartitionsTopicResult(name=wanted.name, error_code=ErrorCode.NONE))
    return results, records


def _more_partitions(
    image: MetadataImage, placer: ReplicaPlacer, wanted: m.CreatePartitionsTopic, already_added: int
) -> list[Any]:
    topic = image.topics.get(wanted.name)
    if topic is None:
        raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    current = len(topic.partitions)
    additional = wanted.count - current
    if additional <= 0:
        raise BrokerError(
            ErrorCode.INVALID_PARTITIONS,
            f"Topic '{wanted.name}' has {current} partition(s); the count can only grow, not be {wanted.count}.",
        )
    _check_not_too_many(already_added + additional)
    replication_factor = len(topic.partitions[0].replicas)
    if wanted.assignments is None:
        assignments = placer.place(additional, replication_factor)
    else:
        assignments = [list(assignment.broker_ids) for assignment in wanted.assignments]
        if len(assignments) != additional:
            raise BrokerError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"{additional} partition(s) are to be added, and replicas are assigned for {len(assignments)}.",
            )
        check_manual(image, assignments, replication_factor)
    return _partition_records(image, topic.topic_id, current, assignments)


# -- delete ------------------------------------------------------------------------------------------------------


def delete_topics(
    image: MetadataImage, config: BrokerConfig, request: m.DeleteTopicsRequest, api_version: int
) -> tuple[list[m.DeletableTopicResult], list[Any]]:
    """The answer for each topic of a DeleteTopics request, and the records that delete the possible ones."""
    # Before v6 topics are listed by name alone (KIP-516).
    wanted = request.topics if api_version >= 6 else [m.DeleteTopicState(name=name) for name in request.topic_names]
    names = Counter(topic.name for topic in wanted)
    ids = Counter(topic.topic_id for topic in wanted)
    results: list[m.DeletableTopicResult] = []
    deleted: dict[uuid.UUID, Any] = {}
    for topic in {(topic.name, topic.topic_id): topic for topic in wanted}.values():
        try:
            if not config["delete.topic.enable"]:
                raise BrokerError(ErrorCode.INVALID_REQUEST if api_version < 3 else ErrorCode.TOPIC_DELETION_DISABLED)
            found = _to_delete(image, topic, names, ids)
            if found.topic_id in deleted:
                raise BrokerError(ErrorCode.INVALID_REQUEST, "The same topic is named by its name and by its id.")
        except BrokerError as error:
            results.append(
                m.DeletableTopicResult(
                    name=topic.name, topic_id=topic.topic_id, error_code=error.code, error_message=str_of(error)
                )
            )
            continue
        results.append(m.DeletableTopicResult(name=found.name, topic_id=found.topic_id, error_code=ErrorCode.NONE))
        deleted[found.topic_id] = m.RemoveTopicRecord(topic_id=found.topic_id)
    return results, list(deleted.values())


def _to_delete(
    image: MetadataImage, wanted: m.DeleteTopicState, names: Mapping[str | None, int], ids: Mapping[uuid.UUID, int]
) -> TopicState:
    by_id = wanted.topic_id != m.NULL_UUID
    if wanted.name is not None and by_id:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "You may not specify both topic name and topic id.")
    if wanted.name is None and not by_id:
        raise BrokerError(ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified.")
    if (ids[wanted.topic_id] if by_id else names[wanted.name]) > 1:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Duplicate topic {'id' if by_id else 'name'}.")
    found = image.topic_by_id(wanted.topic_id) if by_id else image.topics.get(wanted.name or "")
    if found is None:
        raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID if by_id else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return found
