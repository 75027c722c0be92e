"""The tools of labs 06 and 07 on a real cluster: what they print, and what they say when something cannot be."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

import kit
from kit.errors import ScenarioError
from kit.history import History
from kit.scenarios import Tools

pytestmark = [
    pytest.mark.clients,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    """Three brokers and a controller of its own, with the tools of a lab."""
    with kit.start(brokers=3, controllers=1) as cluster:
        yield Tools(cluster)
        gc.collect()


def test_topic_is_made_anew_with_the_leaders_that_were_asked_for(tools: Tools) -> None:
    """Records of an earlier run are gone, dead brokers are back, and the first of each list leads."""
    tools.new_topic("twice", [1, 2, 3])
    tools.write("twice", "old", 1)
    tools.cluster.kill(3)

    tools.new_topic("twice", [3, 1], [2, 3], **{"min.insync.replicas": "1"})

    assert [tools.partition("twice", number).leader for number in (0, 1)] == [3, 2]
    assert tools.partition("twice").high_watermark == 0


@pytest.mark.parametrize(
    ("replicas", "settings", "reason"),
    [
        ([[]], {}, "is empty"),
        ([[1, 1]], {}, "more than once"),
        ([[9]], {}, "not registered"),
        ([[1, 2]], {"min_insync_replicas": 0}, "min.insync.replicas=0 is not possible"),
        ([[1, 2]], {"min_insync_replicas": "two"}, "min.insync.replicas=two"),
    ],
)
def test_topic_that_cannot_be_is_refused_in_a_sentence(
    tools: Tools, replicas: list[list[int]], settings: dict[str, object], reason: str
) -> None:
    """What a learner may type into a task comes back as the broker's own reason, without the protocol around it."""
    with pytest.raises(ScenarioError, match="The brokers refused the topic odd") as refused:
        tools.new_topic("odd", *replicas, **settings)

    assert reason in str(refused.value)
    assert "Request" not in str(refused.value)


def test_each_answer_is_printed(tools: Tools, capsys: pytest.CaptureFixture[str]) -> None:
    """An offset, the name of an error, or that nobody was asked for an answer."""
    tools.new_topic("answers", [1, 2], min_insync_replicas=2)
    tools.write("answers", "all", 1, acks="all")
    tools.write("answers", "none", 1, acks=0)
    tools.cluster.kill(2)
    tools.wait_for("answers", lambda now: now.isr == (1,))
    tools.write("answers", "alone", 1, acks="all")
    kit.scenarios.mend(tools.cluster)

    assert capsys.readouterr().out.splitlines() == [
        "all: acknowledged, offset 0",
        "none: sent, and acks=0 asks for no answer",
        "alone: NotEnoughReplicasError",
    ]


def test_what_is_read_is_held_against_what_was_acknowledged(tools: Tools) -> None:
    """The history gets the log, so that nothing acknowledged can be missing unnoticed; requests are seen meanwhile."""
    tools.new_topic("read", [2, 3, 1])
    history = History()
    producer = tools.producer(history, "near", brokers={2}, acks="all")
    with tools.watching("read") as asked:
        tools.send(producer, "read", "once")
        tools.send(producer, "read", "twice")
        producer.close()
        tools.read(history, "read")

    report = kit.history.check(history, caught_up=True)

    assert report.ok, report.explain()
    first, second = (each.end_ms or 0 for each in history.operations if each.action == "send")
    assert Tools.longest_pause_ms(history) == second - first
    assert Tools.longest_pause_ms(History()) == 0
    assert asked["Produce"] == {2}


def test_waiting_in_vain_ends_with_what_is_seen(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says who leads and who is in sync, and what to do."""
    monkeypatch.setattr("kit.scenarios.tools.PATIENCE_S", 0.1)
    tools.new_topic("still", [1, 2])

    with pytest.raises(ScenarioError, match=r"still-0 is still led by 1, with \[1, 2\] in sync"):
        tools.wait_for("still", lambda now: now.leader == 3)
