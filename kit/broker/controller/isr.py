"""AlterPartition: a leader asks for other in-sync replicas, and only the controller can say yes (KIP-497).

So a leader that is cut off from the controller can neither shrink nor grow its ISR, and two leaders can never both
believe in theirs. Source: Kafka 4.3 class ``ReplicationControlManager``; KIP-841 (fenced brokers stay out), KIP-903
(stale broker epochs too), KIP-704 (recovery).
"""

from __future__ import annotations

import uuid
from typing import Any

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.elections import PartitionChange, election_of, is_active
from kit.broker.controller.rules import TopicRules
from kit.broker.metadata import LEADER_UNCHANGED, RECOVERING, MetadataImage, PartitionState, TopicState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

_EPOCH_NOT_SAID = -1
_RECOVERED = 0
_Replicas = list[tuple[int, int]]  # broker id and epoch
_TopicAnswer = m.AlterPartitionResponse.TopicData
_Answer = m.AlterPartitionResponse.PartitionData


def alter_partition(
    image: MetadataImage, config: BrokerConfig, request: m.AlterPartitionRequest, api_version: int
) -> tuple[m.AlterPartitionResponse, list[Any]]:
    """The answer for each partition, and the records that change the possible ones.

    A partition whose reassignment is finished by the new ISR loses the replicas to be removed; if its leader is one of
    them, the answer is NEW_LEADER_ELECTED.
    """
    broker = image.brokers.get(request.broker_id)
    if broker is None or broker.epoch != request.broker_epoch:
        return m.AlterPartitionResponse(error_code=ErrorCode.STALE_BROKER_EPOCH), []
    asked = _IsrChanges(image, TopicRules(image, config), request.broker_id)
    answers = []
    for wanted in request.topics:
        partitions = [asked.answer(wanted.topic_id, each, _new_isr(each, api_version)) for each in wanted.partitions]
        answers.append(_TopicAnswer(topic_id=wanted.topic_id, partitions=partitions))
    return m.AlterPartitionResponse(topics=answers), asked.records


def _new_isr(wanted: m.AlterPartitionRequest.PartitionData, api_version: int) -> _Replicas:
    if api_version < 3:
        return [(node_id, _EPOCH_NOT_SAID) for node_id in wanted.new_isr]
    return [(replica.broker_id, replica.broker_epoch) for replica in wanted.new_isr_with_epochs]


class _IsrChanges:
    """The changes that one leader asks for, and the records of those it gets."""

    def __init__(self, image: MetadataImage, rules: TopicRules, asking: int) -> None:
        self.records: list[Any] = []
        self._image = image
        self._rules = rules
        self._asking = asking

    def answer(self, topic_id: uuid.UUID, wanted: m.AlterPartitionRequest.PartitionData, new_isr: _Replicas) -> _Answer:
        topic = self._image.topic_by_id(topic_id)
        if topic is None:
            return _refused(wanted.partition_index, ErrorCode.UNKNOWN_TOPIC_ID)
        state = topic.partitions.get(wanted.partition_index)
        if state is None:
            return _refused(wanted.partition_index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        error = _objection(self._image, state, self._asking, wanted, new_isr)
        if error is not ErrorCode.NONE:
            return _refused(wanted.partition_index, error)
        record = self._record(topic, state, wanted, new_isr)
        if record is None:
            return _agreed(state)
        self.records.append(record)
        if record.leader not in (self._asking, LEADER_UNCHANGED):
            return _refused(wanted.partition_index, ErrorCode.NEW_LEADER_ELECTED)
        return _agreed(state.changed_by(record))

    def _record(
        self,
        topic: TopicState,
        state: PartitionState,
        wanted: m.AlterPartitionRequest.PartitionData,
        new_isr: _Replicas,
    ) -> m.PartitionChangeRecord | None:
        change = PartitionChange(
            topic,
            state,
            rules=self._rules,
            may_lead=lambda node_id: is_active(self._image, node_id),
            election=election_of(self._rules, topic.name),
        )
        change.isr = [node_id for node_id, _ in new_isr]
        change.is_recovering = wanted.leader_recovery_state == RECOVERING
        return change.record()


def _objection(
    image: MetadataImage,
    state: PartitionState,
    asking: int,
    wanted: m.AlterPartitionRequest.PartitionData,
    new_isr: _Replicas,
) -> ErrorCode:
    if wanted.leader_epoch > state.leader_epoch or wanted.partition_epoch > state.partition_epoch:
        return ErrorCode.NOT_CONTROLLER  # the leader knows of a newer controller's decision than we do
    if wanted.leader_epoch < state.leader_epoch:
        return ErrorCode.FENCED_LEADER_EPOCH
    if asking != state.leader:
        return ErrorCode.INVALID_REQUEST
    if wanted.partition_epoch < state.partition_epoch:
        return ErrorCode.INVALID_UPDATE_VERSION
    node_ids = [node_id for node_id, _ in new_isr]
    if not _is_possible(state, node_ids, wanted.leader_recovery_state):
        return ErrorCode.INVALID_REQUEST
    is_eligible = all(_is_eligible(image, node_id, epoch) for node_id, epoch in new_isr)
    return ErrorCode.NONE if is_eligible else ErrorCode.INELIGIBLE_REPLICA


def _is_possible(state: PartitionState, isr: list[int], recovery_state: int) -> bool:
    """Whether these can be in sync together: replicas, each once, the leader among them, alone while it recovers."""
    if len(set(isr)) < len(isr) or not set(isr) <= set(state.replicas) or state.leader not in isr:
        return False
    if recovery_state == RECOVERING:
        return len(isr) == 1 and state.is_recovering
    return recovery_state == _RECOVERED


def _is_eligible(image: MetadataImage, node_id: int, epoch: int) -> bool:
    """Whether a broker may be in sync: active, and still the process that the leader heard of."""
    return is_active(image, node_id) and epoch in (_EPOCH_NOT_SAID, image.brokers[node_id].epoch)


def _refused(partition: int, error: ErrorCode) -> _Answer:
    return _Answer(partition_index=partition, error_code=error)


def _agreed(state: PartitionState) -> _Answer:
    return _Answer(
        partition_index=state.partition,
        error_code=ErrorCode.NONE,
        leader_id=state.leader,
        leader_epoch=state.leader_epoch,
        isr=list(state.isr),
        leader_recovery_state=RECOVERING if state.is_recovering else _RECOVERED,
        partition_epoch=state.partition_epoch,
    )
