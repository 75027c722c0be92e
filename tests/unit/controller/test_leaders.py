"""ElectLeaders and the routine elections."""

from __future__ import annotations

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller import leaders
from kit.broker.controller.leaders import ElectionType, elect_leaders, elect_unclean_leaders, rebalance_leaders
from kit.broker.metadata import NO_LEADER, TOPIC_RESOURCE, MetadataImage
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.metadata import apply_all, image_of, with_partition

PREFERRED, UNCLEAN = ElectionType


@pytest.fixture
def image() -> MetadataImage:
    """Partitions: a-0 led by another, a-1 as preferred, a-2 preferred out of sync, b-0 without leader."""
    image = image_of(1, 2, 3, fenced=(3,))
    with_partition(image, "a", [1, 2], [1, 2], 2)
    with_partition(image, "a", [2, 1], [1, 2], 2)
    with_partition(image, "a", [1, 2], [2], 2)
    return with_partition(image, "b", [3, 2], [], NO_LEADER, eligible_leader_replicas=[3])


def elect(
    image: MetadataImage, config: BrokerConfig, kind: int, asked: dict[str, list[int]] | None
) -> dict[str, dict[int, ErrorCode]]:
    """Ask for elections and let the image know; returns the error codes."""
    partitions = m.ElectLeadersRequest.TopicPartitions
    request = m.ElectLeadersRequest(
        election_type=kind,
        topic_partitions=None
        if asked is None
        else [partitions(topic=topic, partitions=indexes) for topic, indexes in asked.items()],
    )
    response, records = elect_leaders(image, config, request)
    apply_all(image, records)
    return {
        topic.topic: {each.partition_id: ErrorCode(each.error_code) for each in topic.partition_result}
        for topic in response.replica_election_results
    }


def led_by(image: MetadataImage, name: str) -> list[int]:
    """The leaders of a topic's partitions."""
    return [state.leader for state in image.topics[name].partitions.values()]


def test_preferred_election_answers_for_each_partition(image: MetadataImage, config: BrokerConfig) -> None:
    """It is held, not needed, not possible, or there is no such partition."""
    answers = elect(image, config, PREFERRED, {"a": [0, 1, 2, 7], "b": [0], "zz": [0]})
    assert answers == {
        "a": {
            0: ErrorCode.NONE,
            1: ErrorCode.ELECTION_NOT_NEEDED,
            2: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
            7: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        },
        "b": {0: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE},
        "zz": {0: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION},
    }
    assert led_by(image, "a") == [1, 2, 2]


def test_election_of_all_partitions_leaves_out_those_that_need_none(image: MetadataImage, config: BrokerConfig) -> None:
    """A cluster has many; the answer names those where something was to be done."""
    answers = elect(image, config, PREFERRED, None)
    assert list(answers["a"]) == [0, 2]
    assert led_by(image, "a") == [1, 2, 2]


def test_election_of_a_partition_that_is_named_twice_is_one(image: MetadataImage, config: BrokerConfig) -> None:
    """A second one would begin an epoch for nothing."""
    elect(image, config, PREFERRED, {"a": [0, 0]})
    assert image.topics["a"].partitions[0].leader_epoch == 6


def test_unclean_election_is_for_partitions_without_leader(image: MetadataImage, config: BrokerConfig) -> None:
    """Whoever asks for it accepts the loss, whatever the topic's settings say."""
    answers = elect(image, config, UNCLEAN, {"a": [0], "b": [0]})
    assert answers == {"a": {0: ErrorCode.ELECTION_NOT_NEEDED}, "b": {0: ErrorCode.NONE}}
    state = image.topics["b"].partitions[0]
    assert (state.leader, state.isr, state.elr, state.is_recovering) == (2, [2], [], True)


def test_unclean_election_needs_a_live_replica(image: MetadataImage, config: BrokerConfig) -> None:
    """With all of them away there is nobody to elect."""
    image.brokers[2].fenced = True
    assert elect(image, config, UNCLEAN, {"b": [0]}) == {"b": {0: ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE}}


def test_election_of_an_unknown_kind_is_refused(image: MetadataImage, config: BrokerConfig) -> None:
    """There are two; the refusal is said at the top and beside each partition."""
    asked = [m.ElectLeadersRequest.TopicPartitions(topic="a", partitions=[0, 7])]
    response, records = elect_leaders(image, config, m.ElectLeadersRequest(election_type=2, topic_partitions=asked))
    assert (response.error_code, records) == (ErrorCode.INVALID_REQUEST, [])
    (topic,) = response.replica_election_results
    assert [(each.partition_id, each.error_code) for each in topic.partition_result] == [
        (0, ErrorCode.INVALID_REQUEST),
        (7, ErrorCode.INVALID_REQUEST),
    ]
    response, records = elect_leaders(image, config, m.ElectLeadersRequest(election_type=2, topic_partitions=None))
    assert (response.error_code, records) == (ErrorCode.INVALID_REQUEST, [])


def test_rebalance_gives_leadership_back(image: MetadataImage, config: BrokerConfig) -> None:
    """To preferred replicas that are in sync; other partitions are left alone."""
    apply_all(image, rebalance_leaders(image, config))
    assert led_by(image, "a") == [1, 2, 2]
    assert rebalance_leaders(image, config) == []


def test_rebalance_can_be_switched_off(image: MetadataImage) -> None:
    """Then an administrator asks for it."""
    config = BrokerConfig({"auto.leader.rebalance.enable": "false"}, num_brokers=3)
    assert rebalance_leaders(image, config) == []


def test_rebalance_takes_a_limited_number_at_once(
    image: MetadataImage, config: BrokerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest waits for the next round."""
    monkeypatch.setattr(leaders, "MAX_ELECTIONS", 1)
    with_partition(image, "a", [1, 2], [1, 2], 2)
    assert len(rebalance_leaders(image, config)) == 1


def test_routine_unclean_elections_are_for_topics_that_allow_them(image: MetadataImage, config: BrokerConfig) -> None:
    """The setting may have changed since the leader was lost."""
    assert elect_unclean_leaders(image, config) == []
    name = "unclean.leader.election.enable"
    image.apply(m.ConfigRecord(resource_type=TOPIC_RESOURCE, resource_name="b", name=name, value="true"))
    apply_all(image, elect_unclean_leaders(image, config))
    assert led_by(image, "b") == [2]
