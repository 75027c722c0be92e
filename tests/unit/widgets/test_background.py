"""Threads behind widgets: they end, and their errors become one sentence."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from kafka import errors

from kit.widgets._background import Background, Link, describe
from tests.support.wait import wait_until


class FakeCluster:
    """A cluster of one broker that a test can end."""

    bootstrap_servers = "127.0.0.1:1"

    def __init__(self) -> None:
        self.is_alive = True

    @property
    def brokers(self) -> list[SimpleNamespace]:
        """The one broker."""
        return [SimpleNamespace(is_alive=self.is_alive)]


def loop(background: Background) -> None:
    """Run until told to end."""
    while background.goes_on(0.01):
        pass


def start(work: object, cluster: FakeCluster) -> tuple[Background, list[str]]:
    """Start ``work``; the list takes what it complains about."""
    said: list[str] = []
    return Background(work, said.append, Link(cluster), "test"), said  # type: ignore[arg-type]


def test_background_ends_silently_when_stopped() -> None:
    """After stop the thread is gone, nothing was said, and a second stop does no harm."""
    cluster = FakeCluster()
    background, said = start(loop, cluster)

    background.stop()
    background.stop()

    assert not background.alive
    assert said == []


def test_background_says_that_its_cluster_was_closed() -> None:
    """A closed cluster ends the thread with advice."""
    cluster = FakeCluster()
    background, said = start(loop, cluster)

    cluster.is_alive = False

    wait_until(lambda: not background.alive, "the thread to end")
    assert "kit.start" in said[0]


def test_background_does_not_keep_a_forgotten_cluster() -> None:
    """A cluster that nobody refers to any more counts as closed: widgets must not keep it alive."""
    cluster = FakeCluster()
    background, said = start(loop, cluster)

    del cluster

    wait_until(lambda: not background.alive, "the thread to end")
    assert "closed" in said[0]


def test_background_error_becomes_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    """An exception reaches the widget as text, and neither stderr nor the thread's excepthook."""

    def fail(_background: Background) -> None:
        raise errors.UnknownTopicOrPartitionError("no such topic")

    cluster = FakeCluster()
    background, said = start(fail, cluster)

    wait_until(lambda: not background.alive, "the thread to end")
    assert said[0].startswith("UNKNOWN_TOPIC_OR_PARTITION: ")
    assert capfd.readouterr().err == ""


def test_background_blames_the_closed_cluster_not_its_symptom() -> None:
    """When the cluster is gone, a client's own error would only mislead."""
    cluster = FakeCluster()
    reached = threading.Event()

    def fail_later(_background: Background) -> None:
        reached.wait(10)
        raise errors.KafkaTimeoutError("took too long")

    background, said = start(fail_later, cluster)
    cluster.is_alive = False
    reached.set()

    wait_until(lambda: not background.alive, "the thread to end")
    assert "The cluster is closed" in said[0]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (errors.MessageSizeTooLargeError("big"), "MESSAGE_TOO_LARGE: "),
        (errors.NotLeaderForPartitionError("moved"), "NOT_LEADER_OR_FOLLOWER: "),
        (errors.NotEnoughReplicasError("two"), "NOT_ENOUGH_REPLICAS: "),
        (ValueError("one\ntwo"), "ValueError: one"),
        (OSError(2, "missing"), "FileNotFoundError: "),
        (TypeError(), "TypeError: no details given"),
    ],
)
def test_describe_uses_kafka_s_name_and_one_line(error: Exception, text: str) -> None:
    """Kafka's errors have Kafka's names, others their Python class; never more than one line."""
    described = describe(error)

    assert described.startswith(text)
    assert "\n" not in described
