"""What the controller decides about moving partitions to other brokers (KIP-455).

The new replicas are added to the old ones; `PartitionChange` drops the old ones in the record by which the last new
one comes into sync. Source: Kafka 4.3 classes ``ReplicationControlManager``, ``PartitionReassignmentReplicas`` and
``PartitionReassignmentRevert``; KIP-860 (``allow_replication_factor_change``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.elections import PartitionChange, election_of, is_active
from kit.broker.controller.placement import assignment_objection
from kit.broker.controller.rules import TopicRules
from kit.broker.controller.topics import str_of
from kit.broker.metadata import MetadataImage, PartitionState, TopicState
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

_Ongoing = m.ListPartitionReassignmentsResponse.OngoingTopicReassignment
_OngoingPartition = m.ListPartitionReassignmentsResponse.OngoingPartitionReassignment
_TopicAnswer = m.AlterPartitionReassignmentsResponse.ReassignableTopicResponse
_Answer = m.AlterPartitionReassignmentsResponse.ReassignablePartitionResponse


def alter_partition_reassignments(
    image: MetadataImage, config: BrokerConfig, request: m.AlterPartitionReassignmentsRequest
) -> tuple[m.AlterPartitionReassignmentsResponse, list[Any]]:
    """The answer for each partition, and the records that begin, change or call off its reassignment."""
    times = Counter((topic.name, each.partition_index) for topic in request.topics for each in topic.partitions)
    records: list[Any] = []
    answers = []
    for topic in request.topics:
        results = []
        for wanted in topic.partitions:
            answer = _Answer(partition_index=wanted.partition_index, error_code=ErrorCode.NONE, error_message=None)
            try:
                if times[topic.name, wanted.partition_index] > 1:
                    raise BrokerError(ErrorCode.INVALID_REQUEST, "Each partition must appear at most once.")
                record = _reassign(image, config, topic.name, wanted, request.allow_replication_factor_change)
            except BrokerError as error:
                answer.error_code, answer.error_message = error.code, str_of(error)
            else:
                records += [] if record is None else [record]
            results.append(answer)
        answers.append(_TopicAnswer(name=topic.name, partitions=results))
    response = m.AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change, error_message=None, responses=answers
    )
    return response, records


def _reassign(
    image: MetadataImage,
    config: BrokerConfig,
    name: str,
    wanted: m.ReassignablePartition,
    allow_replication_factor_change: bool,
) -> m.PartitionChangeRecord | None:
    topic = image.topics.get(name)
    state = image.partition(name, wanted.partition_index)
    if topic is None or state is None:
        raise BrokerError(
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"There is no partition {name}-{wanted.partition_index}."
        )
    rules = TopicRules(image, config)
    if wanted.replicas is None:
        return _called_off(image, rules, topic, state)
    _check_target(image, state, wanted.replicas, allow_replication_factor_change)
    change = PartitionChange(topic, state, rules=rules, may_lead=lambda node_id: is_active(image, node_id))
    original = set(state.replicas) - set(state.adding)  # what it goes back to when it is called off, now as before
    change.removing = sorted(set(state.replicas) - set(wanted.replicas))
    change.replicas = [*wanted.replicas, *change.removing]
    change.adding = sorted(set(change.replicas) - original)
    return change.record()


def _check_target(
    image: MetadataImage, state: PartitionState, replicas: Sequence[int], allow_replication_factor_change: bool
) -> None:
    where = f"The assignment of partition {state.partition}"
    reason = assignment_objection(image, replicas)
    if reason is not None:
        raise BrokerError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"{where} {reason}.")
    current = len(state.replicas) - len(state.removing)
    if len(replicas) != current and not allow_replication_factor_change:
        raise BrokerError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"{where} has {len(replicas)} replica(s) instead of {current}, "
            "and the request does not allow to change the replication factor.",
        )


def _called_off(
    image: MetadataImage, rules: TopicRules, topic: TopicState, state: PartitionState
) -> m.PartitionChangeRecord | None:
    """The record that gives a partition its old replicas back."""
    if not state.is_reassigning:
        raise BrokerError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    change = PartitionChange(
        topic,
        state,
        rules=rules,
        may_lead=lambda node_id: is_active(image, node_id),
        election=election_of(rules, topic.name),
    )
    change.replicas = [node_id for node_id in state.replicas if node_id not in state.adding]
    change.isr = [node_id for node_id in state.isr if node_id not in state.adding]
    change.adding, change.removing = [], []
    if not change.isr:
        _check_can_lose(rules, topic, state, change.replicas)
    return change.record()


def _check_can_lose(rules: TopicRules, topic: TopicState, state: PartitionState, replicas: Sequence[int]) -> None:
    """Make sure that a partition may go back to replicas none of which is in sync."""
    if replicas and rules.is_unclean_election_allowed(topic.name):
        return
    raise BrokerError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        f"The reassignment of {topic.name}-{state.partition} cannot be called off: none of its old replicas is in "
        "sync, and unclean.leader.election.enable is off.",
    )


def list_partition_reassignments(
    image: MetadataImage, request: m.ListPartitionReassignmentsRequest
) -> m.ListPartitionReassignmentsResponse:
    """The reassignments in progress among the partitions asked for; others are left out."""
    asked: Mapping[str, Sequence[int]]
    if request.topics is None:
        asked = {topic.name: sorted(topic.partitions) for topic in image.topics.values()}
    else:
        asked = {topic.name: list(topic.partition_indexes) for topic in request.topics}
    topics = []
    for name, indexes in asked.items():
        states = [state for index in indexes if (state := image.partition(name, index)) is not None]
        ongoing = [_ongoing(state) for state in states if state.is_reassigning]
        if ongoing:
            topics.append(_Ongoing(name=name, partitions=ongoing))
    return m.ListPartitionReassignmentsResponse(error_message=None, topics=topics)


def _ongoing(state: PartitionState) -> _OngoingPartition:
    return _OngoingPartition(
        partition_index=state.partition,
        replicas=list(state.replicas),
        adding_replicas=list(state.adding),
        removing_replicas=list(state.removing),
    )
