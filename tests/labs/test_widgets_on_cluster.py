"""The widgets on a real cluster, without a browser: what they show is what is there, and they end with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaConnectionError

import kit
from kit.widgets import ProducerPanel, RecordView, ThroughputChart
from tests.support.wait import wait_until

pytestmark = pytest.mark.labs

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "music.listens"


@pytest.fixture
def cluster() -> Iterator[kit.Cluster]:
    """Give a cluster of two brokers with an empty topic of two partitions."""
    with kit.start(brokers=2) as cluster:
        admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
        admin.create_topics({TOPIC: {"num_partitions": 2}})
        admin.close()
        yield cluster


@pytest.fixture
def panel(cluster: kit.Cluster) -> Iterator[ProducerPanel]:
    """Give a producer panel on the topic."""
    panel = ProducerPanel(cluster, TOPIC)
    yield panel
    panel.close()


@pytest.fixture
def view(cluster: kit.Cluster) -> Iterator[RecordView]:
    """Give a live view of the topic from its beginning."""
    view = RecordView(cluster, TOPIC)
    yield view
    view.close()


def send(cluster: kit.Cluster, count: int, topic: str = TOPIC) -> None:
    """Send ``count`` records with the numbers from 0 as values."""
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap_servers)
    for number in range(count):
        producer.send(topic, value=str(number).encode())
    producer.close()


@pytest.mark.parametrize("wait_for", ["all in-sync replicas", "the leader only"])
def test_panel_tells_partition_and_offset(panel: ProducerPanel, view: RecordView, wait_for: str) -> None:
    """The acknowledgement names the chosen partition and the offset, and the view shows the record there."""
    panel.partition.value, panel.acks.value, panel.value.value = "1", wait_for, "a song"

    assert panel.send().text == "Acknowledged: partition 1, offset 0."
    wait_until(lambda: view.text == "partition 1 offset 0: key None, value a song", "the record in the view")


def test_panel_without_waiting_claims_no_offset(panel: ProducerPanel, view: RecordView) -> None:
    """With acks=0 the panel admits that it knows nothing; the records arrive all the same."""
    panel.acks.value, panel.count.value = "nobody: do not wait", 3

    assert "no offset and no error" in panel.send().text
    wait_until(lambda: view.feed["read"] == 3, "three records in the view")


def test_panel_offers_the_partitions_of_a_topic_it_created(panel: ProducerPanel) -> None:
    """Typing a name asks for it without creating it; sending creates it, and its partitions can be chosen."""
    panel.topic.value = "music.new"
    assert len(panel.partition.options) == 1

    outcome = panel.send()

    assert outcome.acknowledged, outcome.text
    assert "0" in panel.partition.options


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("topic", "not allowed!", "illegal"),
        ("topic", "", "topic"),
        ("headers", "no equals sign", "name=value"),
        ("value", "x" * 1_100_000, "MESSAGE_TOO_LARGE"),
    ],
)
def test_panel_says_why_a_record_was_refused(panel: ProducerPanel, field: str, text: str, told: str) -> None:
    """What cannot be sent is answered in words, and the next record goes through."""
    good = getattr(panel, field).value
    getattr(panel, field).value = text
    outcome = panel.send()

    assert not outcome.acknowledged
    assert told in outcome.text
    getattr(panel, field).value = good
    assert panel.send().acknowledged


def test_view_from_now_on_leaves_out_what_is_retained(cluster: kit.Cluster, view: RecordView) -> None:
    """Switched to "latest" the view forgets what it had and shows only what comes; switched back it has all."""
    send(cluster, 5)
    wait_until(lambda: view.feed["read"] == 5, "five records in the view")

    view.start = "latest"
    wait_until(lambda: "No records" in view.feed["status"], "the view to begin at the end")
    send(cluster, 2)
    wait_until(lambda: view.feed["read"] == 2, "the two new records")

    view.start = "beginning"
    wait_until(lambda: view.feed["read"] == 7, "all records")


def test_view_leaves_no_group_behind(cluster: kit.Cluster, view: RecordView) -> None:
    """The view commits nothing and is no member of any group: it cannot disturb a student's consumers."""
    send(cluster, 1)
    wait_until(lambda: view.feed["read"] == 1, "the record in the view")
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    groups = admin.list_groups()
    admin.close()

    assert groups == []


def test_chart_shows_the_lag_that_the_group_has(cluster: kit.Cluster) -> None:
    """Lag is what the log holds beyond the committed offsets, from a group that never was to one that is done."""
    chart = ThroughputChart(cluster, TOPIC, "charts")
    try:
        send(cluster, 40)
        wait_until(lambda: chart.lag == 40, "a lag of 40")
        consumer = KafkaConsumer(
            TOPIC, bootstrap_servers=cluster.bootstrap_servers, group_id="charts", auto_offset_reset="earliest"
        )
        read = 0
        while read < 40:
            read += sum(map(len, consumer.poll(timeout_ms=200).values()))
        consumer.commit()
        consumer.close()
        wait_until(lambda: chart.lag == 0, "no lag")
        wait_until(lambda: "lag 0" in chart.twin.now, "the words to follow")
        assert len(chart.figure.data[2].y) == len(chart.figure.data[0].x)
    finally:
        chart.close()


def test_chart_outlives_a_look_without_an_answer(cluster: kit.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker has just died, for example: the chart goes on as soon as somebody answers."""
    look, died = KafkaAdminClient.list_group_offsets, []

    def die_once(admin: KafkaAdminClient, *asked: object, **options: object) -> object:
        if not died:
            died.append(True)
            raise KafkaConnectionError("socket disconnected")
        return look(admin, *asked, **options)

    monkeypatch.setattr(KafkaAdminClient, "list_group_offsets", die_once)
    chart = ThroughputChart(cluster, TOPIC, "charts")
    try:
        send(cluster, 10)
        wait_until(lambda: died and chart.lag == 10, "a lag of 10")
    finally:
        chart.close()


# In a process of its own, as in a notebook: what is written to stderr there is what a student would see.
CLOSED_UNDER_WIDGETS = f"""
import kit
from kit.widgets import ProducerPanel, RecordView, ThroughputChart, Traffic
from tests.support.wait import wait_until

cluster = kit.start(brokers=2)
view = RecordView(cluster, {TOPIC!r})
chart = ThroughputChart(cluster, "music.live", "live")
traffic = Traffic(cluster, "music.live", "live")
panel = ProducerPanel(cluster, {TOPIC!r})
traffic.producing = traffic.consuming = True
wait_until(lambda: chart.twin.rows, "the first figures in the chart")

cluster.close()

wait_until(lambda: not view.alive, "the view's thread to end")
wait_until(lambda: not chart.alive, "the chart's thread to end")
wait_until(lambda: "kit.start" in traffic.status, "the switches to say so")
wait_until(lambda: not traffic.producing and not traffic.consuming, "the switches to be off")
print(view.feed["status"], chart.twin.now, panel.send().text, sep="\\n")
for widget in (view, chart, traffic, panel):
    widget.close()
"""


def test_widgets_end_with_their_cluster_in_silence() -> None:
    """A closed cluster ends every thread; each widget says so, and nothing is written to stderr."""
    run = subprocess.run(
        [sys.executable, "-c", CLOSED_UNDER_WIDGETS], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )

    assert run.stderr == ""
    assert run.returncode == 0
    assert [line for line in run.stdout.splitlines() if "kit.start" not in line] == []
    assert len(run.stdout.splitlines()) == 3


LAST_RECORDS = """
import kit
from kafka import KafkaProducer
from kit.ending import end_producer

cluster = kit.start(brokers=1)
producer = KafkaProducer(**cluster.client_settings)
producer.send("plays", b"1").get(10)
cluster.close()
producer.send("plays", b"2")
end_producer(producer)
del producer
print("ended")
"""


def test_a_producer_ends_in_silence_with_records_that_nobody_takes() -> None:
    """Else kafka-python prints a traceback when the object goes, somewhere under a learner's cell."""
    run = subprocess.run(
        [sys.executable, "-c", LAST_RECORDS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (run.stderr, run.stdout) == ("", "ended\n")
