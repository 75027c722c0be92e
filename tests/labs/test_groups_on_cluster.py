"""Workers and the view of groups on a real cluster, without a browser: what they show is what is there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

import kit
from kit.widgets import GroupsAndLag, Workers
from tests.support.wait import wait_until

pytestmark = pytest.mark.labs

ROOT = Path(__file__).resolve().parents[2]
TOPIC, GROUP = "music.listens", "royalties"


@pytest.fixture(scope="module")
def cluster() -> Iterator[kit.Cluster]:
    """Give a cluster of two brokers with a topic of two partitions with ten records each."""
    with kit.start(brokers=2, config={"group.min.session.timeout.ms": "1000"}) as cluster:
        admin = KafkaAdminClient(**cluster.client_settings)
        admin.create_topics({TOPIC: {"num_partitions": 2}})
        admin.close()
        producer = KafkaProducer(**cluster.client_settings)
        for number in range(20):
            producer.send(TOPIC, value=b"song", partition=number % 2)
        producer.close()
        yield cluster


@pytest.fixture
def groups(cluster: kit.Cluster) -> Iterator[GroupsAndLag]:
    """Give a view of its groups."""
    view = GroupsAndLag(cluster)
    yield view
    view.close()


def test_view_follows_a_group_from_nothing_to_deleted(cluster: kit.Cluster, groups: GroupsAndLag) -> None:
    """No group, members, lag, a crash that is told late, an empty group, no group: each as it is."""
    wait_until(lambda: "No consumer group yet" in groups.picture["status"], "the empty state")
    workers = Workers(cluster, TOPIC, GROUP, session_timeout_ms=1_500)
    try:
        assert sorted(workers.scale(3).values()) == [[], [0], [1]]
        wait_until(lambda: groups.group(GROUP).shares() == workers.shares, "three members in the view")
        wait_until(lambda: groups.group(GROUP).lag == 0, "the group to have read all")
        assert sum(workers.counts().values()) == 20
        assert workers.doubled() == {}
        crashed = workers.crash(next(name for name, held in workers.shares.items() if held))
        assert crashed in groups.group(GROUP).shares()
        workers.settle()
        wait_until(lambda: crashed not in groups.group(GROUP).shares(), "the crashed member to be given up")
        workers.scale(0)
        wait_until(lambda: groups.group(GROUP).state == "Empty", "the empty group")
    finally:
        workers.close()
    admin = KafkaAdminClient(**cluster.client_settings)
    admin.delete_groups([GROUP])
    admin.close()
    wait_until(lambda: groups.group(GROUP).state == "Dead", "the group to be gone")
    assert f"{crashed} no partition" not in groups.timeline(GROUP)
    assert groups.timeline(GROUP).splitlines()[-1].endswith("the group is gone")
    groups.chosen = GROUP
    assert groups.picture["detail"]["sentence"].startswith("Dead: it is gone")


def test_view_works_on_a_cluster_of_others(cluster: kit.Cluster) -> None:
    """Over kit.connect the same is shown, for nothing but ordinary requests is needed."""
    with kit.connect(cluster.bootstrap_servers) as there:
        workers, view = Workers(there, TOPIC, "guests"), GroupsAndLag(there)
        try:
            workers.scale(1)
            wait_until(lambda: view.group("guests").shares() == {"guests-1": [0, 1]}, "the member in the view")
        finally:
            workers.close()
            view.close()


def test_wrong_orders_are_refused_in_words(cluster: kit.Cluster) -> None:
    """Too many, nobody there, an unknown name, and nonsense from the page."""
    workers = Workers(cluster, TOPIC, "nobody")
    try:
        with pytest.raises(kit.KitError, match="8 at most"):
            workers.add(9)
        with pytest.raises(ValueError, match="0 to 8"):
            workers.scale(-1)
        with pytest.raises(ValueError, match="add one first"):
            workers.crash()
        for message in (None, [], {"type": "explode"}, {"type": "leave"}, {"type": "crash", "name": ["x"]}):
            workers._received(workers, message, [])  # noqa: SLF001 - as a page would send it
        assert "No worker" in workers.picture["said"]
    finally:
        workers.close()


def test_session_timeout_that_brokers_refuse_is_told(cluster: kit.Cluster) -> None:
    """A timeout below the brokers' own limit ends the worker with Kafka's name for it and what to change."""
    workers = Workers(cluster, TOPIC, "hasty", session_timeout_ms=500)
    try:
        with pytest.raises(TimeoutError, match=r"INVALID_SESSION_TIMEOUT: .* group\.min\.session\.timeout\.ms"):
            workers.scale(1)
    finally:
        workers.close()


def test_worker_of_a_missing_topic_waits_and_leaves(cluster: kit.Cluster) -> None:
    """A topic that is not there yet is waited for, and the worker can be sent home meanwhile."""
    workers = Workers(cluster, "not.there.yet", "patient")
    try:
        workers.add()
        workers.leave()
        assert workers.look("patient-1").state == "left"
        assert workers.names == []
    finally:
        workers.close()


BROKERS_LOST_UNDER_WIDGETS = """
import kit
from kafka import KafkaAdminClient
from kit.widgets import GroupsAndLag, Workers
from tests.support.wait import wait_until

cluster = kit.start(brokers=1, config={"group.min.session.timeout.ms": "1000"})
admin = KafkaAdminClient(**cluster.client_settings)
admin.create_topics({"music.listens": {"num_partitions": 1}})
admin.close()
view = GroupsAndLag(cluster)
wait_until(lambda: "No consumer group yet" in view.picture["status"], "the empty state")
cluster.kill(1)
wait_until(lambda: "The last look failed" in view.picture["status"], "the failed look")
cluster.restart(1)
wait_until(lambda: "No consumer group yet" in view.picture["status"], "the next look")
workers = Workers(cluster, "music.listens", "royalties")
workers.scale(1)
cluster.close()
wait_until(lambda: not view.alive, "the view to end")
wait_until(lambda: workers.look("royalties-1").state == "stopped", "the worker to stop")
print(view.picture["status"])
print(str(workers).splitlines()[0])
print(workers.picture["over"], [each["runs"] for each in workers.picture["workers"]])
for call in (workers.add, workers.leave, workers.crash, workers.settle, lambda: workers.scale(0)):
    try:
        call()
    except kit.ClusterClosedError as error:
        print(error)
workers.close()
view.close()
"""


def test_loss_of_all_brokers_is_no_end_and_a_closed_cluster_is_one() -> None:
    """Down is said and passes; closed ends the view and the workers, in a sentence, with nothing on stderr."""
    # In a process of its own, for kafka-python leaves the socket of a refused connection to the garbage collector.
    run = subprocess.run(
        [sys.executable, "-c", BROKERS_LOST_UNDER_WIDGETS],
        cwd=ROOT, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip

    assert run.stderr == ""
    assert run.returncode == 0
    view, workers, over, *refusals = run.stdout.splitlines()
    assert view.startswith("The view has stopped, this is the last that was seen. The cluster is closed")
    assert "the cluster is closed" in workers
    assert over == "True [False]"
    assert len(refusals) == 5
    assert all("Run its kit.start or kit.connect again" in each for each in refusals)


def test_static_member_that_is_replaced_is_no_rebalance(cluster: kit.Cluster, groups: GroupsAndLag) -> None:
    """Whoever comes with the same group.instance.id takes the place, and the group stays as it is (KIP-345)."""
    options = {"group_id": "static", "group_instance_id": "cashier", "client_id": "cashier"}
    lines = []
    for _ in range(2):
        consumer = KafkaConsumer(TOPIC, **cluster.client_settings, **options)
        wait_until(lambda at=consumer: at.poll(timeout_ms=100) is not None and bool(at.assignment()), "an assignment")
        wait_until(lambda: groups.group("static").shares() == {"cashier": [0, 1]}, "the member in the view")
        consumer.close()
        lines.append(groups.timeline("static").count("\n"))  # on a busy computer the first one's joining is seen too

    assert lines[0] == lines[1]


def test_ended_workers_do_not_pile_up(cluster: kit.Cluster) -> None:
    """The last five are shown, the others counted; what they did stays known."""
    workers = Workers(cluster, TOPIC, "short-lived")
    try:
        for _ in range(7):
            workers.add()
            workers.leave()
        workers.add()
        shown = [each["name"] for each in workers.picture["workers"]]
        assert shown == [f"short-lived-{number}" for number in (3, 4, 5, 6, 7, 8)]
        assert workers.picture["ended_before"] == 2
        assert len(workers.counts()) == 8
    finally:
        workers.close()
