"""The controller's decisions about topics; the error codes are those of Apache Kafka 4.3.1."""

import uuid
from random import Random

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.topics import (
    MAX_NEW_PARTITIONS,
    check_topic_name,
    create_partitions,
    create_topics,
    delete_topics,
)
from kit.broker.metadata import TOPIC_RESOURCE, MetadataImage
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode
from tests.support.metadata import apply_all, image_of, manual_topic, topic, with_topics

CONFIG = BrokerConfig({"num.partitions": 2})
NO_ID = uuid.UUID(int=0)
RANDOM = Random(1)


def create(image: MetadataImage, *topics: m.CreatableTopic) -> dict[str, ErrorCode]:
    """Create topics and let the image know; returns the error code of each."""
    results, records = create_topics(image, CONFIG, m.CreateTopicsRequest(topics=list(topics)), RANDOM)
    apply_all(image, records)
    return {result.name: ErrorCode(result.error_code) for result in results}


# -- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "orders", "a.b-c_D9", "_", "...", "x" * 249])
def test_check_topic_name_accepts_legal_names(name: str) -> None:
    """Letters, digits, dot, underscore and hyphen, up to 249 of them."""
    check_topic_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "a\n", "é", "x" * 250, "topic:1"])
def test_check_topic_name_refuses_illegal_names(name: str) -> None:
    """Anything else could not be a folder's name everywhere."""
    with pytest.raises(BrokerError, match="Topic name is invalid: ") as refused:
        check_topic_name(name)
    assert refused.value.code is ErrorCode.INVALID_TOPIC_EXCEPTION


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "the empty string is not allowed"),
        ("..", "'..' is not allowed"),
        (
            "my songs",
            "'my songs' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
        ),
        ("x" * 250, f"the length of '{'x' * 250}' is longer than the max allowed length 249"),
    ],
)
def test_check_topic_name_says_it_in_kafkas_words(name: str, said: str) -> None:
    """The sentences are those that brokers of Kafka 4.3.1 answered with."""
    with pytest.raises(BrokerError) as refused:
        check_topic_name(name)
    assert str(refused.value) == f"INVALID_TOPIC_EXCEPTION: Topic name is invalid: {said}"


# -- create ------------------------------------------------------------------------------------------------------


def test_create_topics_makes_partitions_with_leaders() -> None:
    """A new topic has its partitions, each led by its first replica in epoch 0."""
    image = image_of(1, 2, 3)
    assert create(image, topic("orders", 3, 1)) == {"orders": ErrorCode.NONE}
    partitions = image.topics["orders"].partitions
    assert [state.replicas for state in partitions.values()] == [[1], [2], [3]]
    assert [state.leader for state in partitions.values()] == [1, 2, 3]
    assert {state.leader_epoch for state in partitions.values()} == {0}


def test_create_topics_puts_every_active_replica_in_sync() -> None:
    """A new partition is empty, so whoever is active has all of it; others have to wait."""
    image = image_of(1, 2, 3, 4, fenced=(1,))
    image.brokers[3].in_controlled_shutdown = True
    assert create(image, manual_topic("a", [(0, [1, 2, 3, 4]), (1, [2, 4, 1, 3])]), topic("b", 2, 2)) == {
        "a": ErrorCode.NONE,
        "b": ErrorCode.NONE,
    }
    assert [(state.isr, state.leader) for state in image.topics["a"].partitions.values()] == [([2, 4], 2)] * 2
    assert [state.replicas for state in image.topics["b"].partitions.values()] == [[2, 4], [4, 2]]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (topic("a", 1, 4), ErrorCode.INVALID_REPLICATION_FACTOR),
        (manual_topic("a", [(0, [1]), (1, [2, 1])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
    ],
)
def test_create_topics_refuses_copies_that_nobody_would_keep(wanted: m.CreatableTopic, code: ErrorCode) -> None:
    """More replicas than brokers, or not as many for each partition: an error that says so."""
    (result,), records = create_topics(image_of(1, 2, 3), CONFIG, m.CreateTopicsRequest(topics=[wanted]), RANDOM)

    assert result.error_code == code
    assert records == []


def test_create_topics_takes_ids_from_the_random_source() -> None:
    """The same seed gives the same ids, so that a simulation can be repeated."""
    request = m.CreateTopicsRequest(topics=[topic("a"), topic("b")])
    first, again = (create_topics(image_of(1), CONFIG, request, Random(7)) for _ in range(2))
    assert [result.topic_id for result in first[0]] == [result.topic_id for result in again[0]]


def test_create_topics_answers_with_what_was_made() -> None:
    """The response has the id, the counts and every setting in force (KIP-525)."""
    wanted = topic("orders", 2, 1, retention_ms="5000")
    (result,), records = create_topics(image_of(1), CONFIG, m.CreateTopicsRequest(topics=[wanted]), RANDOM)
    assert (result.num_partitions, result.replication_factor, result.error_message) == (2, 1, None)
    assert result.topic_id == records[0].topic_id
    settings = {entry.name: (entry.value, entry.config_source) for entry in result.configs or []}
    assert settings["retention.ms"] == ("5000", 1)
    assert settings["retention.bytes"][1] == 4
    assert settings["segment.ms"][1] == 5


def test_create_topics_takes_default_counts() -> None:
    """-1 stands for num.partitions and default.replication.factor (KIP-464)."""
    image = image_of(1)
    create(image, topic("orders", -1, -1))
    assert [state.replicas for state in image.topics["orders"].partitions.values()] == [[1], [1]]


def test_create_topics_keeps_the_settings() -> None:
    """What was set on the topic, and only that, is in the metadata."""
    image = image_of(1)
    create(image, topic("orders", retention_ms="5000", cleanup_policy="compact"))
    assert image.config(TOPIC_RESOURCE, "orders") == {"retention.ms": "5000", "cleanup.policy": "compact"}


def test_create_topics_gives_every_topic_its_own_id() -> None:
    """Ids are never null, never the same and never begin like a command line option."""
    image = image_of(1)
    create(image, *[topic(f"t{index}") for index in range(100)])
    ids = {state.topic_id for state in image.topics.values()}
    assert len(ids) == 100
    assert all(topic_id != NO_ID and topic_id.bytes[0] >> 2 != 62 for topic_id in ids)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (topic("a b"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic(""), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic("there.is"), ErrorCode.TOPIC_ALREADY_EXISTS),
        (topic("there.is", 0, 0, nope="1"), ErrorCode.TOPIC_ALREADY_EXISTS),
        (topic("there_is"), ErrorCode.INVALID_TOPIC_EXCEPTION),
        (topic("__cluster_metadata"), ErrorCode.INVALID_REQUEST),
        (topic("a", 0), ErrorCode.INVALID_PARTITIONS),
        (topic("a", -2), ErrorCode.INVALID_PARTITIONS),
        (topic("a", 0, 9), ErrorCode.INVALID_PARTITIONS),
        (topic("a", MAX_NEW_PARTITIONS + 1), ErrorCode.POLICY_VIOLATION),
        (topic("a", 1, 0), ErrorCode.INVALID_REPLICATION_FACTOR),
        (topic("a", 1, -2), ErrorCode.INVALID_REPLICATION_FACTOR),
        (topic("a", 1, 4), ErrorCode.INVALID_REPLICATION_FACTOR),
        (topic("a", nope="1"), ErrorCode.INVALID_CONFIG),
        (topic("a", 0, 9, nope="1"), ErrorCode.INVALID_CONFIG),
        (topic("a", retention_ms="x"), ErrorCode.INVALID_CONFIG),
        (topic("a", retention_ms=None), ErrorCode.INVALID_CONFIG),
        (topic("a", segment_bytes="1000"), ErrorCode.INVALID_CONFIG),
        (manual_topic("a", [(0, [1]), (2, [1])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (manual_topic("a", [(-1, [1])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (manual_topic("a", [(0, [1]), (0, [2])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (manual_topic("a", [(0, [1, 1])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (manual_topic("a", [(0, [9])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (manual_topic("a", [(0, [])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        (manual_topic("a", [(0, [1]), (1, [1, 2])]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
    ],
    ids=str,
)
def test_create_topics_refuses(wanted: m.CreatableTopic, code: ErrorCode) -> None:
    """Each impossible topic gets Kafka's own error code and nothing is made."""
    image = with_topics(image_of(1, 2, 3), topic("there.is"))
    assert create(image, wanted) == {wanted.name: code}
    assert list(image.topics) == ["there.is"]


@pytest.mark.parametrize(("num_partitions", "replication_factor"), [(1, -1), (-1, 1)])
def test_create_topics_refuses_counts_beside_assignments(num_partitions: int, replication_factor: int) -> None:
    """Whoever assigns replicas by hand has said both counts already."""
    wanted = manual_topic("a", [(0, [1])])
    wanted.num_partitions, wanted.replication_factor = num_partitions, replication_factor
    assert create(image_of(1), wanted) == {"a": ErrorCode.INVALID_REQUEST}


def test_create_topics_takes_replicas_by_hand() -> None:
    """Assignments may come in any order."""
    image = image_of(1, 2, 3)
    assert create(image, manual_topic("a", [(1, [3]), (0, [2])])) == {"a": ErrorCode.NONE}
    partitions = image.topics["a"].partitions
    assert [(state.replicas, state.leader) for state in partitions.values()] == [([2], 2), ([3], 3)]


def test_create_topics_makes_the_possible_ones_of_a_request() -> None:
    """A name that comes twice is refused once, an impossible topic by itself; the rest is made."""
    image = image_of(1)
    answers = create(image, topic("d"), topic("bad", 0), topic("d"), topic("good"))
    assert answers == {
        "d": ErrorCode.INVALID_REQUEST,
        "bad": ErrorCode.INVALID_PARTITIONS,
        "good": ErrorCode.NONE,
    }
    assert list(image.topics) == ["good"]


def test_create_topics_sees_collisions_within_a_request() -> None:
    """Two new names that differ by a dot and an underscore only collide as well."""
    answers = create(image_of(1), topic("a.b"), topic("a_b"))
    assert answers == {"a.b": ErrorCode.NONE, "a_b": ErrorCode.INVALID_TOPIC_EXCEPTION}


def test_create_topics_counts_new_partitions_of_the_whole_request() -> None:
    """The limit cannot be passed by spreading partitions over topics."""
    answers = create(image_of(1), topic("a", MAX_NEW_PARTITIONS), manual_topic("b", [(0, [1])]), topic("c"))
    assert list(answers.values()) == [ErrorCode.NONE, ErrorCode.POLICY_VIOLATION, ErrorCode.POLICY_VIOLATION]


# -- more partitions ---------------------------------------------------------------------------------------------


def grow(image: MetadataImage, *topics: tuple[str, int, list[list[int]] | None]) -> dict[str, ErrorCode]:
    """Ask for topics (name, count, assignments) to grow and let the image know; returns the error codes."""
    wanted = [
        m.CreatePartitionsTopic(
            name=name,
            count=count,
            assignments=None
            if assignments is None
            else [m.CreatePartitionsAssignment(broker_ids=broker_ids) for broker_ids in assignments],
        )
        for name, count, assignments in topics
    ]
    results, records = create_partitions(image, m.CreatePartitionsRequest(topics=wanted))
    apply_all(image, records)
    return {result.name: ErrorCode(result.error_code) for result in results}


def test_create_partitions_adds_to_what_is_there() -> None:
    """Old partitions stay as they are; new ones have as many replicas and go where least is led."""
    image = with_topics(image_of(1, 2, 3), topic("a", 1, 1))
    assert grow(image, ("a", 3, None)) == {"a": ErrorCode.NONE}
    assert [state.replicas for state in image.topics["a"].partitions.values()] == [[1], [2], [3]]


def test_create_partitions_copies_as_often_as_the_topic_does() -> None:
    """New partitions have the replication factor of the old ones, all of them in sync."""
    image = with_topics(image_of(1, 2, 3), topic("a", 1, 2))
    assert grow(image, ("a", 2, None)) == {"a": ErrorCode.NONE}
    assert image.topics["a"].partitions[1].isr == image.topics["a"].partitions[1].replicas == [2, 3]


def test_create_partitions_takes_replicas_by_hand() -> None:
    """The assignments are those of the new partitions."""
    image = with_topics(image_of(1, 2, 3), topic("a"))
    assert grow(image, ("a", 3, [[3], [3]])) == {"a": ErrorCode.NONE}
    assert [state.replicas for state in image.topics["a"].partitions.values()] == [[1], [3], [3]]


@pytest.mark.parametrize(
    ("name", "count", "assignments", "code"),
    [
        ("a", 2, None, ErrorCode.INVALID_PARTITIONS),
        ("a", 1, None, ErrorCode.INVALID_PARTITIONS),
        ("a", 0, None, ErrorCode.INVALID_PARTITIONS),
        ("a", -1, None, ErrorCode.INVALID_PARTITIONS),
        ("zz", 3, None, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("z z", 3, None, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("a", 3 + MAX_NEW_PARTITIONS, None, ErrorCode.POLICY_VIOLATION),
        ("a", 4, [[1]], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ("a", 3, [], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ("a", 3, [[]], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ("a", 3, [[9]], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ("a", 3, [[1, 1]], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ("a", 3, [[1, 2]], ErrorCode.INVALID_REPLICA_ASSIGNMENT),
    ],
)
def test_create_partitions_refuses(name: str, count: int, assignments: list[list[int]] | None, code: ErrorCode) -> None:
    """Each impossible growth gets Kafka's own error code and nothing is added."""
    image = with_topics(image_of(1, 2), topic("a", 2))
    assert grow(image, (name, count, assignments)) == {name: code}
    assert len(image.topics["a"].partitions) == 2


def test_create_partitions_grows_the_possible_ones_of_a_request() -> None:
    """A topic that comes twice is refused, the other one grows."""
    image = with_topics(image_of(1), topic("a"), topic("b"))
    answers = grow(image, ("a", 2, None), ("a", 3, None), ("b", 2, None))
    assert answers == {"a": ErrorCode.INVALID_REQUEST, "b": ErrorCode.NONE}
    assert [len(state.partitions) for state in image.topics.values()] == [1, 2]


# -- delete ------------------------------------------------------------------------------------------------------


def delete(
    image: MetadataImage, *topics: tuple[str | None, uuid.UUID], config: BrokerConfig = CONFIG, api_version: int = 6
) -> list[tuple[str | None, ErrorCode]]:
    """Delete topics given as (name, id) and let the image know; returns (name, error code)."""
    if api_version >= 6:
        request = m.DeleteTopicsRequest(topics=[m.DeleteTopicState(name=name, topic_id=id_) for name, id_ in topics])
    else:
        request = m.DeleteTopicsRequest(topic_names=[name or "" for name, _ in topics])
    results, records = delete_topics(image, config, request, api_version)
    apply_all(image, records)
    return [(result.name, ErrorCode(result.error_code)) for result in results]


@pytest.mark.parametrize("api_version", [1, 5, 6])
def test_delete_topics_by_name(api_version: int) -> None:
    """The topic and its settings are gone; one that does not exist is answered by itself."""
    image = with_topics(image_of(1), topic("a", retention_ms="5"), topic("b"))
    answers = delete(image, ("a", NO_ID), ("zz", NO_ID), api_version=api_version)
    assert answers == [("a", ErrorCode.NONE), ("zz", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)]
    assert list(image.topics) == ["b"]
    assert image.config(TOPIC_RESOURCE, "a") == {}


def test_delete_topics_by_id() -> None:
    """Version 6 names a topic by its id, and the answer has the name."""
    image = with_topics(image_of(1), topic("a"))
    topic_id = image.topics["a"].topic_id
    answers = delete(image, (None, topic_id), (None, uuid.UUID(int=5)))
    assert answers == [("a", ErrorCode.NONE), (None, ErrorCode.UNKNOWN_TOPIC_ID)]
    assert not image.topics


def test_delete_topics_refuses_contradictions() -> None:
    """Both or neither of name and id, and the same topic twice in any way, are INVALID_REQUEST."""
    image = with_topics(image_of(1), topic("a"), topic("b"))
    a, b = image.topics["a"].topic_id, image.topics["b"].topic_id
    assert delete(image, ("a", a)) == [("a", ErrorCode.INVALID_REQUEST)]
    assert delete(image, (None, NO_ID)) == [(None, ErrorCode.INVALID_REQUEST)]
    assert delete(image, ("a", NO_ID), ("a", NO_ID)) == [("a", ErrorCode.INVALID_REQUEST)]
    assert delete(image, (None, a), (None, a)) == [(None, ErrorCode.INVALID_REQUEST)]
    assert list(image.topics) == ["a", "b"]
    assert delete(image, ("b", NO_ID), (None, b)) == [("b", ErrorCode.NONE), (None, ErrorCode.INVALID_REQUEST)]
    assert list(image.topics) == ["a"]


@pytest.mark.parametrize(
    ("api_version", "code"), [(1, ErrorCode.INVALID_REQUEST), (3, ErrorCode.TOPIC_DELETION_DISABLED)]
)
def test_delete_topics_can_be_switched_off(api_version: int, code: ErrorCode) -> None:
    """With delete.topic.enable=false nothing is deleted; clients before v3 do not know the error code for it."""
    image = with_topics(image_of(1), topic("a"))
    config = BrokerConfig({"delete.topic.enable": False})
    assert delete(image, ("a", NO_ID), config=config, api_version=api_version) == [("a", code)]
    assert list(image.topics) == ["a"]
