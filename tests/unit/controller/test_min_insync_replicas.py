"""What a change of min.insync.replicas means for those who were complete under the old value."""

from __future__ import annotations

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.configs import Operation, incremental_alter_configs
from kit.broker.metadata import BROKER_RESOURCE, NO_LEADER, TOPIC_RESOURCE, MetadataImage
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.metadata import apply_all, image_of, with_partition


@pytest.fixture
def image() -> MetadataImage:
    """Topics a and b below their minimum, each with an eligible replica out of sync."""
    image = image_of(1, 2, 3)
    with_partition(image, "a", [1, 2, 3], [1], 1, eligible_leader_replicas=[2])
    with_partition(image, "a", [1, 2, 3], [1, 2], 1)
    return with_partition(image, "b", [2, 3], [], NO_LEADER, eligible_leader_replicas=[2], last_known_elr=[3])


def set_value(image: MetadataImage, config: BrokerConfig, resource: tuple[int, str], name: str, value: str) -> int:
    """Set one setting and let the image know; returns the error code."""
    change = m.IncrementalAlterConfigsRequest.AlterableConfig(name=name, config_operation=Operation.SET, value=value)
    wanted = m.IncrementalAlterConfigsRequest.AlterConfigsResource(
        resource_type=resource[0], resource_name=resource[1], configs=[change]
    )
    request = m.IncrementalAlterConfigsRequest(resources=[wanted])
    (answer,), records = incremental_alter_configs(image, config, request)
    apply_all(image, records)
    return answer.error_code


def eligible(image: MetadataImage) -> list[tuple[list[int], list[int]]]:
    """The eligible and the last known leader replicas of every partition."""
    return [(state.elr, state.last_known_elr) for _, state in image.partitions()]


def test_topic_that_changes_it_forgets_its_eligible_replicas(image: MetadataImage, config: BrokerConfig) -> None:
    """With a lower value the leader commits alone, and the one who left misses those records."""
    assert set_value(image, config, (TOPIC_RESOURCE, "a"), "min.insync.replicas", "1") == ErrorCode.NONE
    assert eligible(image) == [([], []), ([], []), ([2], [3])]
    assert [state.partition_epoch for _, state in image.partitions()] == [10, 9, 9]


def test_cluster_that_changes_it_forgets_all_eligible_replicas(image: MetadataImage, config: BrokerConfig) -> None:
    """Every topic without a value of its own is meant; Kafka makes no difference between topics here."""
    assert set_value(image, config, (BROKER_RESOURCE, ""), "min.insync.replicas", "1") == ErrorCode.NONE
    assert eligible(image) == [([], []), ([], []), ([], [])]


def test_other_settings_leave_them_alone(image: MetadataImage, config: BrokerConfig) -> None:
    """Who may lead does not depend on them."""
    set_value(image, config, (TOPIC_RESOURCE, "a"), "retention.ms", "1000")
    assert eligible(image)[0] == ([2], [])


def test_single_broker_cannot_have_its_own(image: MetadataImage, config: BrokerConfig) -> None:
    """The controller and all brokers must count alike."""
    code = set_value(image, config, (BROKER_RESOURCE, "1"), "min.insync.replicas", "1")
    assert code == ErrorCode.INVALID_CONFIG
    assert image.configs == {}
