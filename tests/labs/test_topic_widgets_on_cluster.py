"""Topic browser, forms and linter on a real cluster, without a browser: what they say is what is there."""

from __future__ import annotations

import gc
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaProducer

import kit
from kit.widgets import NameLinter, TopicBrowser, TopicForms
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.labs,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("forgotten_sockets"),
]

TOPIC = "music.plays"
_requests = iter(range(1, 1_000_000))


@pytest.fixture
def forgotten_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let the sockets that kafka-python forgets be found in the test that had them, where they are forgiven."""
    caplog.set_level(logging.CRITICAL, logger="kafka")
    yield
    gc.collect()


@pytest.fixture(scope="module")
def cluster() -> Iterator[kit.Cluster]:
    """Give a cluster of three brokers with a topic of three partitions and 120 records, and 1,000 other topics."""
    with kit.start(brokers=3) as cluster:
        admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
        admin.create_topics({TOPIC: {"num_partitions": 3}, "music.empty": {}})
        for hundred in range(10):
            admin.create_topics({f"many.t{100 * hundred + at:03}": {"replication_factor": 1} for at in range(100)})
        admin.close()
        producer = KafkaProducer(bootstrap_servers=cluster.bootstrap_servers)
        for number in range(118):
            producer.send(
                TOPIC, partition=number % 3, value=json.dumps({"n": number}).encode(), timestamp_ms=1000 + number
            )
        producer.send(TOPIC, partition=0, value=b"<img src=x onerror=alert(1)>", timestamp_ms=2000)
        producer.send(TOPIC, partition=1, value=b"\xff" * 900_000, timestamp_ms=2001)
        producer.close()
        yield cluster


@pytest.fixture(scope="module")
def browser(cluster: kit.Cluster) -> Iterator[TopicBrowser]:
    """Give a browser that has read the topic once."""
    browser = TopicBrowser(cluster, TOPIC)
    wait_until(lambda: browser.result.get("rows"), "the first records")
    yield browser
    browser.close()


def ask(widget: Any, trait: str, message: dict[str, Any]) -> dict[str, Any]:
    """Send what the page would send, and give the answer to it."""
    request = next(_requests)
    widget._handle_custom_msg({**message, "request": request}, [])  # noqa: SLF001 - ipywidgets has no other way in
    wait_until(lambda: getattr(widget, trait).get("answered") == request, f"an answer to {message}")
    answer: dict[str, Any] = getattr(widget, trait)
    return answer


def values(answer: dict[str, Any]) -> list[int]:
    """The numbers in the rows' values."""
    return [json.loads(row["value"])["n"] for row in answer["rows"] if row["value"].startswith("{")]


def test_pages_of_records_are_complete_and_in_order_of_time(browser: TopicBrowser) -> None:
    """Over three partitions, from the beginning to the end."""
    answer = ask(browser, "result", {"type": "read", "start": "beginning"})
    seen = values(answer)
    while answer["goes_on_at"]:
        answer = ask(browser, "result", {"type": "more"})
        seen += values(answer)

    assert seen == list(range(118))


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        ({"start": "latest", "partition": 2}, list(range(116, 0, -3))),
        ({"start": "offset", "at": 30, "partition": 2}, list(range(92, 118, 3))),
        ({"start": "timestamp", "at": 1110}, list(range(110, 118))),
        ({"needle": '"N": 77'}, [77]),
    ],
)
def test_reading_begins_where_it_was_wished(browser: TopicBrowser, wish: dict[str, Any], expected: list[int]) -> None:
    """The newest, an offset, a time, a text: what is shown is what is in the cluster."""
    assert values(ask(browser, "result", {"type": "read", **wish})) == expected


def test_huge_binary_record_is_opened_in_bounds(browser: TopicBrowser) -> None:
    """900 KB become a message of less than half of that; a row shows a few hundred characters."""
    newest = ask(browser, "result", {"type": "read", "start": "latest", "partition": 1})["rows"][0]
    record = ask(browser, "record", {"type": "open", "partition": 1, "offset": newest["offset"]})

    assert len(newest["value"]) < 1_000
    assert record["value"]["size_bytes"] == 900_000
    assert len(json.dumps(record)) < 450_000
    assert "not UTF-8" in record["value"]["notes"]["text"]


def test_thousand_topics_are_filtered_and_paged(browser: TopicBrowser) -> None:
    """The list stays a page, the filter finds one of a thousand."""
    page = ask(browser, "topics", {"type": "list", "page": 10_000})
    assert (page["total"], len(json.dumps(page)) < 5_000) == (1_002, True)

    found = ask(browser, "topics", {"type": "list", "needle": "T777"})
    assert [row["name"] for row in found["rows"]] == ["many.t777"]


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("music.empty", "No records here yet"),
        ("music.missing", "There is no topic music.missing"),
        ("<b>", "no topic <b>"),
    ],
)
def test_nothing_to_see_is_told(browser: TopicBrowser, topic: str, told: str) -> None:
    """An empty topic, and two that do not exist and are not made by looking for them."""
    answer = ask(browser, "result", {"type": "choose", "topic": topic})

    assert told in " ".join(answer["notes"])
    ask(browser, "result", {"type": "choose", "topic": TOPIC})


@pytest.mark.parametrize(
    "message", [None, 7, {}, {"type": "open"}, {"type": "read", "start": [], "at": "x", "partition": {}}]
)
def test_messages_that_make_no_sense_do_no_harm(browser: TopicBrowser, message: Any) -> None:
    """The browser goes on."""
    browser._handle_custom_msg(message, [])  # noqa: SLF001
    ask(browser, "result", {"type": "read", "start": "beginning"})
    assert browser.alive


def test_form_makes_what_it_says_and_passes_on_refusals(cluster: kit.Cluster) -> None:
    """A dry run makes nothing; the real one makes the topic with its settings; the second one is refused by name."""
    forms = TopicForms(cluster)
    fields = {"name": "music.made", "partitions": "2", "replication_factor": "2", "retention.ms": "60000"}

    assert "Nothing was made" in ask(forms, "created", {"type": "create", "fields": fields, "dry_run": True})["text"]
    assert "music.made" not in cluster.topics(["music.made"])
    assert "2 partitions, replication factor 2" in ask(forms, "created", {"type": "create", "fields": fields})["text"]
    assert len(cluster.topics(["music.made"])["music.made"].partitions) == 2
    assert "TOPIC_ALREADY_EXISTS" in ask(forms, "created", {"type": "create", "fields": fields})["text"]
    for name, told in (("music_made", "INVALID_TOPIC_EXCEPTION"), ("", "INVALID_TOPIC_EXCEPTION")):
        assert told in ask(forms, "created", {"type": "create", "fields": {"name": name}})["text"]
    refused = ask(forms, "created", {"type": "create", "fields": {"name": "x", "replication_factor": "9"}})
    assert "INVALID_REPLICATION_FACTOR" in refused["text"]
    forms.close()


def test_nothing_is_deleted_that_was_not_confirmed(cluster: kit.Cluster) -> None:
    """Without a question, with another name, after another topic took the name: it stays. Confirmed, it goes."""
    forms = TopicForms(cluster)
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    admin.create_topics({"music.old": {}}, wait_for_metadata=True)
    delete = {"type": "delete", "name": "music.old", "typed": "music.old"}

    assert "Nothing was deleted" in ask(forms, "deleted", delete)["text"]
    assert "with 0 records" in ask(forms, "confirmation", {"type": "ask", "name": "music.old"})["text"]
    assert "Nothing was deleted" in ask(forms, "deleted", {**delete, "typed": "music.ol"})["text"]
    ask(forms, "confirmation", {"type": "ask", "name": "music.old"})
    admin.delete_topics(["music.old"])
    wait_until(lambda: "music.old" not in admin.list_topics(), "the topic to be gone")
    admin.create_topics({"music.old": {}}, wait_for_metadata=True)
    assert "not the topic any more" in ask(forms, "deleted", delete)["text"]
    ask(forms, "confirmation", {"type": "ask", "name": "music.old"})
    assert "has deleted music.old" in ask(forms, "deleted", delete)["text"]
    wait_until(lambda: "music.old" not in admin.list_topics(), "the topic to be gone")
    assert "no topic 'music.old'" in ask(forms, "deleted", {"type": "ask", "name": "music.old"})["text"]
    admin.close()
    forms.close()


def test_linter_asks_the_cluster_and_makes_nothing(cluster: kit.Cluster) -> None:
    """A good name, one that Kafka refuses, one that only this cluster refuses."""
    linter = NameLinter(cluster, "prod.music.fine.v1")
    for name, told in (
        ("prod.music.fine.v1", "would take this name"),
        ("my songs", "refuses it. INVALID_TOPIC_EXCEPTION"),
        ("music_plays", "collides"),
        (TOPIC, "TOPIC_ALREADY_EXISTS"),
    ):
        linter._handle_custom_msg({"type": "name", "name": name}, [])  # noqa: SLF001
        wait_until(lambda name=name, told=told: linter.kafka["name"] == name and told in linter.kafka["text"], told)
    assert "prod.music.fine.v1" not in cluster.topics(["prod.music.fine.v1"])
    linter.close()


def test_widgets_outlive_dead_brokers_and_end_with_the_cluster() -> None:
    """All brokers down: a sentence, and on with it when they are back. Closed: the end, in words."""
    with kit.start(brokers=1) as cluster:
        admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
        admin.create_topics({"t": {}}, wait_for_metadata=True)
        admin.close()
        browser, forms, linter = TopicBrowser(cluster, "t"), TopicForms(cluster), NameLinter(cluster, "x")
        wait_until(lambda: browser.result, "the first look")
        cluster.kill(1)
        wait_until(lambda: "No broker" in browser.topics["status"], "the browser to tell")
        assert "No broker" in ask(browser, "result", {"type": "read"})["notes"][0]
        assert "No broker" in ask(forms, "created", {"type": "create", "fields": {"name": "u"}})["text"]
        cluster.restart(1)
        wait_until(lambda: not browser.topics["status"], "the browser to be back")
        assert "has made u" in ask(forms, "created", {"type": "create", "fields": {"name": "u"}})["text"]
    for widget in (browser, forms, linter):
        wait_until(lambda widget=widget: not widget.alive, "the end of the widget")
    assert "The cluster is closed" in browser.topics["status"]
    assert "The cluster is closed" in forms.ended
    assert "The cluster is closed" in linter.ended
    assert linter.kafka == {}  # what Kafka said before is nobody's answer any more
    linter._handle_custom_msg({"type": "name", "name": "dev.music.plays.v1"}, [])  # noqa: SLF001
    assert linter.verdict["name"] == "dev.music.plays.v1"
    for each in (browser, forms, linter):
        each.close()
