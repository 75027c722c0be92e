"""What each node of Apache Kafka is told in environment variables."""

from __future__ import annotations

import pytest

from kit.backends.docker.layout import Front, plans, settings_of, variable
from kit.broker.config.cluster_defaults import CONTAINER_TIMERS, KAFKA_TIMERS, cluster_defaults
from kit.errors import StartError

ADDRESSES = {node_id: f"10.0.0.{node_id}" for node_id in (1, 2, 3, 101)}


def test_settings_are_the_kits_defaults_without_those_that_apache_does_not_know() -> None:
    """One table feeds both backends; containers only have timers of their own."""
    found = settings_of(3, {})
    shared = {name: value for name, value in cluster_defaults(3).items() if not name.startswith("kit.")}

    assert {name: found[name] for name in shared} == {**shared, **CONTAINER_TIMERS}
    assert not any(name.startswith("kit.") for name in found)


def test_settings_of_the_user_win() -> None:
    """Numbers and bools are written as Kafka writes them; Kafka's own timers can be had."""
    found = settings_of(1, {"num.partitions": 4, "auto.create.topics.enable": False, **KAFKA_TIMERS})

    assert (found["num.partitions"], found["auto.create.topics.enable"]) == ("4", "false")
    assert found["broker.session.timeout.ms"] == "9000"
    assert KAFKA_TIMERS.keys() == CONTAINER_TIMERS.keys()


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"num.partitons": 3}, r"Unknown broker config name: num\.partitons\. Did you mean num\.partitions\?"),
        ({"num.partitions": 0}, r"num\.partitions=0 is not possible"),
        ({"retention.ms": 1}, r"retention\.ms is a setting of topics"),
        ({"kit.log.total.bytes": 1}, r'embedded cluster only: use kit\.start\("embedded"\)'),
        ({"node.id": 7}, r"node\.id cannot be set"),
        ({"controller.quorum.election.timeout.m": 7}, r"Did you mean controller\.quorum\.election\.timeout\.ms"),
    ],
)
def test_setting_that_nobody_knows_is_refused(config: dict[str, str | int], sentence: str) -> None:
    """Kafka would ignore a slip in silence."""
    with pytest.raises(StartError, match=sentence):
        settings_of(3, config)


def test_setting_that_only_apache_kafka_has_is_passed_on() -> None:
    """The kit's broker has no quotas, but Apache Kafka has."""
    assert settings_of(1, {"quota.window.num": 5})["quota.window.num"] == "5"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("num.partitions", "KAFKA_NUM_PARTITIONS"),
        ("a_b.c-d", "KAFKA_A__B_C___D"),
    ],
)
def test_variable_is_what_the_image_turns_back_into_the_name(name: str, expected: str) -> None:
    """A dot is one underline, an underline two, a hyphen three."""
    assert variable(name) == expected


def test_combined_nodes_are_brokers_and_controllers() -> None:
    """Brokers 1 to 3 vote, a fourth would not; clients are told this computer's address, peers the container's."""
    made = plans([9001, 9002, 9003], {1: 8001, 2: 8002}, {"num.partitions": "2"}, ADDRESSES)
    first, _, third = (plan.environment for plan in made)

    assert first["KAFKA_PROCESS_ROLES"] == "broker,controller"
    assert first["KAFKA_LISTENERS"] == "PLAINTEXT://:9092,INTERNAL://:19092,CONTROLLER://:9093"
    assert first["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:9001,INTERNAL://10.0.0.1:19092"
    assert third["KAFKA_PROCESS_ROLES"] == "broker"
    assert third["KAFKA_LISTENERS"] == "PLAINTEXT://:9092,INTERNAL://:19092"
    assert {each["KAFKA_CONTROLLER_QUORUM_VOTERS"] for each in (first, third)} == {"1@10.0.0.1:9093,2@10.0.0.2:9093"}
    assert len({plan.environment["CLUSTER_ID"] for plan in made}) == 1
    assert [plan.published for plan in made] == [
        {9092: 9001, 9093: 8001},
        {9092: 9002, 9093: 8002},
        {9092: 9003},
    ]


def test_controller_of_its_own_has_no_client_listener() -> None:
    """The image refuses advertised listeners on a node that is only a controller."""
    broker, controller = plans([9001], {101: 8101}, {}, ADDRESSES)

    assert (broker.alias, controller.alias) == ("broker-1", "controller-101")
    assert controller.environment["KAFKA_PROCESS_ROLES"] == "controller"
    assert controller.environment["KAFKA_LISTENERS"] == "CONTROLLER://:9093"
    assert "KAFKA_ADVERTISED_LISTENERS" not in controller.environment
    assert not controller.is_broker


def test_clients_behind_a_proxy_have_a_listener_of_their_own() -> None:
    """It is published where the proxy looks for it, and tells clients where the proxy is."""
    front = Front({1: 7001}, {1: 7101})
    broker, controller = plans([9001], {101: 8101}, {}, ADDRESSES, front)

    assert broker.environment["KAFKA_LISTENERS"] == "PLAINTEXT://:9092,INTERNAL://:19092,FRONT://:9094"
    assert broker.environment["KAFKA_ADVERTISED_LISTENERS"].startswith("PLAINTEXT://127.0.0.1:9001,")
    assert broker.environment["KAFKA_ADVERTISED_LISTENERS"].endswith(",FRONT://127.0.0.1:7001")
    assert broker.environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].endswith(",FRONT:PLAINTEXT")
    assert (broker.published, controller.published) == ({9092: 9001, 9094: 7101}, {9093: 8101})
