"""Elections that nobody's death brings about: those that an administrator asks for, and those of a routine.

Source: Kafka 4.3 class ``ReplicationControlManager``; KIP-183 (preferred), KIP-460 (unclean).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from itertools import islice
from typing import Any

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.elections import Election, PartitionChange, is_active, leaderless
from kit.broker.controller.rules import TopicRules
from kit.broker.metadata import NO_LEADER, MetadataImage, PartitionState, TopicState
from kit.broker.refusals import refusal
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

ELECT_LEADERS, ELECT_LEADERS_VERSION = 43, 2
MAX_ELECTIONS = 1_000  # of one round of the routine
_Asked = dict[str, list[int]]  # topic -> partitions
_TopicAnswer = m.ElectLeadersResponse.ReplicaElectionResult
_Answer = m.ElectLeadersResponse.PartitionResult


class ElectionType(IntEnum):
    """What ElectLeaders asks for."""

    PREFERRED = 0
    UNCLEAN = 1


def elect_leaders(
    image: MetadataImage, config: BrokerConfig, request: m.ElectLeadersRequest
) -> tuple[m.ElectLeadersResponse, list[Any]]:
    """The answer for each partition of an ElectLeaders request, and the records of the elections.

    When all partitions are asked for, those that need no election are left out of the answer.
    """
    try:
        kind = ElectionType(request.election_type)
    except ValueError:
        return _unknown_type(request), []
    is_for_all = request.topic_partitions is None
    asked = _AskedElections(image, TopicRules(image, config), kind)
    answers = []
    for topic, partitions in _asked(image, request).items():
        results = [asked.answer(topic, partition) for partition in partitions]
        if is_for_all:
            results = [result for result in results if result.error_code != ErrorCode.ELECTION_NOT_NEEDED]
        answers.append(_TopicAnswer(topic=topic, partition_result=results))
    return m.ElectLeadersResponse(replica_election_results=answers), asked.records


def _unknown_type(request: m.ElectLeadersRequest) -> m.ElectLeadersResponse:
    error, text = ErrorCode.INVALID_REQUEST, f"There is no election of type {request.election_type}: 0 or 1."
    response: m.ElectLeadersResponse = refusal(ELECT_LEADERS, ELECT_LEADERS_VERSION, request, error, text)
    response.error_code = error
    return response


def _asked(image: MetadataImage, request: m.ElectLeadersRequest) -> _Asked:
    if request.topic_partitions is None:
        return {topic.name: sorted(topic.partitions) for topic in image.topics.values()}
    asked: dict[str, dict[int, None]] = {}
    for each in request.topic_partitions:
        asked.setdefault(each.topic, {}).update(dict.fromkeys(each.partitions))
    return {topic: list(partitions) for topic, partitions in asked.items()}


class _AskedElections:
    """The elections of one kind that one request asks for, and the records of those that are held."""

    def __init__(self, image: MetadataImage, rules: TopicRules, kind: ElectionType) -> None:
        self.records: list[Any] = []
        self._image = image
        self._rules = rules
        self._is_unclean = kind is ElectionType.UNCLEAN

    def answer(self, name: str, partition: int) -> _Answer:
        error = self._hold(name, partition)
        message = None if error is ErrorCode.NONE else error.description
        return _Answer(partition_id=partition, error_code=error, error_message=message)

    def _hold(self, name: str, partition: int) -> ErrorCode:
        topic = self._image.topics.get(name)
        state = self._image.partition(name, partition)
        if topic is None or state is None:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        if state.leader != NO_LEADER if self._is_unclean else state.leader == state.replicas[0]:
            return ErrorCode.ELECTION_NOT_NEEDED
        election = Election.UNCLEAN if self._is_unclean else Election.PREFERRED
        record = _election_record(self._image, self._rules, topic, state, election)
        if record is not None:
            self.records.append(record)
            return ErrorCode.NONE
        if self._is_unclean:
            return ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE
        return ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE


def _election_record(
    image: MetadataImage, rules: TopicRules, topic: TopicState, state: PartitionState, election: Election
) -> m.PartitionChangeRecord | None:
    change = PartitionChange(
        topic, state, rules=rules, may_lead=lambda node_id: is_active(image, node_id), election=election
    )
    return change.record()


def rebalance_leaders(image: MetadataImage, config: BrokerConfig) -> list[Any]:
    """The records that give leadership back to preferred replicas that are in sync again.

    To be asked for every ``leader.imbalance.check.interval.seconds``; at most `MAX_ELECTIONS` of them, and none when
    ``auto.leader.rebalance.enable`` is off.
    """
    if not config["auto.leader.rebalance.enable"]:
        return []
    imbalanced = (pair for pair in image.partitions() if pair[1].leader != pair[1].replicas[0])
    return _elections(image, config, imbalanced, Election.PREFERRED)


def elect_unclean_leaders(image: MetadataImage, config: BrokerConfig) -> list[Any]:
    """The records of unclean elections in topics that allow them, for partitions that nobody leads.

    Needed when the setting of a topic changes while its partitions have no leader: otherwise nothing would happen
    until a broker comes or goes. At most `MAX_ELECTIONS`.
    """
    rules = TopicRules(image, config)
    allowed = (pair for pair in leaderless(image) if rules.is_unclean_election_allowed(pair[0].name))
    return _elections(image, config, allowed, Election.UNCLEAN)


def _elections(
    image: MetadataImage,
    config: BrokerConfig,
    partitions: Iterable[tuple[TopicState, PartitionState]],
    election: Election,
) -> list[Any]:
    rules = TopicRules(image, config)
    records = (_election_record(image, rules, topic, state, election) for topic, state in partitions)
    return list(islice((record for record in records if record is not None), MAX_ELECTIONS))
