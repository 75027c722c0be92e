"""Clusters of Apache Kafka in real containers: few of them, for each start costs seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

import kit
from kit.backends.docker import engine
from tests.containers.views import is_whole
from tests.support.requirements import need
from tests.support.wait import wait_until


@pytest.fixture(autouse=True)
def docker() -> str:
    """Where Docker's command is; nothing here works without its engine."""
    return need("docker")


@pytest.fixture(scope="package")
def shared_cluster() -> Iterator[kit.Cluster]:
    """Three brokers for all tests that leave them as they were."""
    need("docker")
    with kit.start("docker", brokers=3) as cluster:
        yield cluster


@pytest.fixture
def three(shared_cluster: kit.Cluster) -> Iterator[kit.Cluster]:
    """Three brokers that run and reach one another; mended after the test, however that ends."""
    wait_until(lambda: is_whole(shared_cluster), "the cluster to be whole")
    yield shared_cluster
    for broker in shared_cluster.brokers:
        if broker.is_paused:
            shared_cluster.resume(broker.node_id)
    with contextlib.suppress(kit.FaultError):  # nothing is cut
        shared_cluster.heal()
    for broker in shared_cluster.brokers:
        if not broker.is_alive:
            shared_cluster.restart(broker.node_id)


@pytest.fixture
def client() -> Iterator[object]:
    """The engine, as the Docker SDK knows it."""
    found = engine.find()
    yield found
    found.close()
