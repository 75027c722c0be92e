"""What the live view remembers, reads and is asked to do."""

from __future__ import annotations

from typing import Any

import pytest

from kit.broker.timeline import KINDS, Event
from kit.widgets.live_view.actions import NODE_ACTIONS, action_of
from kit.widgets.live_view.event_feed import OTHER, EventFeed
from kit.widgets.live_view.memory import Memory
from kit.widgets.live_view.rates import Rates
from kit.widgets.live_view.reading import Reading
from tests.support.live_views import FakeCluster, look, partition, read, topics

# -- memory -----------------------------------------------------------------------------------------------------------


def test_memory_tells_what_was_known_then() -> None:
    """Between two looks the earlier one counts; before the first, the first."""
    memory = Memory()
    memory.add(look(1_000))
    memory.add(look(2_000, nodes={1: "down"}))

    assert [memory.at(time_ms).time_ms for time_ms in (0, 1_000, 1_999, 2_000, 9_000)] == [  # type: ignore[union-attr]
        1_000, 1_000, 1_000, 2_000, 2_000,
    ]  # fmt: skip
    assert memory.oldest_ms == 1_000


def test_memory_tells_what_an_event_brought_about() -> None:
    """The first look afterwards; of partitions, one that has read them since, if that was soon."""
    memory = Memory()
    memory.add(look(1_000))
    memory.add(look(1_300, nodes={1: "down"}, read_ms=1_100))
    memory.add(look(1_500, topics("a"), nodes={1: "down"}, read_ms=1_400))
    memory.add(look(2_500, nodes={1: "alive"}, read_ms=2_400))

    for of_partitions, times_ms in (False, [1_000, 1_300, 1_500, 2_500]), (True, [1_000, 1_500, 1_500, 2_500]):
        found = [memory.after(time_ms, of_partitions=of_partitions) for time_ms in (900, 1_200, 1_450, 9_000)]
        assert [each.time_ms for each in found if each] == times_ms
    assert Memory().after(5) is None


def test_memory_is_empty_at_first() -> None:
    """There is nothing to go back to."""
    assert (Memory().at(5), Memory().oldest_ms) == (None, None)


def test_offsets_alone_are_remembered_once_a_second() -> None:
    """A leader that changes is remembered at once, and a look that tells nothing new never."""
    memory = Memory()
    offsets = [topics(a=[partition(high_watermark=at)]) for at in range(4)]
    kept = [
        memory.add(look(1_000, offsets[0])),
        memory.add(look(1_400, offsets[1])),
        memory.add(look(2_000, offsets[2])),
        memory.add(look(9_000, offsets[2])),
        memory.add(look(9_100, topics(a=[partition(leader=2, high_watermark=2)]))),
    ]
    assert kept == [True, False, True, False, True]


@pytest.mark.parametrize("limits", [{"max_looks": 3}, {"max_partitions": 6}])
def test_oldest_looks_are_forgotten(limits: dict[str, int]) -> None:
    """Memory is bounded in looks and in partitions."""
    memory = Memory(**limits)
    for number in range(10):
        memory.add(look(1_000 * number, topics(a=[partition(0, high_watermark=number), partition(1)])))

    assert (len(memory), memory.oldest_ms) == (3, 7_000)


# -- events -----------------------------------------------------------------------------------------------------------


def test_event_that_is_read_again_is_told_once() -> None:
    """What is asked for overlaps, and two equal events are still two."""
    feed = EventFeed()
    twice = [Event(5_000, "heal"), Event(5_000, "heal")]

    assert len(feed.take(twice)) == 2
    assert feed.take([*twice, Event(5_001, "kill", 2)]) == [
        {"id": 3, "time_ms": 5_001, "family": "Faults", "internal": False, "text": "Node 2 was killed."}
    ]
    assert feed.since_ms == 3_001


def test_event_that_is_told_late_is_not_lost() -> None:
    """A node in a process of its own can tell what happened a moment before the newest event."""
    feed = EventFeed()
    feed.take([Event(5_000, "heal")])
    assert [event["time_ms"] for event in feed.take([Event(4_900, "kill", 1), Event(5_000, "heal")])] == [4_900]


def test_events_after_one_are_the_newest_of_them() -> None:
    """A browser that comes late does not get a thousand of them."""
    feed = EventFeed()
    feed.take([Event(number, "kill", 1) for number in range(10)])
    assert [event["id"] for event in feed.after(3, at_most=2)] == [9, 10]


def test_events_of_kafkas_own_topics_are_marked() -> None:
    """The browser shows them only when they are asked for."""
    details = {"leader": 2, "leader_epoch": 1, "previous": 1, "reason": "broker 1 was fenced"}
    told = [Event(1, "leader_elected", None, topic, 0, details) for topic in ("__consumer_offsets", "plays")]

    assert [event["internal"] for event in EventFeed().take(told)] == [True, False]


def test_every_kind_of_event_has_a_family() -> None:
    """The filter of the timeline leaves nothing out by accident."""
    feed = EventFeed()
    texts = {kind: Event(1, kind) for kind in KINDS}
    for kind in texts:
        feed.take([_Plain(kind)])
    assert [event for event in feed.shown if event["family"] == OTHER] == []


class _Plain:
    """An event of a kind; its sentence does not matter."""

    time_ms = 1
    topic = None

    def __init__(self, kind: str) -> None:
        self.kind = self.text = kind

    def dump(self) -> list[Any]:
        """Itself."""
        return [self.kind]


# -- reading ----------------------------------------------------------------------------------------------------------


def test_rate_is_the_growth_of_the_high_watermark() -> None:
    """Over the last second; what shrinks, stands or is new has none."""
    rates = Rates()
    for tenth in range(21):
        found = rates.take(
            tenth / 10, topics(a=[partition(0, high_watermark=5 * tenth), partition(1, high_watermark=9 - tenth // 10)])
        )
    assert found == {("a", 0): 50.0}
    assert rates.take(2.1, topics(a=[partition(0, high_watermark=None)], b=[partition(high_watermark=9)])) == {}


def test_small_cluster_is_read_whole() -> None:
    """Every topic has its partitions, and every node its counts."""
    cluster = FakeCluster(topics(a=[partition(0), partition(1, leader=2, replicas=(2, 3))], b=[partition()]))
    offsets = read(Reading(lambda _: {"a"}), cluster)

    assert (cluster.asked, set(offsets.topics)) == ([None], {"a", "b"})
    assert offsets.counts == {1: (2, 0), 2: (1, 2), 3: (0, 3)}


def test_of_a_big_cluster_only_what_is_shown_is_read_each_time() -> None:
    """All topics are listed now and then; the counts are those of all."""
    cluster = FakeCluster(topics(*(f"t{number:04}" for number in range(1_000))))
    reading = Reading(lambda listed: {listed[0].name})

    assert set(read(reading, cluster).topics) == {"t0000"}
    assert set(read(reading, cluster).topics) == {"t0000"}
    assert cluster.asked == [None, {"t0000"}]
    assert (len(reading.offsets.listed), reading.offsets.counts[1]) == (1_000, (1_000, 0))


def test_failed_reading_keeps_what_was_known_and_lets_nothing_flow() -> None:
    """No rate is made up while nobody answers."""
    reading = Reading(lambda _: set())
    before = read(reading, FakeCluster(topics("a")))
    reading.failed("Nobody answers.")

    assert (reading.offsets.topics, reading.offsets.read_ms) == (before.topics, before.read_ms)
    assert (reading.offsets.rates, reading.offsets.trouble) == ({}, "Nobody answers.")


# -- actions ----------------------------------------------------------------------------------------------------------


class Recorder:
    """A cluster that notes what is called."""

    def __init__(self) -> None:
        self.called: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self.called.append((name, *arguments, named))


@pytest.mark.parametrize("name", NODE_ACTIONS)
def test_node_button_is_a_method_of_the_cluster(name: str) -> None:
    """What is done is what can be copied."""
    cluster = Recorder()
    action = action_of({"action": name, "node": 2})
    action.run(cluster)

    assert (action.python, cluster.called) == (f"cluster.{name}(2)", [(name, 2, {})])


def test_cut_and_heal_are_methods_of_the_cluster() -> None:
    """A side without nodes is left out."""
    cluster = Recorder()
    cut = action_of({"action": "cut", "groups": [[3, 1], [], [2]], "one_way": True})
    cut.run(cluster)
    action_of({"action": "heal"}).run(cluster)

    assert cut.python == "cluster.cut({1, 3}, {2}, one_way=True)"
    assert cluster.called == [("cut", frozenset({1, 3}), frozenset({2}), {"one_way": True}), ("heal", {})]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"action": "close"},
        {"action": "kill"},
        {"action": "kill", "node": "1); import os"},
        {"action": "kill", "node": True},
        {"action": "cut"},
        {"action": "cut", "groups": [[1], []]},
        {"action": "cut", "groups": [[1], "23"]},
        {"action": "cut", "groups": [[1], ["2"]]},
    ],
)
def test_message_that_no_button_sends_does_nothing(message: dict[str, Any]) -> None:
    """Only the faults can be asked for, and only for nodes."""
    with pytest.raises(ValueError, match=r"."):
        action_of(message)
