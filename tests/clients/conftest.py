"""The cluster that the foreign clients talk to.

``KIT_TEST_BOOTSTRAP=host:port`` puts any other Kafka there, Apache Kafka itself first of all: that is the proof that
these tests state Kafka's behaviour and not ours (README.md of this folder has the command).
"""

from __future__ import annotations

import gc
import itertools
import logging
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.clients.foreign_client import AdministersTopics, ForeignClient
from tests.support.wait import wait_until

pytest.register_assert_rewrite("tests.clients.scenarios", "tests.clients.admin_scenarios")

# Rebalances at once, and members that die are missed after a second: short tests, the same behaviour.
CONFIG = {"group.initial.rebalance.delay.ms": 0, "group.min.session.timeout.ms": 1000}


class BrokerComplained(AssertionError):
    """Well-behaved clients must not make the broker log a warning, let alone an error."""


@pytest.fixture(scope="package")
def serve() -> Iterator[Callable[[int, Mapping[str, object]], str]]:
    """Start embedded clusters for this folder's tests; gives their bootstrap servers (or those in the environment)."""
    import kit

    clusters: list[kit.Cluster] = []

    def start(brokers: int, config: Mapping[str, object]) -> str:
        if named := os.environ.get("KIT_TEST_BOOTSTRAP"):
            return named
        clusters.append(kit.start(brokers=brokers, config=dict(config)))
        return clusters[-1].bootstrap_servers

    yield start
    complaints: list[str] = []
    for cluster in clusters:
        log = Path(str(cluster.data_dir), "server.log").read_text(encoding="utf-8")
        complaints += [line for line in log.splitlines() if re.search(" WARNING | ERROR |Traceback", line)]
        cluster.close()
    if complaints:
        raise BrokerComplained("\n".join(complaints[:50]))


@pytest.fixture(scope="package")
def bootstrap(serve: Callable[[int, Mapping[str, object]], str]) -> str:
    """Bootstrap servers of the cluster under test: three brokers."""
    return serve(3, CONFIG)


@pytest.fixture
def forgotten_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let the sockets that kafka-python forgets be found in the test that had them, where they are forgiven.

    What it logs holds the exception, whose traceback holds the socket, and pytest keeps what was logged.
    """
    caplog.set_level(logging.CRITICAL, logger="kafka")
    yield
    gc.collect()


@pytest.fixture(scope="package")
def unique() -> Callable[[str], str]:
    """Give names that no other test uses, on a cluster that keeps what earlier runs left there too."""
    run, numbers = uuid.uuid4().hex[:8], itertools.count()
    return lambda prefix: f"{prefix}-{run}-{next(numbers)}"


@pytest.fixture(scope="package")
def seed(bootstrap: str) -> Iterator[ForeignClient]:
    """Give kafka-python, for what the client under test cannot prepare itself."""
    from tests.clients.kafka_python_adapter import KafkaPython

    client = KafkaPython(bootstrap)
    yield client
    client.close()


@pytest.fixture
def make_topic(client: ForeignClient, seed: ForeignClient, unique: Callable[[str], str]) -> Callable[..., str]:
    """Make topics through the client under test where it can, else through kafka-python."""
    admin = client if isinstance(client, AdministersTopics) else seed
    assert isinstance(admin, AdministersTopics)

    def make(*, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        topic = unique("topic")
        admin.create_topic(topic, partitions=partitions, config=config)
        # A broker can be a moment behind the controller that has answered.
        wait_until(lambda: topic in admin.topics(), f"topic {topic} in the metadata")
        return topic

    return make
