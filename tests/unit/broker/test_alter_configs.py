"""The controller's decisions about settings; the error codes are those of Apache Kafka 4.3.1."""

import pytest

from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.configs import Operation, alter_configs, incremental_alter_configs
from kit.broker.metadata import BROKER_RESOURCE, TOPIC_RESOURCE, MetadataImage
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.metadata import apply_all, image_of, topic, with_topics

CONFIG = BrokerConfig({})
SET, DELETE, APPEND, SUBTRACT = Operation
Change = tuple[str, int, str | None]  # setting, operation, value


@pytest.fixture
def image() -> MetadataImage:
    """Brokers 1 and 2, and a topic with one setting of its own."""
    return with_topics(image_of(1, 2), topic("a", retention_ms="5000"))


def incremental(image: MetadataImage, *resources: tuple[int, str, list[Change]]) -> list[ErrorCode]:
    """Change single settings and let the image know; returns the error code per resource."""
    wanted = [
        m.IncrementalAlterConfigsRequest.AlterConfigsResource(
            resource_type=resource_type,
            resource_name=name,
            configs=[
                m.IncrementalAlterConfigsRequest.AlterableConfig(name=key, config_operation=operation, value=value)
                for key, operation, value in changes
            ],
        )
        for resource_type, name, changes in resources
    ]
    request = m.IncrementalAlterConfigsRequest(resources=wanted)
    answers, records = incremental_alter_configs(image, CONFIG, request)
    apply_all(image, records)
    assert [(answer.resource_type, answer.resource_name) for answer in answers] == [
        (resource_type, name) for resource_type, name, _ in resources
    ]
    return [ErrorCode(answer.error_code) for answer in answers]


def replace(image: MetadataImage, *resources: tuple[int, str, dict[str, str | None]]) -> list[ErrorCode]:
    """Replace all settings and let the image know; returns the error code per resource."""
    wanted = [
        m.AlterConfigsRequest.AlterConfigsResource(
            resource_type=resource_type,
            resource_name=name,
            configs=[m.AlterConfigsRequest.AlterableConfig(name=key, value=value) for key, value in settings.items()],
        )
        for resource_type, name, settings in resources
    ]
    answers, records = alter_configs(image, CONFIG, m.AlterConfigsRequest(resources=wanted))
    apply_all(image, records)
    return [ErrorCode(answer.error_code) for answer in answers]


def test_incremental_sets_and_deletes(image: MetadataImage) -> None:
    """Only what is named changes; deleting what is not there, even an unknown name, is no error."""
    changes: list[Change] = [("segment.ms", SET, "7"), ("retention.ms", DELETE, None), ("nope", DELETE, None)]
    assert incremental(image, (TOPIC_RESOURCE, "a", changes)) == [ErrorCode.NONE]
    assert image.config(TOPIC_RESOURCE, "a") == {"segment.ms": "7"}


def test_incremental_appends_and_subtracts(image: MetadataImage) -> None:
    """Lists grow from their default, take nothing twice and may become empty."""
    steps: list[tuple[int, str, str]] = [
        (APPEND, "compact", "delete,compact"),
        (APPEND, "delete, compact", "delete,compact"),
        (SUBTRACT, "delete", "compact"),
        (SUBTRACT, "nope", "compact"),
        (SUBTRACT, "compact", ""),
    ]
    for operation, value, expected in steps:
        changes: list[Change] = [("cleanup.policy", operation, value)]
        assert incremental(image, (TOPIC_RESOURCE, "a", changes)) == [ErrorCode.NONE]
        assert image.config(TOPIC_RESOURCE, "a")["cleanup.policy"] == expected


@pytest.mark.parametrize(
    ("name", "changes", "code"),
    [
        ("a", [("retention.ms", SET, "x")], ErrorCode.INVALID_CONFIG),
        ("a", [("nope", SET, "1")], ErrorCode.INVALID_CONFIG),
        ("a", [("nope", APPEND, "1")], ErrorCode.INVALID_CONFIG),
        ("a", [("retention.ms", APPEND, "1")], ErrorCode.INVALID_CONFIG),
        ("a", [("cleanup.policy", APPEND, "nope")], ErrorCode.INVALID_CONFIG),
        ("a", [("segment.ms", SET, "7"), ("segment.bytes", SET, "1")], ErrorCode.INVALID_CONFIG),
        ("a", [("min.compaction.lag.ms", SET, "9"), ("max.compaction.lag.ms", SET, "8")], ErrorCode.INVALID_CONFIG),
        ("a", [("segment.ms", 7, "1")], ErrorCode.INVALID_REQUEST),
        ("a", [("segment.ms", SET, "1"), ("segment.ms", SET, "2")], ErrorCode.INVALID_REQUEST),
        ("a", [("segment.ms", SET, None)], ErrorCode.INVALID_REQUEST),
        ("a", [("cleanup.policy", APPEND, None)], ErrorCode.INVALID_REQUEST),
        ("zz", [("segment.ms", SET, "1")], ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("z z", [("segment.ms", SET, "1")], ErrorCode.INVALID_TOPIC_EXCEPTION),
        ("", [("segment.ms", SET, "1")], ErrorCode.INVALID_REQUEST),
    ],
)
def test_incremental_refuses_for_a_topic(
    image: MetadataImage, name: str, changes: list[Change], code: ErrorCode
) -> None:
    """Each impossible change gets Kafka's own error code, and nothing of that resource changes."""
    assert incremental(image, (TOPIC_RESOURCE, name, changes)) == [code]
    assert image.configs == {(TOPIC_RESOURCE, "a"): {"retention.ms": "5000"}}


def test_incremental_changes_the_possible_ones_of_a_request(image: MetadataImage) -> None:
    """Resources do not share their fate, except one that is named twice."""
    changes: list[Change] = [("log.retention.ms", SET, "9")]
    answers = incremental(
        image,
        (BROKER_RESOURCE, "1", changes),
        (BROKER_RESOURCE, "2", changes),
        (BROKER_RESOURCE, "1", changes),
        (BROKER_RESOURCE, "", changes),
    )
    twice = ErrorCode.INVALID_REQUEST
    assert answers == [twice, ErrorCode.NONE, twice, ErrorCode.NONE]
    assert image.config(BROKER_RESOURCE, "1") == {}
    assert image.config(BROKER_RESOURCE, "2") == image.config(BROKER_RESOURCE, "") == {"log.retention.ms": "9"}


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("1", "num.partitions", "5"),
        ("", "num.partitions", "5"),
        ("1", "listeners", "PLAINTEXT://:9"),
        ("1", "log.segment.bytes", "5"),
        ("1", "nope", "5"),
        ("9", "log.retention.ms", "5"),
        ("x", "log.retention.ms", "5"),
    ],
)
def test_incremental_refuses_for_a_broker(image: MetadataImage, name: str, key: str, value: str) -> None:
    """Read-only settings, impossible values and brokers that are not there are INVALID_REQUEST, as Apache says."""
    assert incremental(image, (BROKER_RESOURCE, name, [(key, SET, value)])) == [ErrorCode.INVALID_REQUEST]
    assert image.config(BROKER_RESOURCE, name) == {}


@pytest.mark.parametrize("resource_type", [0, 8, 16, 32, 99])
def test_incremental_refuses_other_resources(image: MetadataImage, resource_type: int) -> None:
    """Topics and brokers have settings here, nothing else."""
    assert incremental(image, (resource_type, "x", [("a", SET, "1")])) == [ErrorCode.INVALID_REQUEST]


def test_replace_resets_what_is_not_named(image: MetadataImage) -> None:
    """AlterConfigs leaves a resource with exactly the settings of the request."""
    assert replace(image, (TOPIC_RESOURCE, "a", {"segment.ms": "7"})) == [ErrorCode.NONE]
    assert image.config(TOPIC_RESOURCE, "a") == {"segment.ms": "7"}
    assert replace(image, (TOPIC_RESOURCE, "a", {})) == [ErrorCode.NONE]
    assert image.config(TOPIC_RESOURCE, "a") == {}


def test_replace_writes_no_record_for_what_stays(image: MetadataImage) -> None:
    """Settings that do not change are not in the metadata log again."""
    request = m.AlterConfigsRequest(
        resources=[
            m.AlterConfigsRequest.AlterConfigsResource(
                resource_type=TOPIC_RESOURCE,
                resource_name="a",
                configs=[
                    m.AlterConfigsRequest.AlterableConfig(name="retention.ms", value="5000"),
                    m.AlterConfigsRequest.AlterableConfig(name="segment.ms", value="7"),
                ],
            )
        ]
    )
    _, records = alter_configs(image, CONFIG, request)
    assert [(record.name, record.value) for record in records] == [("segment.ms", "7")]


def test_replace_refuses_like_incremental(image: MetadataImage) -> None:
    """The same checks hold, and a refused resource keeps its settings."""
    assert replace(image, (TOPIC_RESOURCE, "a", {"retention.ms": None})) == [ErrorCode.INVALID_REQUEST]
    assert replace(image, (TOPIC_RESOURCE, "a", {"retention.ms": "x"})) == [ErrorCode.INVALID_CONFIG]
    assert replace(image, (BROKER_RESOURCE, "1", {"num.partitions": "2"})) == [ErrorCode.INVALID_REQUEST]
    assert replace(image, (TOPIC_RESOURCE, "zz", {})) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert image.config(TOPIC_RESOURCE, "a") == {"retention.ms": "5000"}
