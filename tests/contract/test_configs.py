"""Settings of topics and brokers: what they are, where they come from, how they change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import kit
from kit.broker.config.broker_settings import BROKER_SETTINGS, NODE_SETTINGS
from kit.broker.config.cluster_defaults import CONTAINER_TIMERS, cluster_defaults
from kit.broker.config.settings import ConfigType
from kit.broker.config.topic_settings import TOPIC_SETTINGS
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.conftest import CONFIG
from tests.contract.talk import BROKER, TOPIC, Talk, batch
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
Differs = Callable[..., Any]
Unique = Callable[[str], str]

OF_LISTENERS = ("listener.security.protocol.map", "listeners", "sasl.enabled.mechanisms", "ssl.client.auth")
SET, DELETE, APPEND, SUBTRACT = range(4)
OF_TOPIC, OF_BROKER, OF_ALL_BROKERS, STATIC, DEFAULT = range(1, 6)


# -- describe --------------------------------------------------------------------------------------------------------


def test_topic_has_all_settings_of_this_version(talk: Talk, topic: str) -> None:
    """DescribeConfigs lists every setting of a topic with its type; none is secret or read-only."""
    found = talk.settings(topic)

    assert {name: ConfigType(each.config_type) for name, each in found.items()} == {
        name: setting.type for name, setting in TOPIC_SETTINGS.items()
    }
    assert not any(each.is_sensitive or each.read_only for each in found.values())


def test_topic_settings_have_the_defaults_of_this_version(talk: Talk, topic: str) -> None:
    """What neither the topic nor the broker sets has Kafka's default, which is named as the source."""
    untouched = {name: each.value for name, each in talk.settings(topic).items() if each.config_source == DEFAULT}

    assert len(untouched) > 25
    assert untouched == {name: TOPIC_SETTINGS[name].default for name in untouched}


def test_broker_settings_have_the_types_and_defaults_of_this_version(talk: Talk, differs: Differs) -> None:
    """The same of a broker, which describes itself only; it says which settings cannot change while it runs."""
    node_id = talk.node_ids[0]
    ours = {name: setting for name, setting in BROKER_SETTINGS.items() if not name.startswith("kit.")}
    found = talk.settings(str(node_id), BROKER, node_id)

    assert set(ours) <= set(found)
    assert {name: ConfigType(found[name].config_type) for name in ours} == {
        name: setting.type for name, setting in ours.items()
    }
    can_change_in_kafka = {name for name, setting in ours.items() if setting.is_dynamic} | set(OF_LISTENERS)
    cannot_change = differs("Listeners and their security at run time", apache=set(), embedded=set(OF_LISTENERS))
    assert {name for name in ours if not found[name].read_only} == can_change_in_kafka - cannot_change
    defaults = {
        name: found[name].value for name in ours if found[name].config_source == DEFAULT and name not in NODE_SETTINGS
    }
    assert len(defaults) > 60
    assert defaults == {name: BROKER_SETTINGS[name].default for name in defaults}


def test_both_backends_start_with_the_same_table_of_defaults(
    cluster: kit.Cluster, talk: Talk, differs: Differs
) -> None:
    """What the kit sets differently from Kafka is set on every backend, and described as given at the start."""
    node_id = talk.node_ids[0]
    found = talk.settings(str(node_id), BROKER, node_id)
    table = {**cluster_defaults(len(cluster.brokers)), **CONFIG}

    expected = {name: str(value) for name, value in table.items() if not name.startswith("kit.")}
    for name in CONTAINER_TIMERS:
        expected.pop(name)  # these depend on the backend
    sources = dict.fromkeys(expected, STATIC)
    sources["min.insync.replicas"] = differs(
        "`min.insync.replicas` of a new cluster", apache=OF_ALL_BROKERS, embedded=STATIC
    )
    assert {name: (found[name].value, found[name].config_source) for name in expected} == {
        name: (value, sources[name]) for name, value in expected.items()
    }


def test_value_of_the_topic_goes_before_the_brokers(talk: Talk, new_topic: NewTopic) -> None:
    """Synonyms list the places that were looked at, the one in force first (KIP-226)."""
    topic = new_topic(config={"segment.bytes": "2000000"})

    setting = talk.settings(topic, include_synonyms=True)["segment.bytes"]

    assert (setting.value, setting.config_source) == ("2000000", OF_TOPIC)
    assert [(each.name, each.value, each.source) for each in setting.synonyms] == [
        ("segment.bytes", "2000000", OF_TOPIC),
        ("log.segment.bytes", "16777216", STATIC),
        ("log.segment.bytes", "1073741824", DEFAULT),
    ]


def test_coarser_setting_is_no_synonym(talk: Talk, topic: str) -> None:
    """retention.ms comes from log.retention.hours when nobody sets it, which is no synonym: it has another unit."""
    setting = talk.settings(topic, include_synonyms=True)["retention.ms"]

    assert (setting.value, setting.config_source) == ("604800000", DEFAULT)
    assert list(setting.synonyms) == []


def test_only_what_was_asked_for_is_described(talk: Talk, topic: str) -> None:
    """A list of names chooses; names that do not exist are passed over; descriptions come on demand."""
    answer = talk.describe_configs(topic, names=["retention.ms", "no.such"], include_documentation=True)

    assert [each.name for each in answer.configs] == ["retention.ms"]
    assert len(answer.configs[0].documentation) > 20
    assert talk.settings(topic)["retention.ms"].documentation is None


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("nobody-made-this", TOPIC, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("not legal", TOPIC, ErrorCode.INVALID_TOPIC_EXCEPTION),
        ("99", BROKER, ErrorCode.INVALID_REQUEST),
        ("one", BROKER, ErrorCode.INVALID_REQUEST),
        ("x", 3, ErrorCode.INVALID_REQUEST),
    ],
)
def test_unknown_resource_is_not_described(talk: Talk, name: str, kind: int, code: ErrorCode) -> None:
    """Each kind of resource has its own refusal."""
    assert ErrorCode(talk.describe_configs(name, kind).error_code) == code


def test_resources_with_settings_are_listed(talk: Talk, topic: str) -> None:
    """ListConfigResources names the topics and brokers (KIP-1142)."""
    answer = talk.ask(m.ListConfigResourcesRequest(resource_types=[TOPIC, BROKER]))
    found = {(each.resource_type, each.resource_name) for each in answer.config_resources}

    assert (TOPIC, topic) in found
    assert {name for kind, name in found if kind == BROKER} == {str(node_id) for node_id in talk.node_ids}


# -- topics ----------------------------------------------------------------------------------------------------------


def values(talk: Talk, topic: str, *names: str) -> list[str | None]:
    """The values of some settings."""
    found = talk.settings(topic)
    return [found[name].value for name in names]


def test_setting_is_set_and_deleted(talk: Talk, new_topic: NewTopic) -> None:
    """SET gives a topic a value of its own, DELETE gives it back to the broker; the others stay."""
    topic = new_topic(config={"retention.ms": "123456"})

    assert talk.alter(topic, ("max.message.bytes", SET, "5000")).error_code == ErrorCode.NONE
    wait_until(lambda: values(talk, topic, "max.message.bytes", "retention.ms") == ["5000", "123456"], "5000")
    assert talk.alter(topic, ("max.message.bytes", DELETE, None)).error_code == ErrorCode.NONE
    wait_until(lambda: values(talk, topic, "max.message.bytes", "retention.ms") == ["1048588", "123456"], "default")


def test_list_grows_and_shrinks(talk: Talk, topic: str) -> None:
    """APPEND and SUBTRACT change one element of a list."""
    assert talk.alter(topic, ("cleanup.policy", APPEND, "compact")).error_code == ErrorCode.NONE
    wait_until(lambda: values(talk, topic, "cleanup.policy") == ["delete,compact"], "both policies")
    assert talk.alter(topic, ("cleanup.policy", SUBTRACT, "delete")).error_code == ErrorCode.NONE
    wait_until(lambda: values(talk, topic, "cleanup.policy") == ["compact"], "one policy")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("retention.ms", SET, "soon"), ErrorCode.INVALID_CONFIG),
        (("no.such.setting", SET, "1"), ErrorCode.INVALID_CONFIG),
        (("retention.ms", SET, None), ErrorCode.INVALID_REQUEST),
        (("retention.ms", APPEND, "1"), ErrorCode.INVALID_CONFIG),
        (("max.message.bytes", SET, "-1"), ErrorCode.INVALID_CONFIG),
    ],
)
def test_wrong_change_is_refused(talk: Talk, topic: str, change: tuple[str, int, str | None], code: ErrorCode) -> None:
    """A wrong name, value or operation changes nothing."""
    before = {name: each.value for name, each in talk.settings(topic).items()}

    assert ErrorCode(talk.alter(topic, change).error_code) == code
    assert {name: each.value for name, each in talk.settings(topic).items()} == before


def test_unknown_operation_is_refused(talk: Talk, topic: str, differs: Differs) -> None:
    """SET, DELETE, APPEND and SUBTRACT are all there is."""
    expected = differs(
        "Operation of IncrementalAlterConfigs that does not exist",
        apache=ErrorCode.UNKNOWN_SERVER_ERROR,
        embedded=ErrorCode.INVALID_REQUEST,
    )
    assert ErrorCode(talk.alter(topic, ("retention.ms", 9, "1")).error_code) == expected


def test_one_wrong_change_refuses_all_of_its_resource(talk: Talk, topic: str) -> None:
    """The changes of one resource are made together or not at all; one setting twice contradicts itself."""
    wrong = talk.alter(topic, ("max.message.bytes", SET, "5000"), ("retention.ms", SET, "soon"))
    twice = talk.alter(topic, ("max.message.bytes", SET, "5000"), ("max.message.bytes", SET, "6000"))

    assert (wrong.error_code, twice.error_code) == (ErrorCode.INVALID_CONFIG, ErrorCode.INVALID_REQUEST)
    assert values(talk, topic, "max.message.bytes") == ["1048588"]


def test_validate_only_changes_nothing(talk: Talk, topic: str) -> None:
    """validate_only answers as if it had been done."""
    assert talk.alter(topic, ("max.message.bytes", SET, "5000"), validate_only=True).error_code == ErrorCode.NONE
    assert values(talk, topic, "max.message.bytes") == ["1048588"]


def test_settings_of_an_unknown_topic_cannot_change(talk: Talk) -> None:
    """There is nothing to change."""
    answer = talk.alter("nobody-made-this", ("retention.ms", SET, "1"))

    assert answer.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_old_request_replaces_all_settings(talk: Talk, new_topic: NewTopic) -> None:
    """AlterConfigs forgets every setting that it does not name."""
    topic = new_topic(config={"retention.ms": "123456", "max.message.bytes": "5000"})
    request = m.AlterConfigsRequest
    kept = request.AlterableConfig(name="max.message.bytes", value="6000")
    resource = request.AlterConfigsResource(resource_type=TOPIC, resource_name=topic, configs=[kept])

    assert talk.ask(request(resources=[resource])).responses[0].error_code == ErrorCode.NONE
    wait_until(
        lambda: values(talk, topic, "max.message.bytes", "retention.ms") == ["6000", "604800000"], "only the new one"
    )


def test_changed_limit_is_obeyed(talk: Talk, topic: str) -> None:
    """A smaller max.message.bytes refuses batches that were taken before."""
    large = batch(b"x" * 20_000)
    assert talk.produce(topic, large).error_code == ErrorCode.NONE

    talk.alter(topic, ("max.message.bytes", SET, "5000"))

    wait_until(lambda: talk.produce(topic, large).error_code == ErrorCode.MESSAGE_TOO_LARGE, "a refusal")


# -- brokers ---------------------------------------------------------------------------------------------------------


@contextmanager
def changed(talk: Talk, name: str, setting: str, value: str) -> Iterator[None]:
    """Give a broker, or with "" all brokers, a value for a while."""
    answer = talk.alter(name, (setting, SET, value), kind=BROKER)
    assert answer.error_code == ErrorCode.NONE, answer
    try:
        yield
    finally:
        assert talk.alter(name, (setting, DELETE, None), kind=BROKER).error_code == ErrorCode.NONE


def test_value_for_all_brokers_is_the_topics_default(talk: Talk, topic: str) -> None:
    """A setting under the name "" holds for every broker while it runs, and for topics without a value of their own."""

    def setting(name: str, kind: int) -> tuple[str, int]:
        wanted = "message.max.bytes" if kind == BROKER else "max.message.bytes"
        found = talk.settings(name, kind, talk.node_ids[-1])[wanted]
        return found.value, found.config_source

    with changed(talk, "", "message.max.bytes", "7777"):
        wait_until(lambda: setting(topic, TOPIC) == ("7777", OF_ALL_BROKERS), "the topic to have it")
        assert setting(str(talk.node_ids[-1]), BROKER) == ("7777", OF_ALL_BROKERS)
        cluster_wide = {name: each.value for name, each in talk.settings("", BROKER, talk.node_ids[-1]).items()}
        assert cluster_wide["message.max.bytes"] == "7777"
    wait_until(lambda: setting(topic, TOPIC) == ("1048588", DEFAULT), "the default again")


def test_value_of_one_broker_goes_before_that_of_all(talk: Talk) -> None:
    """Looked for first: this broker, then all brokers, then what it was started with."""
    node_id = talk.node_ids[0]

    def found() -> Any:
        return talk.settings(str(node_id), BROKER, node_id, include_synonyms=True)["message.max.bytes"]

    with changed(talk, "", "message.max.bytes", "7777"), changed(talk, str(node_id), "message.max.bytes", "8888"):
        wait_until(lambda: found().value == "8888", "the broker's own value")
        assert [(each.value, each.source) for each in found().synonyms] == [
            ("8888", OF_BROKER), ("7777", OF_ALL_BROKERS), ("1048588", DEFAULT),
        ]  # fmt: skip
    wait_until(lambda: found().config_source == DEFAULT, "the default again")


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("num.partitions", "7", ErrorCode.INVALID_REQUEST),  # read-only
        ("message.max.bytes", "many", ErrorCode.INVALID_REQUEST),
        ("message.max.bytes", "-1", ErrorCode.INVALID_REQUEST),
    ],
)
def test_wrong_value_for_brokers_is_refused(talk: Talk, setting: str, value: str, code: ErrorCode) -> None:
    """Read-only settings and wrong values change nothing."""
    assert ErrorCode(talk.alter("", (setting, SET, value), kind=BROKER).error_code) == code
    assert setting not in talk.settings("", BROKER)


def test_unknown_broker_cannot_be_changed(talk: Talk) -> None:
    """Its name is the id of a broker of the cluster, or empty."""
    for name in ("99", "one"):
        answer = talk.alter(name, ("message.max.bytes", SET, "7777"), kind=BROKER)
        assert ErrorCode(answer.error_code) == ErrorCode.INVALID_REQUEST


@pytest.mark.brokers(3)
def test_broker_is_changed_where_it_is(talk: Talk, differs: Differs) -> None:
    """Who changes the settings of one broker asks that broker."""
    expected = differs(
        "Change of one broker's settings, asked of another broker",
        apache=ErrorCode.INVALID_REQUEST,
        embedded=ErrorCode.NONE,
    )
    asked, other = talk.node_ids[:2]
    for node_id, code in ((asked, ErrorCode.NONE), (other, expected)):
        answer = talk.alter(str(node_id), ("message.max.bytes", SET, "7777"), kind=BROKER, validate_only=True)
        assert ErrorCode(answer.error_code) == code
