"""The tools of the labs where a broker has just come back: it knows little yet, and may lead nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kafka.errors import PreferredLeaderNotAvailableError

from kit.errors import ScenarioError
from kit.scenarios import Tools, tools
from kit.topics import Partition, Topic


class _Cluster:
    """Answers one after the other, the last one again and again."""

    brokers = ()

    def __init__(self, *leaders: int | None) -> None:
        self._leaders = list(leaders)

    def heal(self) -> None:
        """Nothing is broken."""

    def topics(self, names: list[str]) -> dict[str, Topic]:
        """What is known: nothing of the topic where there is no leader."""
        leader = self._leaders.pop(0) if len(self._leaders) > 1 else self._leaders[0]
        found = Partition(0, leader, 1, (1, 2, 3), (1, 2, 3), 0, 0)
        return {names[0]: Topic(names[0], False, (found,))} if leader else {}


class _Tools(Tools):
    """Elections that a broker that is not quite back loses at first."""

    def __init__(self, cluster: Any, *answers: type[Exception] | None) -> None:
        super().__init__(cluster)
        self.answers: Iterator[type[Exception] | None] = iter(answers)

    def elect_preferred(self, topic: str, *numbers: int) -> None:
        """As the next answer has it."""
        assert (topic, numbers) == ("orders", (0,))
        if (error := next(self.answers)) is not None:
            raise error


def test_a_topic_that_the_broker_does_not_know_yet_is_waited_for() -> None:
    """It was made while the broker that is asked was away."""
    made = _Tools(_Cluster(None, None, 1))
    made.restore({"likes": [[1, 2, 3]]})
    assert made.partition("likes").leader == 1


def test_an_election_is_asked_for_until_the_preferred_leader_is_back() -> None:
    """Error 80, which a learner can do nothing about, is no end."""
    made = _Tools(_Cluster(2, 2, 2, None, 1), PreferredLeaderNotAvailableError, None)
    made.restore({"orders": [[1, 2, 3]]})
    assert next(made.answers, "asked twice") == "asked twice"


def test_a_topic_that_nobody_knows_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """No KeyError, whether it is looked at or waited for."""
    monkeypatch.setattr(tools, "PATIENCE_S", 0.0)
    made = _Tools(_Cluster(None))
    with pytest.raises(ScenarioError, match=r"The brokers know of no likes-0\. Run the whole cell again"):
        made.partition("likes")
    with pytest.raises(ScenarioError, match=r"Waited 0 s, and likes-0 is not known to the brokers\. Run"):
        made.wait_for("likes", lambda _: True)
