"""The settings in force: of a broker, of a topic, and where each value comes from.

A value is looked for where Kafka looks: the topic, this broker while it runs, all brokers while they run, the values
the broker was started with, Kafka's default. The names, types and defaults are in ``topic_settings.py`` and
``broker_settings.py``.
Source: Kafka classes ``LogConfig``, ``KafkaConfig``, ``DynamicBrokerConfig`` and ``ConfigHelper``; KIP-226.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from itertools import dropwhile
from typing import Any, NamedTuple

from kit.broker.config.broker_settings import BROKER_SETTINGS, NODE_SETTINGS, SYNONYMS
from kit.broker.config.cluster_defaults import cluster_defaults
from kit.broker.config.settings import ConfigError, ConfigType, Setting, as_text, unknown_setting
from kit.broker.config.topic_settings import BROKER_NAME, TOPIC_SETTINGS
from kit.wire.errors import BrokerError, ErrorCode

__all__ = [
    "BrokerConfig", "ConfigEntry", "ConfigError", "ConfigSource", "ConfigSynonym", "TopicConfig",
    "check_broker_setting", "check_topic_overrides",
]  # fmt: skip


class ConfigSource(IntEnum):
    """Where a value comes from; the numbers are those of DescribeConfigs (KIP-226)."""

    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5


class ConfigSynonym(NamedTuple):
    """One of the places that were looked at for a value, and what was there."""

    name: str
    value: str
    source: ConfigSource


class ConfigEntry(NamedTuple):
    """All that DescribeConfigs says of one setting; ``synonyms`` begin with the one in force.

    No setting here is a secret, so there is no flag for it.
    """

    name: str
    value: str | None
    read_only: bool
    source: ConfigSource
    synonyms: tuple[ConfigSynonym, ...]
    config_type: ConfigType
    documentation: str


_Layers = list[tuple[ConfigSource, Mapping[str, str]]]  # what is looked at first comes first


class BrokerConfig:
    """The settings of one broker: ``config["num.partitions"]`` is 1.

    Args:
        overrides: what the broker is started with, on top of `cluster_defaults`; numbers and bools may be given as
            such.
        num_brokers: of the cluster, which decides how many copies of each record it keeps.

    Raises:
        ConfigError: a name does not exist, is the kit's own business, or has an impossible value.
    """

    def __init__(self, overrides: Mapping[str, str | int | float | bool], *, num_brokers: int = 1) -> None:
        given = {name: as_text(value) for name, value in overrides.items()}
        for name, text in given.items():
            check_broker_setting(name, text)
            if name in NODE_SETTINGS:
                raise ConfigError(name, text, f"{name} cannot be set: each broker of the cluster gets its own.")
        self._resolve([(ConfigSource.STATIC_BROKER_CONFIG, {**cluster_defaults(num_brokers), **given})])

    def _resolve(self, layers: _Layers) -> None:
        self._layers = layers
        self._values: dict[str, Any] = {}
        for name, setting in BROKER_SETTINGS.items():
            text = next((layer[name] for _, layer in layers if name in layer), setting.default)
            self._values[name] = None if text is None else setting.parse(text)
        self._topic_defaults = {name: self._topic_default(name) for name in TOPIC_SETTINGS}

    def _topic_default(self, name: str) -> Any:
        for synonym, factor in SYNONYMS.get(name, ()):
            value = self._values[synonym]
            if value is not None:
                return -1 if factor > 1 and value < 0 else value * factor if factor > 1 else value
        setting = TOPIC_SETTINGS[name]
        return setting.parse(setting.default or "")

    def _with(self, layers: _Layers) -> BrokerConfig:
        made = object.__new__(BrokerConfig)
        made._resolve(layers)
        return made

    def with_dynamic(self, cluster_wide: Mapping[str, str], own: Mapping[str, str]) -> BrokerConfig:
        """These settings with what was changed while the broker runs: for all brokers, and for this one (wins)."""
        static = self._layers[-1]
        return self._with(
            [
                (ConfigSource.DYNAMIC_BROKER_CONFIG, own),
                (ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, cluster_wide),
                static,
            ]
        )

    def with_node_settings(self, values: Mapping[str, str]) -> BrokerConfig:
        """These settings with what only this node has: its id, its addresses, its folders."""
        source, static = self._layers[-1]
        return self._with([*self._layers[:-1], (source, {**static, **values})])

    def __getitem__(self, name: str) -> Any:
        """The value in force: bool, int, float, str, tuple of str for a list, or None.

        Raises:
            KeyError: there is no such broker setting.
        """
        return self._values[name]

    def topic_default(self, name: str) -> Any:
        """The value of a topic setting for topics that do not set it."""
        return self._topic_defaults[name]

    def explain(self, name: str) -> ConfigSource:
        """Where the value of a broker setting comes from."""
        found = self.synonyms(name)
        return found[0].source if found else ConfigSource.DEFAULT_CONFIG

    def synonyms(self, name: str) -> tuple[ConfigSynonym, ...]:
        """Every place that has a value for a broker setting, the one in force first."""
        found = [ConfigSynonym(name, layer[name], source) for source, layer in self._layers if name in layer]
        default = BROKER_SETTINGS[name].default
        if default is not None:
            found.append(ConfigSynonym(name, default, ConfigSource.DEFAULT_CONFIG))
        return tuple(found)

    def describe(self) -> list[ConfigEntry]:
        """Every broker setting, by name."""
        return [self._entry(setting) for _, setting in sorted(BROKER_SETTINGS.items())]

    def describe_cluster_wide(self) -> list[ConfigEntry]:
        """Only what was changed for all brokers while they run."""
        changed = self._layer(ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG)
        return [_cluster_wide_entry(BROKER_SETTINGS[name], value) for name, value in sorted(changed.items())]

    def _layer(self, wanted: ConfigSource) -> Mapping[str, str]:
        return next((layer for source, layer in self._layers if source is wanted), {})

    def _entry(self, setting: Setting) -> ConfigEntry:
        value = self._values[setting.name]
        return ConfigEntry(
            name=setting.name,
            value=None if value is None else as_text(value),
            read_only=not setting.is_dynamic,
            source=self.explain(setting.name),
            synonyms=self.synonyms(setting.name),
            config_type=setting.type,
            documentation=setting.doc,
        )


def _cluster_wide_entry(setting: Setting, value: str) -> ConfigEntry:
    source = ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG
    synonyms = (ConfigSynonym(setting.name, value, source),)
    return ConfigEntry(setting.name, value, False, source, synonyms, setting.type, setting.doc)


class TopicConfig:
    """The settings of one topic: ``config["retention.ms"]`` is the topic's own value, else the broker's.

    Args:
        broker: the settings of the broker that asks.
        overrides: what was set on the topic; checked when it was set, so names of another version are passed over.
    """

    def __init__(self, broker: BrokerConfig, overrides: Mapping[str, str]) -> None:
        self._broker = broker
        self._overrides = {name: text for name, text in overrides.items() if name in TOPIC_SETTINGS}
        self._own = {name: TOPIC_SETTINGS[name].parse(text) for name, text in self._overrides.items()}

    def __getitem__(self, name: str) -> Any:
        """The value in force: bool, int, float, str, or tuple of str for a list.

        Raises:
            KeyError: there is no such topic setting.
        """
        return self._own[name] if name in self._own else self._broker.topic_default(name)

    def describe(self) -> list[ConfigEntry]:
        """Every topic setting, by name."""
        return [self._entry(setting) for _, setting in sorted(TOPIC_SETTINGS.items())]

    def _entry(self, setting: Setting) -> ConfigEntry:
        synonyms: list[ConfigSynonym] = []
        if setting.name in self._overrides:
            text = self._overrides[setting.name]
            synonyms.append(ConfigSynonym(setting.name, text, ConfigSource.DYNAMIC_TOPIC_CONFIG))
        names = [name for name, _ in SYNONYMS.get(setting.name, ())]
        found = [synonym for name in names for synonym in self._broker.synonyms(name)]
        # A coarser setting (hours) is only named behind one in the topic's own unit.
        synonyms += dropwhile(lambda synonym: synonym.name != names[0], found)
        return ConfigEntry(
            name=setting.name,
            value=as_text(self[setting.name]),
            read_only=False,
            source=synonyms[0].source if synonyms else ConfigSource.DEFAULT_CONFIG,
            synonyms=tuple(synonyms),
            config_type=setting.type,
            documentation=setting.doc,
        )


def check_broker_setting(name: str, text: str) -> None:
    """Make sure that a broker setting exists and takes this value.

    Raises:
        ConfigError: the text says what is allowed, or which name was probably meant.
    """
    if name in BROKER_SETTINGS:
        BROKER_SETTINGS[name].parse(text)
    elif name in BROKER_NAME:
        raise ConfigError(name, text, f"{name} is a setting of topics; on the broker it is {BROKER_NAME[name]}.")
    else:
        raise unknown_setting("broker", name, BROKER_SETTINGS)


def check_topic_overrides(broker: BrokerConfig, overrides: Mapping[str, str | None]) -> None:
    """Make sure that a topic can have exactly these settings of its own.

    Raises:
        BrokerError: INVALID_CONFIG; the text says which setting is wrong and what is allowed.
    """
    missing = [name for name, text in overrides.items() if text is None]
    if missing:
        raise BrokerError(ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(missing)}")
    given = {name: text for name, text in overrides.items() if text is not None}
    try:
        for name, text in given.items():
            _topic_setting(name).parse(text)
    except ConfigError as error:
        raise BrokerError(ErrorCode.INVALID_CONFIG, str(error)) from error
    _check_together(TopicConfig(broker, given))


def _topic_setting(name: str) -> Setting:
    if name not in TOPIC_SETTINGS:
        raise unknown_setting("topic", name, TOPIC_SETTINGS)
    return TOPIC_SETTINGS[name]


def _check_together(config: TopicConfig) -> None:
    shortest_ms, longest_ms = config["min.compaction.lag.ms"], config["max.compaction.lag.ms"]
    if shortest_ms > longest_ms:
        raise BrokerError(
            ErrorCode.INVALID_CONFIG,
            f"min.compaction.lag.ms ({shortest_ms}) must not be larger than max.compaction.lag.ms ({longest_ms}).",
        )
    if config["remote.storage.enable"]:
        raise BrokerError(ErrorCode.INVALID_CONFIG, "Tiered storage (remote.storage.enable) is not part of this kit.")
