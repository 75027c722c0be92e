"""The tables of settings: what a value may be, and Kafka's own facts about each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.config.broker_settings import BROKER_SETTINGS, NODE_SETTINGS, SYNONYMS
from kit.broker.config.settings import (
    MAX_INT64,
    AtLeast,
    ConfigError,
    ConfigType,
    Setting,
    as_text,
    table,
    unknown_setting,
)
from kit.broker.config.topic_settings import BROKER_NAME, TOPIC_SETTINGS

# What Apache Kafka 4.3.1 answers to DescribeConfigs for a topic without settings of its own: value and type.
APACHE_TOPIC = """
cleanup.policy delete 7
compression.gzip.level -1 3
compression.lz4.level 9 3
compression.type producer 2
compression.zstd.level 3 3
delete.retention.ms 86400000 5
file.delete.delay.ms 60000 5
flush.messages 9223372036854775807 5
flush.ms 9223372036854775807 5
follower.replication.throttled.replicas "" 7
index.interval.bytes 4096 3
leader.replication.throttled.replicas "" 7
local.retention.bytes -2 5
local.retention.ms -2 5
max.compaction.lag.ms 9223372036854775807 5
max.message.bytes 1048588 3
message.timestamp.after.max.ms 3600000 5
message.timestamp.before.max.ms 9223372036854775807 5
message.timestamp.type CreateTime 2
min.cleanable.dirty.ratio 0.5 6
min.compaction.lag.ms 0 5
min.insync.replicas 1 3
preallocate false 1
remote.log.copy.disable false 1
remote.log.delete.on.disable false 1
remote.storage.enable false 1
retention.bytes -1 5
retention.ms 604800000 5
segment.bytes 1073741824 3
segment.index.bytes 10485760 3
segment.jitter.ms 0 5
segment.ms 604800000 5
unclean.leader.election.enable false 1
"""


def test_topic_settings_are_apaches() -> None:
    """Names, defaults and types are those that Apache Kafka 4.3.1 itself describes."""
    expected = [line.replace('""', "").split(" ") for line in APACHE_TOPIC.strip().splitlines()]
    ours = [[row.name, row.default, str(row.type.value)] for _, row in sorted(TOPIC_SETTINGS.items())]
    assert ours == expected


@pytest.mark.parametrize("rows", [TOPIC_SETTINGS, BROKER_SETTINGS], ids=["topic", "broker"])
def test_every_setting_has_a_sentence_and_a_possible_default(rows: dict[str, Setting]) -> None:
    """Each row explains itself, and its default passes its own check."""
    for row in rows.values():
        assert row.doc.endswith(".")
        if row.default is not None:
            assert as_text(row.parse(row.default)) == row.default


def test_every_topic_setting_leads_to_broker_settings_of_its_type() -> None:
    """A topic setting's names on the broker exist; hours and minutes are whole numbers like milliseconds."""
    assert set(BROKER_NAME) <= set(SYNONYMS) <= set(TOPIC_SETTINGS)
    for name, synonyms in SYNONYMS.items():
        assert synonyms[0] == (BROKER_NAME[name], 1)
        for synonym, factor in synonyms:
            whole = {ConfigType.INT, ConfigType.LONG}
            assert BROKER_SETTINGS[synonym].type is TOPIC_SETTINGS[name].type or (
                factor > 1 and BROKER_SETTINGS[synonym].type in whole
            )


def test_node_settings_are_read_only() -> None:
    """What differs from broker to broker never changes while it runs."""
    assert [name for name in NODE_SETTINGS if BROKER_SETTINGS[name].is_dynamic] == []


# The verdicts of Apache Kafka 4.3.1's LogConfig.validate on the same texts.
@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cleanup.policy", "", ()),
        ("cleanup.policy", "delete,delete", ("delete",)),
        ("cleanup.policy", "compact, delete", ("compact", "delete")),
        ("cleanup.policy", " delete ", ("delete",)),
        ("retention.bytes", "-5", -5),
        ("retention.ms", " 5 ", 5),
        ("retention.ms", "+5", 5),
        ("retention.ms", str(MAX_INT64), MAX_INT64),
        ("preallocate", "TRUE", True),
        ("compression.gzip.level", "-1", -1),
        ("follower.replication.throttled.replicas", "*", ("*",)),
        ("follower.replication.throttled.replicas", "0:1,1:2", ("0:1", "1:2")),
    ],
)
def test_parse_accepts_what_apache_accepts(name: str, text: str, value: object) -> None:
    """Spaces, signs, capitals and empty lists are read as Apache reads them."""
    assert TOPIC_SETTINGS[name].parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cleanup.policy", "foo"),
        ("cleanup.policy", "delete,foo"),
        ("retention.ms", "-2"),
        ("retention.ms", "abc"),
        ("retention.ms", ""),
        ("retention.ms", "1_000"),
        ("retention.ms", "5.0"),
        ("retention.ms", "٣"),  # an Arabic digit, which int() would take
        ("retention.ms", str(MAX_INT64 + 1)),
        ("retention.ms", "9" * 5000),
        ("segment.bytes", "1000"),
        ("segment.bytes", "99999999999"),
        ("segment.ms", "0"),
        ("max.message.bytes", "-1"),
        ("compression.gzip.level", "0"),
        ("compression.type", "none"),
        ("min.cleanable.dirty.ratio", "1.5"),
        ("min.cleanable.dirty.ratio", "half"),
        ("message.timestamp.type", "createtime"),
        ("preallocate", "yes"),
        ("follower.replication.throttled.replicas", "x"),
    ],
)
def test_parse_refuses_what_apache_refuses(name: str, text: str) -> None:
    """The error has the name and the value as data, and its text says what is allowed."""
    with pytest.raises(ConfigError) as refused:
        TOPIC_SETTINGS[name].parse(text)
    assert (refused.value.name, refused.value.value) == (name, text)
    assert str(refused.value) == f"{name}={text} is not possible: it must be {TOPIC_SETTINGS[name].allowed()}."


@given(text=st.text())
def test_parse_answers_any_text_with_a_value_or_a_config_error(text: str) -> None:
    """No text makes a setting fail in another way."""
    for row in [*TOPIC_SETTINGS.values(), *BROKER_SETTINGS.values()]:
        try:
            value = row.parse(text)
        except ConfigError:
            continue
        assert row.parse(as_text(value)) == value


def test_allowed_says_type_and_range() -> None:
    """A student reads what to write instead."""
    assert TOPIC_SETTINGS["segment.bytes"].allowed() == "a whole number of 32 bits, 1048576 or more"
    assert TOPIC_SETTINGS["min.cleanable.dirty.ratio"].allowed() == "a number, from 0 to 1"
    assert TOPIC_SETTINGS["cleanup.policy"].allowed() == "a list with commas, one of compact, delete"
    assert TOPIC_SETTINGS["preallocate"].allowed() == "true or false"


def test_unknown_setting_suggests_names_that_look_alike() -> None:
    """A slip of the finger is answered with the right name, nonsense with none."""
    assert "Did you mean retention.ms" in str(unknown_setting("topic", "retention.m", TOPIC_SETTINGS))
    assert str(unknown_setting("topic", "xyzzy", TOPIC_SETTINGS)) == "Unknown topic config name: xyzzy."


def test_table_refuses_a_name_twice() -> None:
    """Two rows of one name would hide one another."""
    row = Setting("a", ConfigType.INT, "1", AtLeast(0), "A.")
    with pytest.raises(ValueError, match="a is in the table twice"):
        table([row, row])
