"""The quorum's timers, from Kafka's settings."""

from __future__ import annotations

import random

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.raft.config import RaftConfig
from kit.broker.raft.node import RaftNode
from kit.broker.timeline import Timeline


def test_settings_are_kafkas() -> None:
    """``controller.quorum.*`` of the node."""
    settings = BrokerConfig({"controller.quorum.election.timeout.ms": 700, "controller.quorum.fetch.timeout.ms": 900})

    found = RaftConfig.of(settings, flush=True)

    assert (found.election_timeout_ms, found.fetch_timeout_ms, found.check_quorum_ms) == (700, 900, 1350)
    assert found.flush is True


@pytest.mark.parametrize(
    ("fetch_timeout_ms", "wait_ms", "request_timeout_ms"), [(2000, 500, 2000), (350, 175, 875), (20, 10, 50)]
)
def test_fetches_wait_less_than_followers_do(fetch_timeout_ms: int, wait_ms: int, request_timeout_ms: int) -> None:
    """With Kafka's timers as in Kafka; with hasty ones, in proportion."""
    config = RaftConfig(fetch_timeout_ms=fetch_timeout_ms)

    assert (config.fetch_wait_ms, config.fetch_request_timeout_ms) == (wait_ms, request_timeout_ms)


def test_backoff_doubles_up_to_a_limit() -> None:
    """However often something failed."""
    clock = VirtualClock()
    node = RaftNode(1, (1, 2, 3), "", clock, None, random.Random(1), RaftConfig(), Timeline(clock))  # type: ignore[arg-type]

    assert [node.backoff_ms(failures) for failures in (1, 2, 3, 5, 6, 1000)] == [20, 40, 80, 320, 500, 500]
