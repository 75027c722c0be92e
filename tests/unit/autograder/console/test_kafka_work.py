"""The instructor's choice of a cluster for Kafka work."""

from __future__ import annotations

import pytest

from autograder.assignment import read_assignment
from autograder.console.kafka_work import is_apache, look_for_engine, on_cluster
from autograder.pipeline.course import GradingError
from tests.support.course import COURSE


def test_arena_is_played_on_the_chosen_cluster() -> None:
    """Nothing but the kind of cluster changes, and without a choice nothing at all."""
    assignment = read_assignment(COURSE, "surviving-failure")
    chosen = on_cluster(assignment, "docker")
    assert chosen.arena == {**(assignment.arena or {}), "cluster": "docker"}
    assert (is_apache(assignment), is_apache(chosen)) == (False, True)
    assert on_cluster(assignment, None) is assignment
    assert not is_apache(read_assignment(COURSE, "project-ideation"))


def test_missing_engine_is_said_before_anybody_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do about it."""
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(GradingError, match="DOCKER_HOST"):
        look_for_engine()
