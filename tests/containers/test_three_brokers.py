"""Three brokers of Apache Kafka in containers: what can be done to them, and what they do then."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.errors import KafkaError

import kit
from kit.backends.docker.layout import settings_of
from tests.containers.views import (
    alive_by,
    is_whole,
    of_cluster,
    port_of,
    read,
    seen_by,
    send,
    topic_on,
)
from tests.support.wait import wait_until

pytestmark = pytest.mark.containers


def others(*node_ids: int) -> list[int]:
    """The rest of brokers 1 to 3."""
    return [node_id for node_id in (1, 2, 3) if node_id not in node_ids]


def kinds(cluster: kit.Cluster, since_ms: int, node_id: int | None = None) -> list[str]:
    """What the timeline tells since a time, of one node or of all."""
    return [event.kind for event in cluster.timeline(since_ms) if node_id in (None, event.node_id)]


def latest_ms(cluster: kit.Cluster) -> int:
    """When the last event was, and a millisecond more."""
    return cluster.timeline()[-1].time_ms + 1


def test_ports_are_open_to_this_computer_only(three: kit.Cluster, client: Any) -> None:
    """No port of a container listens on an address that the network knows, and all are below 32768."""
    bindings = [
        binding
        for container in of_cluster(client, three).values()
        for bound in container.attrs["NetworkSettings"]["Ports"].values()
        for binding in bound or []
    ]

    assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}
    assert all(int(binding["HostPort"]) < 32_768 for binding in bindings)
    assert len(bindings) == 6  # a broker's and a controller's port each


def test_brokers_have_the_kits_defaults(three: kit.Cluster) -> None:
    """The one table of defaults is what Apache Kafka says that it was started with."""
    from kafka import KafkaAdminClient
    from kafka.admin import ConfigResource, ConfigResourceType

    admin = KafkaAdminClient(**three.client_settings)
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, "1")], config_filter="all")
    finally:
        admin.close()
    told = {name: entry["value"] for name, entry in found["broker"]["1"].items()}
    wanted = settings_of(3, {})

    assert {name: told.get(name) for name in wanted if name in told} == {
        name: value for name, value in wanted.items() if name in told
    }
    assert {"num.partitions", "min.insync.replicas", "broker.session.timeout.ms"} <= told.keys()


def test_killed_leader_is_replaced_and_comes_back_on_its_port(three: kit.Cluster) -> None:
    """kill: another in-sync replica leads; restart: the same port, and in sync again; the timeline tells both."""
    leader = others(three.controller or 0)[0]
    topic = topic_on(three, leader, *others(leader))
    send(three, topic, b"before")
    port, since_ms = port_of(three, leader), latest_ms(three)

    three.kill(leader)
    assert not next(broker for broker in three.brokers if broker.node_id == leader).is_alive
    witness = others(leader)[0]
    wait_until(lambda: seen_by(three, witness, topic)[0] in others(leader), "another leader")
    send(three, topic, b"after", through=witness)
    three.restart(leader)
    wait_until(lambda: seen_by(three, leader, topic)[1] == [1, 2, 3], "the killed one to be in sync")

    assert port_of(three, leader) == port
    assert read(three, topic) == [b"before", b"after"]
    assert kinds(three, since_ms, leader)[:1] == ["kill"]
    assert {"restart", "broker_fenced", "broker_unfenced"} <= set(kinds(three, since_ms, leader))
    elected = [event for event in three.timeline(since_ms) if (event.kind, event.topic) == ("leader_elected", topic)]
    assert elected[0].details["previous"] == leader
    assert "leads in epoch 1" in elected[0].text


def test_isolated_leader_takes_records_that_are_cut_off_when_it_is_back(three: kit.Cluster) -> None:
    """The isolated leader is still reached and believes in itself; after heal only the majority's record is there."""
    leader = three.controller or 0
    topic = topic_on(three, leader, *others(leader))

    three.isolate(leader)
    assert send(three, topic, b"lost", through=leader, acks=1) == 0
    with pytest.raises(KafkaError):
        send(three, topic, b"refused", through=leader, acks="all")
    witness = others(leader)[0]
    wait_until(lambda: seen_by(three, witness, topic)[0] in others(leader), "another leader")
    wait_until(lambda: three.controller in others(leader), "another controller")
    assert send(three, topic, b"kept", through=witness) == 0
    three.heal()
    wait_until(lambda: is_whole(three), "the old leader to be in sync")

    assert read(three, topic) == [b"kept"]


def test_cut_between_two_followers_of_the_controller_leaves_both_alive(three: kit.Cluster) -> None:
    """cut({a}, {b}): b falls out of a's in-sync replicas, nobody is fenced, and the third one reaches both."""
    first, second = others(three.controller or 0)
    topic = topic_on(three, first, *others(first))
    since_ms = latest_ms(three)

    three.cut({first}, {second})
    send(three, topic, b"x", acks=1)  # a follower that has everything is in sync however long it was not heard of
    wait_until(lambda: seen_by(three, first, topic) == (first, others(second)), "the other one to be out of sync")
    alive = alive_by(three, first)
    three.heal()
    wait_until(lambda: is_whole(three), "both to be in sync")

    assert alive == {1, 2, 3}
    assert "broker_fenced" not in kinds(three, since_ms)


def test_one_way_cut_loses_only_what_the_first_group_sends(three: kit.Cluster, client: Any) -> None:
    """cut(..., one_way=True): only the first group's containers have routes into nothing, and heal takes them away."""
    containers = of_cluster(client, three)

    def lost(node_id: int) -> int:
        return containers[node_id].exec_run(["ip", "route"]).output.decode().count("blackhole")

    three.cut({1}, {2, 3}, one_way=True)
    during = [lost(node_id) for node_id in (1, 2, 3)]
    three.heal()

    assert during == [2, 0, 0]
    assert [lost(node_id) for node_id in (1, 2, 3)] == [0, 0, 0]


def test_cut_survives_the_restart_of_a_broker(three: kit.Cluster, client: Any) -> None:
    """A broker that is started again is still cut off from the one that it was cut off from."""
    first, second = others(three.controller or 0)
    three.cut({first}, {second})
    three.kill(first)
    three.restart(first)
    routes = of_cluster(client, three)[first].exec_run(["ip", "route"]).output.decode()

    assert "blackhole" in routes


def test_paused_broker_is_fenced_and_goes_on_where_it_stood(three: kit.Cluster) -> None:
    """pause: nothing is answered, the others do without; resume: it is back."""
    paused = others(three.controller or 0)[0]
    witness = others(paused)[0]

    three.pause(paused)
    assert next(broker for broker in three.brokers if broker.node_id == paused).is_paused
    assert three.controller is not None
    wait_until(lambda: paused not in alive_by(three, witness), "the paused one to be fenced")
    with pytest.raises(kit.FaultError, match=f"Node {paused} is paused and cannot stop"):
        three.stop(paused)
    three.resume(paused)
    wait_until(lambda: paused in alive_by(three, witness), "it to be alive again")


def test_stopped_broker_hands_over_before_it_goes(three: kit.Cluster) -> None:
    """stop: when it returns, the broker is down and another one leads already."""
    leader = others(three.controller or 0)[0]
    topic = topic_on(three, leader, *others(leader))
    since_ms = latest_ms(three)

    three.stop(leader)
    led_by = seen_by(three, others(leader)[0], topic)[0]
    with pytest.raises(kit.FaultError, match=f"Node {leader} is down already"):
        three.stop(leader)

    assert led_by in others(leader)
    assert {"stop", "stopped"} <= set(kinds(three, since_ms, leader))


def test_restart_does_not_wait_for_a_majority_that_is_not_there(three: kit.Cluster) -> None:
    """All three die; the first restart returns at once without a controller, and the second one brings it back."""
    for node_id in (1, 2, 3):
        three.kill(node_id)
    assert three.controller is None

    three.restart(1)
    alone = three.controller
    three.restart(2)
    wait_until(lambda: three.controller in (1, 2), "a controller")
    three.restart(3)
    wait_until(lambda: is_whole(three), "the cluster to be whole")

    assert alone is None


def test_faults_that_cannot_be_are_one_sentence(three: kit.Cluster) -> None:
    """The words are the embedded cluster's; what only that one can do names it."""
    for wrong, sentence in (
        (lambda: three.kill(9), "There is no node 9"),
        (lambda: three.restart(1), "Node 1 is running"),
        (lambda: three.resume(1), "Node 1 is not paused"),
        (three.heal, "There is nothing to heal"),
        (lambda: three.cut({1}), "A cut needs two groups"),
    ):
        with pytest.raises(kit.FaultError, match=sentence):
            wrong()
    for unknown in (
        lambda: three.slow(1, 100),
        lambda: three.drop(1),
        lambda: three.set_user("ann", "open-sesame"),
        lambda: three.remove_user("ann"),
        lambda: three.cut({1}, {2}, clients={"a": 0}),
        lambda: three.on_request("Produce", lambda _: None),
    ):
        with pytest.raises(kit.NotSupportedError, match=r'kit\.start\("embedded"\)'):
            unknown()


def test_network_that_somebody_else_has_cut_can_be_cut_and_healed(three: kit.Cluster, client: Any) -> None:
    """To isolate a container that was disconnected by hand is no error, and heal mends what others have cut."""
    container = of_cluster(client, three)[2]
    network = next(name for name in container.attrs["NetworkSettings"]["Networks"] if name != "bridge")

    since_ms = latest_ms(three)
    client.networks.get(network).disconnect(container)
    wait_until(lambda: "isolate" in kinds(three, since_ms, 2), "the timeline to tell it")
    assert three.state().faults == ("The network is cut: {2} from {1, 3}.",)
    three.isolate(2)
    three.heal()
    container.reload()
    assert network in container.attrs["NetworkSettings"]["Networks"]

    client.networks.get(network).disconnect(container)
    three.heal()
    container.reload()
    assert network in container.attrs["NetworkSettings"]["Networks"]
    wait_until(lambda: is_whole(three), "the cluster to be whole")


def test_broker_that_somebody_else_killed_is_down_and_can_be_restarted(three: kit.Cluster, client: Any) -> None:
    """``docker kill`` is noticed, told in the timeline, and mended by restart."""
    since_ms = latest_ms(three)
    of_cluster(client, three)[3].kill()
    wait_until(lambda: "kill" in kinds(three, since_ms, 3), "the timeline to tell it")

    with pytest.raises(kit.FaultError, match="Node 3 is down already"):
        three.kill(3)
    three.restart(3)

    assert all(broker.is_alive for broker in three.brokers)
