"""Requests that make no sense, and the error code that each is answered with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.talk import BROKER, TOPIC, Talk, batch, random_uuid

Code = Callable[[Any], int]


class Bad(NamedTuple):
    """One request.

    Attributes:
        request: made for a topic of one partition that exists.
        code: where the error code is in the answer.
        version: of the API; None for the newest.
    """

    request: Callable[[Talk, str], m.Message]
    code: Code
    expected: ErrorCode
    version: int | None = None


def top(answer: Any) -> int:
    """The code of the whole answer."""
    return int(answer.error_code)


def first(*path: str) -> Code:
    """The code of the first entry of lists within lists."""

    def code(answer: Any) -> int:
        for name in path:
            answer = getattr(answer, name)[0]
        return int(answer.error_code)

    return code


PRODUCED = first("responses", "partition_responses")
FETCHED = first("responses", "partitions")
LISTED = first("topics", "partitions")
_UNKNOWN = "nobody-made-this"


def produce(**options: Any) -> Callable[[Talk, str], m.Message]:
    """Produce one record."""
    data = options.pop("data", None) or batch(b"x")
    to = options.pop("to", None)
    return lambda talk, topic: talk.produce_request(to or topic, data, **options)


def fetch(**options: Any) -> Callable[[Talk, str], m.Message]:
    """Fetch from one partition."""
    to, offset = options.pop("to", None), options.pop("offset", 0)
    return lambda talk, topic: talk.fetch_request(to or topic, offset, **options)


def list_offsets(*timestamps: int, partition: int = 0, epoch: int = -1) -> Callable[[Talk, str], m.Message]:
    """Ask for offsets of one partition."""

    def made(_: Talk, topic: str) -> m.Message:
        request = m.ListOffsetsRequest
        places = [
            request.ListOffsetsPartition(partition_index=partition, timestamp=timestamp, current_leader_epoch=epoch)
            for timestamp in timestamps
        ]
        return request(replica_id=-1, topics=[request.ListOffsetsTopic(name=topic, partitions=places)])

    return made


def epoch_end(**options: Any) -> Callable[[Talk, str], m.Message]:
    """Ask for the end of an epoch."""

    def made(_: Talk, topic: str) -> m.Message:
        request = m.OffsetForLeaderEpochRequest
        place = request.OffsetForLeaderPartition(**{"partition": 0, "leader_epoch": 0, **options})
        return request(replica_id=-1, topics=[request.OffsetForLeaderTopic(topic=topic, partitions=[place])])

    return made


def find(key_type: int, key: str) -> Callable[[Talk, str], m.Message]:
    """Ask for a coordinator."""
    return lambda *_: m.FindCoordinatorRequest(key_type=key_type, coordinator_keys=[key])


def describe(kind: int, name: str) -> Callable[[Talk, str], m.Message]:
    """Describe settings."""
    resource = m.DescribeConfigsRequest.DescribeConfigsResource
    return lambda *_: m.DescribeConfigsRequest(
        resources=[resource(resource_type=kind, resource_name=name, configuration_keys=None)]
    )


def alter(kind: int, name: str | None, *, times: int = 1) -> Callable[[Talk, str], m.Message]:
    """Set a setting; None for the topic that exists."""

    def made(_: Talk, topic: str) -> m.Message:
        request = m.IncrementalAlterConfigsRequest
        change = request.AlterableConfig(name="retention.ms", config_operation=0, value="1000")
        resource = request.AlterConfigsResource(
            resource_type=kind, resource_name=topic if name is None else name, configs=[change]
        )
        return request(resources=[resource] * times)

    return made


def producer_id(**options: Any) -> Callable[[Talk, str], m.Message]:
    """Ask for a producer id."""
    return lambda *_: m.InitProducerIdRequest(**{"transactional_id": None, "transaction_timeout_ms": 60_000, **options})


def elect(kind: int = 0, partition: int = 0, name: str | None = None) -> Callable[[Talk, str], m.Message]:
    """Ask for an election."""
    return lambda _, topic: m.ElectLeadersRequest(
        election_type=kind,
        topic_partitions=[m.ElectLeadersRequest.TopicPartitions(topic=name or topic, partitions=[partition])],
    )


def reassign(replicas: list[int] | None, partition: int = 0) -> Callable[[Talk, str], m.Message]:
    """Ask for other replicas; None to call it off."""

    def made(_: Talk, topic: str) -> m.Message:
        request = m.AlterPartitionReassignmentsRequest
        place = request.ReassignablePartition(partition_index=partition, replicas=replicas)
        return request(topics=[request.ReassignableTopic(name=topic, partitions=[place])])

    return made


def delete_topic(**which: Any) -> Callable[[Talk, str], m.Message]:
    """Delete a topic."""
    state = m.DeleteTopicsRequest.DeleteTopicState
    return lambda *_: m.DeleteTopicsRequest(topics=[state(**which)], timeout_ms=30_000)


def quorum(topic: str, partition: int) -> Callable[[Talk, str], m.Message]:
    """Ask for the metadata quorum."""
    request = m.DescribeQuorumRequest
    place = request.PartitionData(partition_index=partition)
    return lambda *_: request(topics=[request.TopicData(topic_name=topic, partitions=[place])])


def pages(**cursor: Any) -> Callable[[Talk, str], m.Message]:
    """Describe topics from a cursor on."""
    request = m.DescribeTopicPartitionsRequest
    return lambda _, topic: request(
        topics=[request.TopicRequest(name=topic)], cursor=request.Cursor(**{"topic_name": topic, **cursor})
    )


def grow_twice(_: Talk, topic: str) -> m.Message:
    """Two wishes for one topic."""
    request = m.CreatePartitionsRequest
    wanted = [request.CreatePartitionsTopic(name=topic, count=count, assignments=None) for count in (3, 4)]
    return request(topics=wanted, timeout_ms=30_000)


BAD: Mapping[str, Bad] = {
    "produce with acks=2": Bad(produce(acks=2), PRODUCED, ErrorCode.INVALID_REQUIRED_ACKS, 12),
    "produce with acks=-2": Bad(produce(acks=-2), PRODUCED, ErrorCode.INVALID_REQUIRED_ACKS, 12),
    "produce to an unknown topic": Bad(produce(to=_UNKNOWN), PRODUCED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 12),
    "produce to an unknown partition": Bad(produce(partition=1), PRODUCED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 12),
    "produce to partition -1": Bad(produce(partition=-1), PRODUCED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 12),
    "produce to the offsets topic": Bad(
        produce(to="__consumer_offsets"), PRODUCED, ErrorCode.INVALID_TOPIC_EXCEPTION, 12
    ),
    "produce zstd with an old version": Bad(
        produce(data=batch(b"x", compression="zstd")), PRODUCED, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, 6
    ),
    "fetch from an unknown topic": Bad(fetch(to=_UNKNOWN), FETCHED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 12),
    "fetch from an unknown partition": Bad(fetch(partition=1), FETCHED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 12),
    "fetch before the start": Bad(fetch(offset=-5), FETCHED, ErrorCode.OFFSET_OUT_OF_RANGE, 12),
    "fetch beyond the end": Bad(fetch(offset=1), FETCHED, ErrorCode.OFFSET_OUT_OF_RANGE, 12),
    "fetch with a future epoch": Bad(fetch(epoch=1), FETCHED, ErrorCode.UNKNOWN_LEADER_EPOCH, 12),
    "fetch in an unknown session": Bad(
        fetch(session_id=77, session_epoch=3), top, ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 12
    ),
    "offset by a time that is none": Bad(list_offsets(-9), LISTED, ErrorCode.UNSUPPORTED_VERSION),
    "offset by an id that an old version lacks": Bad(list_offsets(-4), LISTED, ErrorCode.UNSUPPORTED_VERSION, 7),
    "newest timestamp in an old version": Bad(list_offsets(-3), LISTED, ErrorCode.UNSUPPORTED_VERSION, 6),
    "offsets of a partition twice": Bad(list_offsets(-1, -2), LISTED, ErrorCode.INVALID_REQUEST),
    "offset in a future epoch": Bad(list_offsets(-1, epoch=1), LISTED, ErrorCode.UNKNOWN_LEADER_EPOCH),
    "offset of an unknown partition": Bad(list_offsets(-1, partition=1), LISTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    "epoch of an unknown partition": Bad(epoch_end(partition=1), LISTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    "epoch asked in a future one": Bad(epoch_end(current_leader_epoch=1), LISTED, ErrorCode.UNKNOWN_LEADER_EPOCH),
    "coordinator of an unknown kind": Bad(find(9, "x"), first("coordinators"), ErrorCode.INVALID_REQUEST),
    "coordinator of the empty name, which has one": Bad(find(0, ""), first("coordinators"), ErrorCode.NONE),
    "heartbeat without a group": Bad(
        lambda *_: m.HeartbeatRequest(group_id="", generation_id=1, member_id="m"), top, ErrorCode.INVALID_GROUP_ID
    ),
    "sync without a group": Bad(
        lambda *_: m.SyncGroupRequest(
            group_id="", generation_id=1, member_id="m", protocol_type="consumer", protocol_name="range"
        ),
        top,
        ErrorCode.INVALID_GROUP_ID,
    ),
    "leave without a group": Bad(
        lambda *_: m.LeaveGroupRequest(group_id="", members=[m.LeaveGroupRequest.MemberIdentity(member_id="m")]),
        top,
        ErrorCode.INVALID_GROUP_ID,
    ),
    "deletion by name and id": Bad(
        delete_topic(name=_UNKNOWN, topic_id=random_uuid()), first("responses"), ErrorCode.INVALID_REQUEST
    ),
    "deletion by neither": Bad(delete_topic(name=None), first("responses"), ErrorCode.INVALID_REQUEST),
    "deletion of an unknown id": Bad(
        delete_topic(name=None, topic_id=random_uuid()), first("responses"), ErrorCode.UNKNOWN_TOPIC_ID
    ),
    "settings of an unknown topic": Bad(
        describe(TOPIC, _UNKNOWN), first("results"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    ),
    "settings of an unknown kind": Bad(describe(99, "x"), first("results"), ErrorCode.INVALID_REQUEST),
    "settings of broker x": Bad(describe(BROKER, "x"), first("results"), ErrorCode.INVALID_REQUEST),
    "change of an unknown topic": Bad(alter(TOPIC, _UNKNOWN), first("responses"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    "change of an illegal topic": Bad(alter(TOPIC, "a b"), first("responses"), ErrorCode.INVALID_TOPIC_EXCEPTION),
    "change of an unknown kind": Bad(alter(99, "x"), first("responses"), ErrorCode.INVALID_REQUEST),
    "change of a topic twice": Bad(alter(TOPIC, None, times=2), first("responses"), ErrorCode.INVALID_REQUEST),
    "change of a topic without a name": Bad(alter(TOPIC, ""), first("responses"), ErrorCode.INVALID_REQUEST),
    "producer id for an empty name": Bad(producer_id(transactional_id=""), top, ErrorCode.INVALID_REQUEST),
    "producer id with an id only": Bad(producer_id(producer_id=5), top, ErrorCode.INVALID_REQUEST),
    "producer id with an epoch only": Bad(producer_id(producer_epoch=5), top, ErrorCode.INVALID_REQUEST),
    "election of an unknown kind": Bad(elect(9), top, ErrorCode.INVALID_REQUEST),
    "election in an unknown partition": Bad(
        elect(partition=1), first("replica_election_results", "partition_result"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    ),
    "election in an unknown topic": Bad(
        elect(name=_UNKNOWN),
        first("replica_election_results", "partition_result"),
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ),
    "election that is not needed": Bad(
        elect(), first("replica_election_results", "partition_result"), ErrorCode.ELECTION_NOT_NEEDED
    ),
    "reassignment to nobody": Bad(reassign([]), first("responses", "partitions"), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
    "reassignment to an unknown broker": Bad(
        reassign([99]), first("responses", "partitions"), ErrorCode.INVALID_REPLICA_ASSIGNMENT
    ),
    "reassignment to a broker twice": Bad(
        reassign([1, 1]), first("responses", "partitions"), ErrorCode.INVALID_REPLICA_ASSIGNMENT
    ),
    "reassignment of an unknown partition": Bad(
        reassign([1], partition=1), first("responses", "partitions"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    ),
    "no reassignment to call off": Bad(
        reassign(None), first("responses", "partitions"), ErrorCode.NO_REASSIGNMENT_IN_PROGRESS
    ),
    "quorum of another topic": Bad(quorum(_UNKNOWN, 0), LISTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    "quorum of another partition": Bad(quorum("__cluster_metadata", 1), LISTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    "cluster by an unknown endpoint": Bad(
        lambda *_: m.DescribeClusterRequest(endpoint_type=9), top, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE
    ),
    "list of an unknown kind of settings": Bad(
        lambda *_: m.ListConfigResourcesRequest(resource_types=[99]), top, ErrorCode.UNSUPPORTED_VERSION
    ),
    "growing a topic twice": Bad(grow_twice, first("results"), ErrorCode.INVALID_REQUEST),
    "login where none is asked for": Bad(
        lambda *_: m.SaslHandshakeRequest(mechanism="PLAIN"), top, ErrorCode.ILLEGAL_SASL_STATE
    ),
    "password where none is asked for": Bad(
        lambda *_: m.SaslAuthenticateRequest(auth_bytes=b"\0a\0b"), top, ErrorCode.ILLEGAL_SASL_STATE
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_request_has_its_error_code(talk: Talk, topic: str, bad: Bad) -> None:
    """Each mistake is answered with the error code that Kafka has for it; the broker goes on."""
    answer = talk.ask(bad.request(talk, topic), talk.leader(topic), bad.version)

    assert ErrorCode(bad.code(answer)) == bad.expected
    assert talk.values(topic) == []
