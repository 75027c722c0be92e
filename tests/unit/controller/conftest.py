"""What the tests of the controller's decisions share."""

from __future__ import annotations

import pytest

from kit.broker.config.configs import BrokerConfig


@pytest.fixture
def config() -> BrokerConfig:
    """The settings of a cluster of three: min.insync.replicas is 2."""
    return BrokerConfig({}, num_brokers=3)
