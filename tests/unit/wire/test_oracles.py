"""Our codec against two foreign ones: the same bytes for the same message, and each reads what the other wrote."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.wire import codec, messages
from tests.support.wire_messages import api_messages, every_message, filled, for_version
from tests.support.wire_oracles import ORACLES, Oracle

# In kafka-python: neither what brokers and controllers say among themselves nor the new group protocol (KIP-848).
NOT_IN_KAFKA_PYTHON = {52, 53, 54, 56, 59, 62, 63, 67, 68, 69}


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
@pytest.mark.parametrize("message_class", api_messages(), ids=lambda message_class: message_class.__name__)
def test_codec_agrees_with_oracle(message_class: type[messages.Message], oracle: Oracle) -> None:
    """In every version that both have: identical bytes, and each side reads the other's as the same message."""
    versions = sorted(set(oracle.versions(message_class)) & set(message_class.SCHEMA.versions))
    if not versions:
        assert oracle.name == "kafka-python"
        assert message_class.SCHEMA.api_key in NOT_IN_KAFKA_PYTHON
        return

    @settings(max_examples=30, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(message=st.just(message_class()) | filled(message_class))
    def compare(message: Any) -> None:
        for version in versions:
            sent = for_version(message, version)
            ours = codec.encode(sent, version)
            assert ours == oracle.encode(sent, version)
            assert oracle.decode(message_class, version, ours) == sent
            assert codec.decode(message_class, version, ours) == sent

    compare()


def test_oracles_cover_every_api_and_version() -> None:
    """Nothing goes uncompared: kio has every API and version of ours, kafka-python all but those named above."""
    missing = {
        (oracle.name, found.SCHEMA.api_key)
        for oracle in ORACLES
        for found in api_messages()
        for version in found.SCHEMA.versions
        if version not in oracle.versions(found)
    }

    assert missing == {("kafka-python", api_key) for api_key in NOT_IN_KAFKA_PYTHON}


def test_oracles_do_not_know_versions_that_the_tables_lack() -> None:
    """The tables have every version of their APIs that kio, generated from Kafka 4.3, has."""
    kio = ORACLES[1]

    assert {found.__name__: list(found.SCHEMA.versions) for found in api_messages()} == {
        found.__name__: sorted(kio.versions(found)) for found in api_messages()
    }


def test_messages_without_oracle_are_those_in_records() -> None:
    """Only what Kafka writes into its own records has no foreign codec to compare with."""
    uncompared = {found for found in every_message() if not any(oracle.versions(found) for oracle in ORACLES)}

    assert {found.SCHEMA.kind for found in uncompared} == {"data", "record"}
