"""The three offset APIs as a whole: topics looked up, partitions checked one by one, one write for a request.

An error of the group (NOT_COORDINATOR, ILLEGAL_GENERATION, ...) is the answer for every partition that passed the
checks of its own; a topic that does not exist is refused before anybody asks for the group.
Source: ``KafkaApis.handleOffsetCommitRequest``, ``handleOffsetFetch``, ``handleOffsetDeleteRequest``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import NamedTuple

from kit.broker.deferred import Deferred
from kit.broker.groups import commits
from kit.broker.groups.records import OffsetChange, OffsetKey
from kit.broker.groups.shard import Shard
from kit.broker.metadata import MetadataImage, TopicState
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

_TOPIC_IDS_SINCE = 10


class _Accepted(NamedTuple):
    """One partition of a commit whose topic is known, and the place for its answer."""

    topic: str
    asked: m.OffsetCommitRequestPartition
    answer: m.OffsetCommitResponsePartition


class OffsetRequests:
    """Answers OffsetCommit, OffsetFetch and OffsetDelete.

    Args:
        shard_of: finds the shard of a group or raises `BrokerError`.
        topics: what topics and partitions there are.
    """

    def __init__(self, shard_of: Callable[[str], Shard], topics: MetadataImage) -> None:
        self._shard_of = shard_of
        self._topics = topics

    def commit(self, request: m.OffsetCommitRequest, api_version: int) -> Deferred[m.OffsetCommitResponse]:
        """Commit; resolves when the offsets are committed in the log."""
        response = m.OffsetCommitResponse(topics=[])
        accepted: list[_Accepted] = []
        for asked in request.topics:
            response.topics.append(self._check_topic(asked, api_version, accepted))
        done: Deferred[m.OffsetCommitResponse] = Deferred()

        def finish(code: ErrorCode) -> None:
            for partition in accepted:
                partition.answer.error_code = partition.answer.error_code or code
            done.resolve(response)

        if not accepted:
            finish(ErrorCode.NONE)
            return done
        try:
            shard = self._shard_of(request.group_id)
            with shard.turn():
                commits.validate_commit(shard, request, api_version)
                self._write_commit(shard, request, accepted, finish)
        except BrokerError as error:
            finish(error.code)
        return done

    def _check_topic(
        self, asked: m.OffsetCommitRequestTopic, api_version: int, accepted: list[_Accepted]
    ) -> m.OffsetCommitResponseTopic:
        topic, unknown = self._find(asked.name, asked.topic_id, api_version)
        answers = []
        for partition in asked.partitions:
            answer = m.OffsetCommitResponsePartition(partition_index=partition.partition_index)
            answers.append(answer)
            if topic is None:
                answer.error_code = unknown
            elif partition.partition_index not in topic.partitions:
                answer.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            else:
                accepted.append(_Accepted(topic.name, partition, answer))
        return m.OffsetCommitResponseTopic(name=asked.name, topic_id=asked.topic_id, partitions=answers)

    def _find(self, name: str, topic_id: uuid.UUID, api_version: int) -> tuple[TopicState | None, ErrorCode]:
        """The topic, and the error for it when there is none."""
        if api_version >= _TOPIC_IDS_SINCE:
            return self._topics.topic_by_id(topic_id), ErrorCode.UNKNOWN_TOPIC_ID
        return self._topics.topics.get(name), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    @staticmethod
    def _write_commit(
        shard: Shard,
        request: m.OffsetCommitRequest,
        accepted: list[_Accepted],
        finish: Callable[[ErrorCode], None],
    ) -> None:
        changes = []
        for partition in accepted:
            try:
                changes.append(commits.commit_change(shard, request, partition.topic, partition.asked))
            except BrokerError as error:
                partition.answer.error_code = error.code
        if changes:
            shard.write(changes, finish)
        else:
            finish(ErrorCode.NONE)

    def fetch(self, asked: m.OffsetFetchRequestGroup, api_version: int) -> m.OffsetFetchResponseGroup:
        """What a group has committed. ``require_stable`` changes nothing until there are transactions."""
        try:
            shard = self._shard_of(asked.group_id)
        except BrokerError as error:
            return m.OffsetFetchResponseGroup(group_id=asked.group_id, error_code=error.code)
        if asked.topics is None:
            topics = self._fetch_all(shard, asked.group_id, api_version)
        else:
            topics = [self._fetch_topic(shard, asked.group_id, topic, api_version) for topic in asked.topics]
        return m.OffsetFetchResponseGroup(group_id=asked.group_id, topics=topics)

    def _fetch_all(self, shard: Shard, group_id: str, api_version: int) -> list[m.OffsetFetchResponseTopics]:
        topics: dict[str, m.OffsetFetchResponseTopics] = {}
        for key in shard.offsets.of_group(group_id):
            state = self._topics.topics.get(key.topic)
            if state is None and api_version >= _TOPIC_IDS_SINCE:
                continue  # a topic that is gone has no id to answer with
            if key.topic not in topics:
                answer = m.OffsetFetchResponseTopics(name=key.topic, partitions=[])
                if state is not None:
                    answer.topic_id = state.topic_id
                topics[key.topic] = answer
            topics[key.topic].partitions.append(commits.fetch_offset(shard, key))
        return list(topics.values())

    def _fetch_topic(
        self, shard: Shard, group_id: str, asked: m.OffsetFetchRequestTopics, api_version: int
    ) -> m.OffsetFetchResponseTopics:
        name = asked.name
        if api_version >= _TOPIC_IDS_SINCE:
            topic = self._topics.topic_by_id(asked.topic_id)
            if topic is None:
                absent = [
                    commits.absent_offset(partition, ErrorCode.UNKNOWN_TOPIC_ID)
                    for partition in asked.partition_indexes
                ]
                return m.OffsetFetchResponseTopics(topic_id=asked.topic_id, partitions=absent)
            name = topic.name
        partitions = [
            commits.fetch_offset(shard, OffsetKey(group_id, name, partition)) for partition in asked.partition_indexes
        ]
        return m.OffsetFetchResponseTopics(name=name, topic_id=asked.topic_id, partitions=partitions)

    def delete(self, request: m.OffsetDeleteRequest) -> Deferred[m.OffsetDeleteResponse]:
        """Delete offsets; resolves when their tombstones are committed in the log."""
        done: Deferred[m.OffsetDeleteResponse] = Deferred()

        def refuse(code: ErrorCode) -> None:
            done.resolve(m.OffsetDeleteResponse(error_code=code, topics=[]))

        try:
            if not request.group_id:
                raise BrokerError(ErrorCode.INVALID_GROUP_ID)
            shard = self._shard_of(request.group_id)
            group = commits.validate_delete(shard, request.group_id)
        except BrokerError as error:
            refuse(error.code)
            return done
        response = m.OffsetDeleteResponse(topics=[])
        tombstones: list[OffsetChange] = []
        for asked in request.topics:
            code = ErrorCode.NONE
            if asked.name not in self._topics.topics:
                code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            elif group.is_subscribed_to(asked.name):
                code = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
            keys = [OffsetKey(request.group_id, asked.name, each.partition_index) for each in asked.partitions]
            if code is ErrorCode.NONE:
                tombstones += [OffsetChange(key, None) for key in keys if shard.offsets.knows(key)]
            answers = [m.OffsetDeleteResponsePartition(partition_index=key.partition, error_code=code) for key in keys]
            response.topics.append(m.OffsetDeleteResponseTopic(name=asked.name, partitions=answers))
        if tombstones:
            shard.write(tombstones, lambda code: refuse(code) if code else done.resolve(response))
        else:
            done.resolve(response)
        return done
