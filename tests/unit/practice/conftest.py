"""A practice CLI for each test, on a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.practice import clusters
from tests.support.practice import PracticeCli


@pytest.fixture
def cli(tmp_path: Path) -> PracticeCli:
    """A student who is logged in and has made nothing yet."""
    cli = PracticeCli(tmp_path)
    cli.ok("login")
    return cli


@pytest.fixture(autouse=True)
def _two_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clusters that are only remembered have two topics, and nobody is asked for them."""
    monkeypatch.setattr(clusters, "topic_count", lambda *_: 2)


@pytest.fixture
def day2(cli: PracticeCli) -> PracticeCli:
    """A student with the environment "day2" in use, and the Kafka cluster "msds682" in use in it."""
    cli.ok("environment create day2")
    cli.ok(f"environment use {cli.environment}")
    cli.ok("kafka cluster create msds682 --cloud gcp --region us-west1")
    cli.ok(f"kafka cluster use {cli.cluster}")
    return cli
