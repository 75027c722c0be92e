"""The cluster view on a real cluster, without a browser: what it says is so, and what its buttons do happens."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaProducer

import kit
from kit.widgets import ClusterView, cluster_view
from tests.support.wait import wait_until

pytestmark = pytest.mark.labs

ROOT = Path(__file__).resolve().parents[2]
TOPIC = "music.listens"


@pytest.fixture
def cluster() -> Iterator[kit.Cluster]:
    """Give a cluster of three brokers with an empty topic of two partitions."""
    with kit.start(brokers=3) as cluster:
        admin = KafkaAdminClient(**cluster.client_settings)
        admin.create_topics({TOPIC: {"num_partitions": 2, "replication_factor": 3}})
        admin.close()
        yield cluster


class Browser:
    """Stands where the browser is: it gets what the view sends, and presses its buttons."""

    def __init__(self, view: ClusterView) -> None:
        self.view = view
        self.got: list[dict[str, Any]] = []
        view.send = lambda content, _buffers=None: self.got.append(json.loads(json.dumps(content)))

    def tell(self, **message: Any) -> None:
        """Send a message as the browser does."""
        self.view._handle_custom_msg(message, [])  # noqa: SLF001 - ipywidgets has no other way in

    def answer(self, kind: str) -> dict[str, Any]:
        """The newest message of a kind, once there is one."""
        return wait_until(lambda: [each for each in self.got if each["type"] == kind], f"a message {kind}")[-1]

    def press(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Press a button and wait for what came of it."""
        self.got.clear()
        self.tell(type="do", id="1", action=action, **arguments)
        return self.answer("done")


@pytest.fixture
def open_view() -> Iterator[Callable[[kit.Cluster], Browser]]:
    """Open views that the test's end closes."""
    opened: list[ClusterView] = []

    def make(cluster: kit.Cluster) -> Browser:
        opened.append(cluster.view())
        return Browser(opened[-1])

    yield make
    for view in opened:
        view.close()


def says(browser: Browser, *told: str) -> None:
    """Wait until the view says all of it."""
    wait_until(lambda: all(text in browser.view.text for text in told), f"the view to say {told}")


def test_view_says_shortly_what_it_is(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """In a terminal, and in a list of variables."""
    view = open_view(cluster).view

    assert repr(view) == f"<ClusterView of the brokers at {cluster.bootstrap_servers}, following>"
    view.close()
    assert repr(view) == f"<ClusterView of the brokers at {cluster.bootstrap_servers}, ended>"


def test_view_follows_records_and_faults(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """Records move the high watermark; a broker that is killed by its button is dead in the cluster and in the view."""
    browser = open_view(cluster)
    says(browser, f"{TOPIC}-0", "; empty")
    producer = KafkaProducer(**cluster.client_settings)
    for _ in range(5):
        producer.send(TOPIC, b"a song", partition=0)
    producer.close()
    says(browser, "offsets 0 to 4")

    done = browser.press("kill", node=2)

    assert (done["is_done"], done["python"]) == (True, "cluster.kill(2)")
    assert [broker.is_alive for broker in cluster.brokers] == [True, False, True]
    says(browser, "Broker 2: down", "2 is offline")
    told = wait_until(
        lambda: [
            event["text"] for each in browser.got for event in each.get("events", []) if "killed" in event["text"]
        ],
        "the event",
    )
    assert told[0] == "Node 2 was killed."


def test_cut_and_heal_are_seen(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """A cut between groups shows the one that is alone as cut off, until the network is healed."""
    browser = open_view(cluster)
    assert browser.press("cut", groups=[[3], [1, 2]])["is_done"]
    says(browser, "Broker 3: cut off", "The network is cut: {3} from {1, 2}.")

    assert browser.press("heal")["is_done"]
    says(browser, "Broker 3: alive")


def test_button_that_cannot_says_why(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """One sentence, the cluster's own; nothing has changed."""
    browser = open_view(cluster)
    done = browser.press("resume", node=1)

    assert not done["is_done"]
    assert "is not paused" in done["text"]
    assert "\n" not in done["text"]
    assert browser.press("kill", node=99)["text"].startswith("There is no node 99")
    assert browser.press("close")["text"] == "There is no action 'close'."


def test_cluster_without_a_living_broker_is_still_shown(
    cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]
) -> None:
    """Nobody can be asked any more, and the view goes on: a broker can be restarted from it."""
    browser = open_view(cluster)
    says(browser, f"{TOPIC}-1")
    for node in (1, 2, 3):
        assert browser.press("kill", node=node)["is_done"]
    says(browser, "Every broker is down. Restart one.", f"{TOPIC}-1: no leader")

    for node in (1, 2):
        assert browser.press("restart", node=node)["is_done"]
    says(browser, "Broker 1: alive", f"{TOPIC}-1: 1 ")
    assert "Every broker" not in browser.view.text


def test_past_is_shown_as_it_was(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """Going back shows who lived then; a second view, opened later, has the same past."""
    browser = open_view(cluster)
    says(browser, "Broker 2: alive", f"{TOPIC}-0")
    then_ms = browser.answer("whole")["picture"]["time_ms"]
    browser.press("kill", node=2)
    says(browser, "Broker 2: down")

    for each in (browser, open_view(cluster)):
        each.tell(type="then", time_ms=then_ms)
        then = each.answer("then")
        assert then["asked_ms"] == then_ms
        assert [node["state"] for node in then["picture"]["nodes"]] == ["alive", "alive", "alive"]


def test_filter_is_the_browsers_to_choose(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """What was chosen is there again for a browser that comes back; what makes no sense does no harm."""
    browser = open_view(cluster)
    says(browser, f"{TOPIC}-0")
    browser.tell(type="choose", needle="<img src=x>", internal="yes", page="first")
    assert "No topic has “<img src=x>” in its name" in browser.view.text

    browser.got.clear()
    browser.tell(type="hello", viewer="again")
    assert browser.answer("whole")["choice"] == {"needle": "<img src=x>", "internal": False}
    for message in ({}, {"type": "then"}, {"type": "then", "time_ms": "now"}, {"type": "unheard of"}):
        browser.tell(**message)


def test_two_views_look_once(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """A view that is closed leaves the other one alive."""
    first, second = open_view(cluster), open_view(cluster)
    says(first, f"{TOPIC}-0")
    says(second, f"{TOPIC}-0")
    first.view.close()

    assert (first.view.alive, second.view.alive) == (False, True)
    cluster.kill(1)
    says(second, "Broker 1: down")


def test_connected_cluster_is_shown_and_not_harmed(
    cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]
) -> None:
    """Brokers and partitions are there; the buttons are not, and the reason is told."""
    with kit.connect(cluster.bootstrap_servers) as connected:
        browser = open_view(connected)
        says(browser, "Broker 1: alive", f"{TOPIC}-0: ", "; empty")
        browser.tell(type="hello", viewer="a")

        assert "cannot be harmed" in browser.answer("whole")["refusal"]
        assert "cannot be harmed" in browser.press("kill", node=1)["text"]
    assert all(broker.is_alive for broker in cluster.brokers)


def test_nothing_of_the_cluster_is_saved(cluster: kit.Cluster, open_view: Callable[[kit.Cluster], Browser]) -> None:
    """What a notebook would save of the view is its code, and no state."""
    browser = open_view(cluster)
    says(browser, f"{TOPIC}-0")
    state = {name: value for name, value in browser.view.get_state().items() if name not in ("_esm", "_css")}

    assert TOPIC not in json.dumps(state, default=str)
    assert len(json.dumps(state, default=str)) < 1_000


def test_view_does_not_keep_a_forgotten_cluster() -> None:
    """A cluster that nobody has any more ends, and its view says so."""
    cluster = kit.start(brokers=1)
    view = cluster_view(cluster)
    wait_until(lambda: "Broker 1" in view.text, "the first look")
    del cluster

    def is_told() -> bool:
        gc.collect()  # the loop's own frame may have had it last
        return "kit.start" in view.text

    wait_until(is_told, "the view to end")
    wait_until(lambda: not view.alive, "its threads to end")
    view.close()


def test_cluster_whose_process_died_is_told(open_view: Callable[[kit.Cluster], Browser]) -> None:
    """One sentence says what happened and what to do; the log of the dead process stays out of the view."""
    others = psutil.Process().children()
    with kit.start(brokers=1) as cluster:
        browser = open_view(cluster)
        says(browser, "Broker 1: alive")
        (child,) = (each for each in psutil.Process().children() if each not in others)
        child.kill()

        says(browser, "ended with status", "Start a new one with kit.start().")
        assert "\n" not in browser.view.text


# In a process of its own, as in a notebook: what is written to stderr there is what a student would see.
CLOSED_UNDER_VIEWS = """
import kit
from tests.support.wait import wait_until

cluster = kit.start(brokers=2)
views = [cluster.view(), cluster.view()]
wait_until(lambda: all("Broker 1: alive" in view.text for view in views), "the first look")
cluster.close()
wait_until(lambda: not any(view.alive for view in views), "the views to end")
views.append(cluster.view())
wait_until(lambda: "closed" in views[-1].text, "a view of a closed cluster to say so")
print(*{view.text for view in views}, sep="\\n")
other = kit.start(brokers=1).view()
"""


def test_views_end_with_their_cluster_in_silence() -> None:
    """Each says so in one sentence, also one that is opened afterwards; nothing is written to stderr."""
    run = subprocess.run(
        [sys.executable, "-c", CLOSED_UNDER_VIEWS], cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )

    assert run.stderr == ""
    assert run.returncode == 0
    assert run.stdout.splitlines() == [
        "This cluster is closed: start a new one with kit.start(), or connect again with kit.connect(...)."
    ]
