"""One error as the answer to any request."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kit.broker import handlers
from kit.broker.refusals import refusal
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

PRODUCE, FETCH, OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP, DESCRIBE_GROUPS = 0, 1, 9, 10, 11, 15
ERROR = ErrorCode.NOT_LEADER_OR_FOLLOWER
TOPIC_ID = uuid.UUID(int=7)


def refused(api_key: int, request: Any, version: int | None = None, error: ErrorCode = ERROR) -> Any:
    """The refusal as a client decodes it."""
    version = codec.api(api_key).max_version if version is None else version
    response = refusal(api_key, version, request, error)
    frame = b"".join(codec.encode_response(api_key, version, 5, response))
    return codec.decode_response(api_key, version, memoryview(frame)[4:])[1]


def one_of_everything(struct: Any, version: int, message: Any) -> Any:
    """A message whose arrays have an element each, as far as the version has them."""
    for field in struct.SCHEMA.fields:
        if field.array and version in field.versions:
            plain = {"string": "name"}.get(field.type, uuid.UUID(int=1) if field.type == "uuid" else 1)
            inner = plain if field.struct is None else getattr(message, field.type)()
            setattr(struct, field.name, [plain if field.struct is None else one_of_everything(inner, version, message)])
    return struct


def test_produce_is_refused_beside_each_partition() -> None:
    """Names, ids and numbers come back as they were asked with."""
    request = m.ProduceRequest(
        topic_data=[
            m.TopicProduceData(name="plays", topic_id=TOPIC_ID, partition_data=[m.PartitionProduceData(index=3)])
        ]
    )

    (topic,) = refused(PRODUCE, request).responses
    assert topic.topic_id == TOPIC_ID
    assert [(each.index, each.error_code) for each in topic.partition_responses] == [(3, ERROR)]

    (topic,) = refused(PRODUCE, request, version=9).responses
    assert topic.name == "plays"


def test_fetch_is_refused_beside_each_partition_and_not_at_the_top() -> None:
    """An error at the top of a Fetch is about the client's session."""
    wanted = [m.FetchRequest.FetchPartition(partition=1), m.FetchRequest.FetchPartition(partition=2)]
    request = m.FetchRequest(topics=[m.FetchRequest.FetchTopic(topic="plays", topic_id=TOPIC_ID, partitions=wanted)])

    response = refused(FETCH, request)

    assert response.error_code == ErrorCode.NONE
    partitions = response.responses[0].partitions
    assert [(each.partition_index, each.error_code) for each in partitions] == [(1, ERROR), (2, ERROR)]


def test_keys_without_a_struct_are_refused_by_name() -> None:
    """FindCoordinator asks with strings, DescribeGroups too, OffsetFetch with numbers."""
    request = m.FindCoordinatorRequest(coordinator_keys=["a", "b"])
    found = refused(FIND_COORDINATOR, request, error=ErrorCode.COORDINATOR_NOT_AVAILABLE).coordinators
    assert [(each.key, each.error_code) for each in found] == [("a", 15), ("b", 15)]

    groups = refused(DESCRIBE_GROUPS, m.DescribeGroupsRequest(groups=["g"])).groups
    assert [(each.group_id, each.error_code) for each in groups] == [("g", ERROR)]

    topic = m.OffsetFetchRequestTopics(name="plays", partition_indexes=[4])
    wanted = m.OffsetFetchRequest(groups=[m.OffsetFetchRequestGroup(group_id="g", topics=[topic])])
    (group,) = refused(OFFSET_FETCH, wanted, version=9).groups
    assert (group.group_id, group.topics[0].name) == ("g", "plays")
    assert [(each.partition_index, each.error_code) for each in group.topics[0].partitions] == [(4, ERROR)]


def test_older_version_is_refused_where_it_says_errors() -> None:
    """FindCoordinator once asked for one key, and answered at the top."""
    assert refused(FIND_COORDINATOR, m.FindCoordinatorRequest(key="g"), version=3).error_code == ERROR


def test_request_without_parts_is_refused_at_the_top() -> None:
    """As is one that names no part though it could."""
    assert refused(JOIN_GROUP, m.JoinGroupRequest(group_id="g")).error_code == ERROR
    assert refused(FETCH, m.FetchRequest()).error_code == ERROR


@pytest.mark.parametrize("api_key", sorted(handlers.load_all()))
def test_every_served_api_can_be_refused(api_key: int) -> None:
    """In every version, for a request that names one of everything that the version has."""
    handler, api = handlers.load_all()[api_key], codec.api(api_key)
    for version in range(handler.min_version, handler.max_version + 1):
        request = one_of_everything(api.request(), version, api.request)

        assert f"error_code={int(ERROR)}" in repr(refused(api_key, request, version))
