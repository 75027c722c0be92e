"""Producers with a transactional id, which the kit's brokers do not have yet."""

from __future__ import annotations

import asyncio
import re

import aiokafka
import pytest
from aiokafka.errors import KafkaError as AioKafkaError
from kafka import KafkaProducer
from kafka.errors import KafkaError

import kit

REASON = re.compile("UnsupportedVersion")
PATIENCE_S = 30  # kafka-python would go on for a minute with an answer that it takes for a passing one


def test_kafka_python_is_refused_at_once() -> None:
    """Nobody waits a minute for something that never comes."""
    with kit.start(brokers=1) as cluster:
        producer = KafkaProducer(**cluster.client_settings, transactional_id="orders", max_block_ms=PATIENCE_S * 1000)
        with pytest.raises(KafkaError, match=REASON):
            producer.init_transactions()
        producer.close()


def test_aiokafka_is_refused_at_once() -> None:
    """The same for its start."""

    async def start(bootstrap_servers: str) -> None:
        producer = aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap_servers, transactional_id="orders")
        try:
            await asyncio.wait_for(producer.start(), PATIENCE_S)
        finally:
            await producer.stop()

    with kit.start(brokers=1) as cluster, pytest.raises(AioKafkaError, match=REASON):
        asyncio.run(start(cluster.bootstrap_servers))
