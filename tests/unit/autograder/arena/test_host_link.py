"""The arena's host as its starter sees it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from autograder.arena import ArenaError, play
from autograder.arena.host_link import HostLink
from autograder.job import Job
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged
from tests.support.processes import is_running

RUN = {"name": "one", "topics": {"orders": {"partitions": 1, "replicas": 1}}, "brokers": 1, "steps": [{"call": "f"}]}


def test_host_starts_a_cluster_and_leaves_nothing() -> None:
    """A topic can be made, a refusal is a sentence, and the host ends with its pipe."""
    with HostLink(apart=False) as host:
        started = host.start(1, {})
        assert host.ports == tuple(started["ports"])
        host.ask("create_topic", name="orders", partitions=2, replicas=1, config={})
        with pytest.raises(ArenaError, match="TOPIC_ALREADY_EXISTS"):
            host.ask("create_topic", name="orders", partitions=2, replicas=1, config={})
        with pytest.raises(ArenaError, match="INVALID_CONFIG"):
            host.ask("create_topic", name="other", partitions=1, replicas=1, config={"min.insync.replicas": "many"})
        assert host.ask("finish") is True
        pid = host.pid
    assert not is_running(pid)


def test_run_whose_host_dies_is_tried_again_and_then_says_so() -> None:
    """It is not the student who is to blame, and the next run has a host again."""

    @contextlib.contextmanager
    def kill_the_host(job: Job, network: Any) -> Iterator[Any]:
        os.kill(network.pid, signal.SIGKILL)
        yield None

    (evidence,) = play(Job("ann", "a", {}, arena={"runs": [RUN]}), kill_the_host, apart=False)
    assert "host" in evidence["problem"]
    (score,) = judged(cases_of([evidence], "orders"), [Rule("cell", "order", 1.0, *STANDARD["order"])])
    assert "the arena failed, not you" in score.reason
