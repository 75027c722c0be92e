"""Settings in force: where a value comes from, and what DescribeConfigs says of it."""

import pytest

from kit.broker.config.cluster_defaults import CLUSTER_DEFAULTS, KAFKA_TIMERS, LAB_TIMERS, cluster_defaults
from kit.broker.config.configs import (
    BrokerConfig,
    ConfigEntry,
    ConfigError,
    ConfigSource,
    ConfigSynonym,
    TopicConfig,
    check_topic_overrides,
)
from kit.broker.config.settings import ConfigType
from kit.wire.errors import BrokerError, ErrorCode

HOUR_MS = 3_600_000


def entry_of(config: BrokerConfig | TopicConfig, name: str) -> ConfigEntry:
    """The described row of one setting."""
    return next(entry for entry in config.describe() if entry.name == name)


def test_broker_config_has_types() -> None:
    """Values come as bool, int, text, tuple or None, whatever they were given as."""
    config = BrokerConfig({"num.partitions": 4, "auto.create.topics.enable": False, "log.cleanup.policy": "compact"})
    assert config["num.partitions"] == 4
    assert config["auto.create.topics.enable"] is False
    assert config["log.cleanup.policy"] == ("compact",)
    assert config["log.retention.ms"] is None
    assert config["compression.type"] == "producer"


def test_broker_config_starts_from_the_cluster_defaults() -> None:
    """The kit's own defaults hold, count as set, and give way to what is given."""
    config = BrokerConfig({"log.segment.bytes": 1 << 21})
    assert config["group.initial.rebalance.delay.ms"] == 100
    assert config.explain("group.initial.rebalance.delay.ms") is ConfigSource.STATIC_BROKER_CONFIG
    assert config["log.segment.bytes"] == 1 << 21
    assert config.explain("num.partitions") is ConfigSource.DEFAULT_CONFIG


def test_cluster_defaults_bound_the_disk() -> None:
    """By default every partition and the whole broker have a size limit, in segments small enough to be deleted."""
    config = BrokerConfig({})
    assert 0 < config["log.segment.bytes"] < config["log.retention.bytes"] < config["kit.log.total.bytes"] <= 2 << 30


def test_cluster_defaults_are_settings() -> None:
    """Each of them exists and differs from Kafka's default: otherwise it would not have to be there."""
    plain = BrokerConfig({})
    for name, text in (CLUSTER_DEFAULTS | LAB_TIMERS).items():
        assert plain.synonyms(name)[-1].value != text


@pytest.mark.parametrize(("num_brokers", "copies", "in_sync"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (9, 3, 2)])
def test_cluster_keeps_as_many_copies_as_it_has_brokers(num_brokers: int, copies: int, in_sync: int) -> None:
    """Three at most; with three, one may be missing for acks=all."""
    config = BrokerConfig({}, num_brokers=num_brokers)

    for name in ("default", "offsets.topic", "transaction.state.log"):
        assert config[f"{name}.replication.factor"] == copies
    assert config["min.insync.replicas"] == config["transaction.state.log.min.isr"] == in_sync
    assert TopicConfig(config, {})["min.insync.replicas"] == in_sync


def test_kafkas_own_timers_can_be_had() -> None:
    """Labs hurry; one dictionary takes every timer back to Kafka's default."""
    hurried, plain = BrokerConfig({}), BrokerConfig(KAFKA_TIMERS)

    for name in LAB_TIMERS:
        assert hurried[name] < plain[name]
        assert plain.synonyms(name)[0].value == plain.synonyms(name)[-1].value
    assert cluster_defaults(3).keys() >= KAFKA_TIMERS.keys()


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        ({"num.partition": 1}, r"Unknown broker config name: num\.partition\. Did you mean num\.partitions\?"),
        ({"retention.ms": 1}, r"retention\.ms is a setting of topics; on the broker it is log\.retention\.ms\."),
        (
            {"num.partitions": "many"},
            r"num\.partitions=many is not possible: it must be a whole number of 32 bits, 1 or",
        ),
        ({"num.partitions": 0}, r"num\.partitions=0 is not possible"),
        ({"log.segment.bytes": 1000}, r"1048576 or more"),
        ({"auto.create.topics.enable": "yes"}, r"it must be true or false"),
        ({"node.id": 3}, r"node\.id cannot be set: each broker of the cluster gets its own"),
    ],
)
def test_broker_config_refuses(overrides: dict[str, str | int], text: str) -> None:
    """A wrong setting stops the start with its name, its value and what is allowed."""
    with pytest.raises(ConfigError, match=text) as refused:
        BrokerConfig(overrides)
    assert refused.value.name == next(iter(overrides))


def test_broker_config_has_no_unknown_name() -> None:
    """Asking for a setting that does not exist is a mistake in our code."""
    with pytest.raises(KeyError):
        BrokerConfig({})["no.such.setting"]


@pytest.mark.parametrize(
    ("overrides", "expected_ms"),
    [
        ({}, 168 * HOUR_MS),
        ({"log.retention.hours": 2}, 2 * HOUR_MS),
        ({"log.retention.hours": 2, "log.retention.minutes": 3}, 3 * 60_000),
        ({"log.retention.hours": 2, "log.retention.minutes": 3, "log.retention.ms": 4}, 4),
        ({"log.retention.hours": -1}, -1),
        ({"log.retention.minutes": -7}, -1),
        ({"log.retention.ms": -1}, -1),
    ],
)
def test_retention_ms_takes_the_finest_unit_that_is_set(overrides: dict[str, int], expected_ms: int) -> None:
    """Milliseconds win over minutes, minutes over hours; negative is no limit in every unit."""
    assert TopicConfig(BrokerConfig(overrides), {})["retention.ms"] == expected_ms


def test_topic_config_prefers_the_topics_own_value() -> None:
    """The topic's own value, else the broker's, else Kafka's default."""
    broker = BrokerConfig({"log.retention.bytes": 5000})
    assert TopicConfig(broker, {"retention.bytes": "7000"})["retention.bytes"] == 7000
    assert TopicConfig(broker, {})["retention.bytes"] == 5000
    assert TopicConfig(broker, {})["max.message.bytes"] == 1_048_588
    assert TopicConfig(broker, {})["remote.storage.enable"] is False


def test_topic_config_passes_over_settings_of_another_version() -> None:
    """A log written by another version may hold settings that are gone; the topic still opens."""
    config = TopicConfig(BrokerConfig({}), {"message.format.version": "2.8", "retention.ms": "5"})
    assert config["retention.ms"] == 5
    assert "message.format.version" not in {entry.name for entry in config.describe()}


def test_dynamic_settings_win_over_static_ones() -> None:
    """This broker's dynamic value, then the one for all brokers, then what it was started with."""
    static = BrokerConfig({"log.retention.ms": 1, "message.max.bytes": 1, "log.roll.ms": 1})
    config = static.with_dynamic(
        {"log.retention.ms": "2", "message.max.bytes": "2"},
        {"log.retention.ms": "3"},
    )
    assert [config[name] for name in ("log.retention.ms", "message.max.bytes", "log.roll.ms")] == [3, 2, 1]
    assert TopicConfig(config, {})["retention.ms"] == 3
    assert static["log.retention.ms"] == 1


def test_dynamic_settings_replace_earlier_dynamic_ones() -> None:
    """What is reset while the broker runs goes back to the static value."""
    config = BrokerConfig({"log.retention.ms": 1}).with_dynamic({}, {"log.retention.ms": "3"}).with_dynamic({}, {})
    assert config["log.retention.ms"] == 1


def test_node_settings_stay_under_dynamic_ones() -> None:
    """A broker knows its own id before and after something changes while it runs."""
    config = BrokerConfig({}).with_node_settings({"node.id": "3"})
    assert config["node.id"] == 3
    assert config.with_dynamic({"log.retention.ms": "2"}, {})["node.id"] == 3


def test_describe_topic_lists_every_place_a_value_was_looked_for() -> None:
    """The synonyms begin with the one in force and end with the default, as KIP-226 shows them."""
    broker = BrokerConfig({"log.retention.ms": 1}).with_dynamic({"log.retention.ms": "2"}, {"log.retention.ms": "3"})
    entry = entry_of(TopicConfig(broker, {"retention.ms": "4"}), "retention.ms")
    assert entry.synonyms == (
        ConfigSynonym("retention.ms", "4", ConfigSource.DYNAMIC_TOPIC_CONFIG),
        ConfigSynonym("log.retention.ms", "3", ConfigSource.DYNAMIC_BROKER_CONFIG),
        ConfigSynonym("log.retention.ms", "2", ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG),
        ConfigSynonym("log.retention.ms", "1", ConfigSource.STATIC_BROKER_CONFIG),
        ConfigSynonym("log.retention.hours", "168", ConfigSource.DEFAULT_CONFIG),
    )
    assert (entry.value, entry.source, entry.read_only) == ("4", ConfigSource.DYNAMIC_TOPIC_CONFIG, False)
    assert entry.config_type is ConfigType.LONG


def test_describe_topic_without_synonyms_is_a_default() -> None:
    """A setting that brokers do not have comes from nowhere but Kafka's default."""
    entry = entry_of(TopicConfig(BrokerConfig({}), {}), "remote.storage.enable")
    assert (entry.value, entry.source, entry.synonyms) == ("false", ConfigSource.DEFAULT_CONFIG, ())


def test_describe_broker_says_what_can_change() -> None:
    """Read-only settings, dynamic ones and unset ones are told apart."""
    config = BrokerConfig({"num.partitions": 3})
    partitions, retention = entry_of(config, "num.partitions"), entry_of(config, "log.retention.ms")
    assert (partitions.value, partitions.read_only, partitions.source) == (
        "3", True, ConfigSource.STATIC_BROKER_CONFIG,
    )  # fmt: skip
    assert (retention.value, retention.read_only, retention.source) == (None, False, ConfigSource.DEFAULT_CONFIG)


def test_describe_cluster_wide_has_only_what_was_changed_for_all() -> None:
    """The nameless broker resource shows the dynamic defaults and nothing else."""
    config = BrokerConfig({"num.partitions": 3}).with_dynamic({"log.retention.ms": "2"}, {"message.max.bytes": "9"})
    assert [(entry.name, entry.value) for entry in config.describe_cluster_wide()] == [("log.retention.ms", "2")]


def test_described_values_are_sorted_by_name() -> None:
    """A student finds a setting where it is looked for."""
    for entries in (BrokerConfig({}).describe(), TopicConfig(BrokerConfig({}), {}).describe()):
        assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)


def test_check_topic_overrides_accepts_possible_settings() -> None:
    """What a topic can have passes, nothing included."""
    check_topic_overrides(BrokerConfig({}), {})
    check_topic_overrides(BrokerConfig({}), {"cleanup.policy": "compact,delete", "retention.ms": "-1"})


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        ({"retention.ms": None, "segment.ms": "5"}, "Null value not supported for topic configs: retention.ms"),
        ({"retention": "5"}, "Unknown topic config name: retention."),
        (
            {"segment.bytes": "1000"},
            "segment.bytes=1000 is not possible: it must be a whole number of 32 bits, 1048576",
        ),
        (
            {"min.compaction.lag.ms": "10", "max.compaction.lag.ms": "5"},
            "min.compaction.lag.ms (10) must not be larger",
        ),
        ({"remote.storage.enable": "true"}, "Tiered storage (remote.storage.enable) is not part of this kit."),
    ],
)
def test_check_topic_overrides_refuses_with_invalid_config(overrides: dict[str, str | None], text: str) -> None:
    """Everything wrong with a topic's settings is INVALID_CONFIG, with a text that helps."""
    with pytest.raises(BrokerError) as refused:
        check_topic_overrides(BrokerConfig({}), overrides)
    assert refused.value.code is ErrorCode.INVALID_CONFIG
    assert (refused.value.message or "").startswith(text)
