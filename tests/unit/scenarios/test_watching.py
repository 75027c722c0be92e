"""What a scenario believes of what brokers say, and how long it waits. No cluster: the answers are made up."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
from kafka.errors import KafkaConnectionError

import kit
from kit.backends import Broker
from kit.scenarios import clients, stage, watching
from kit.scenarios.stage import Stage
from kit.scenarios.watching import PartitionNow, Watch


class FakeAdmin:
    """Gives the answers of the test, in turn, whoever asks; an error is raised."""

    answers: list[Any]
    made = closed = 0

    def __init__(self, **_: Any) -> None:
        FakeAdmin.made += 1

    def describe_topics(self, _: list[str]) -> Any:
        """Give the next answer."""
        answer = FakeAdmin.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Count it."""
        FakeAdmin.closed += 1


@pytest.fixture(autouse=True)
def admin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the watch ask the fake."""
    FakeAdmin.made = FakeAdmin.closed = 0
    monkeypatch.setattr(watching, "KafkaAdminClient", FakeAdmin)


def described(leader: int, epoch: int, *isr: int) -> list[dict[str, Any]]:
    """An answer about topic t, partition 0."""
    partition = {"partition_index": 0, "leader_id": leader, "leader_epoch": epoch, "isr_nodes": list(isr)}
    return [{"name": "t", "partitions": [partition]}]


def test_watch_believes_no_older_leader_epoch() -> None:
    """A broker that is behind is not believed, and not asked again."""
    FakeAdmin.answers = [described(2, 5, 2, 3), described(1, 4, 1, 2, 3), described(-1, 5)]
    watch = Watch()

    assert watch.look(["t"]) == {("t", 0): PartitionNow(2, 5, (2, 3))}
    assert watch.look(["t"]) is None
    assert (FakeAdmin.made, FakeAdmin.closed) == (1, 1)
    assert watch.look(["t"]) == {("t", 0): PartitionNow(None, 5, ())}
    assert FakeAdmin.made == 2


def test_watch_waits_for_news_when_told_to() -> None:
    """After a cut only another election counts."""
    FakeAdmin.answers = [described(1, 4, 1, 2), described(2, 5, 2)]
    watch = Watch()
    watch.expect_newer({("t", 0): 4})

    assert watch.look(["t"]) is None
    assert watch.look(["t"]) == {("t", 0): PartitionNow(2, 5, (2,))}


def test_watch_takes_errors_and_missing_topics_for_no_answer() -> None:
    """While brokers elect, a client fails and topics are not known everywhere: ask again with a new client."""
    FakeAdmin.answers = [KafkaConnectionError(), [], described(1, 0, 1)]
    watch = Watch()

    assert watch.look(["t"]) is None
    assert watch.look(["t"]) is None
    assert watch.look(["t"]) is not None
    watch.close()
    watch.close()
    assert (FakeAdmin.made, FakeAdmin.closed) == (3, 3)


class FakeCluster:
    """One broker, and nothing else."""

    brokers = (Broker(1, "127.0.0.1", 1, is_alive=True),)
    client_settings: ClassVar = {"bootstrap_servers": "127.0.0.1:1"}


def test_wait_ends_with_what_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the condition and the last answer."""
    monkeypatch.setattr(stage, "PATIENCE_S", 0.0)
    waiting = Stage(FakeCluster())  # type: ignore[arg-type]
    answers = iter([0, "", None])

    with pytest.raises(kit.ScenarioError, match=re.escape("for rain; the last answer was")):
        waiting.wait(lambda: next(answers), "rain")
    assert waiting.wait(lambda: "sun", "rain") == "sun"


def test_errors_have_kafkas_names() -> None:
    """What a broker answered by its protocol name, what only a client knows by its class."""
    from kafka.errors import NotEnoughReplicasError

    assert clients.error_name(NotEnoughReplicasError()) == "NOT_ENOUGH_REPLICAS"
    assert clients.error_name(KafkaConnectionError()) == "KafkaConnectionError"
