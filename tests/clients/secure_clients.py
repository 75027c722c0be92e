"""Each foreign client once through a listener with TLS or SASL: one record there and back, or why not."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.requirements import need

TIMEOUT_S = 30.0


class Failed(Exception):
    """The client gave up; the text is what it told its user."""


@dataclass(frozen=True)
class Entry:
    """How to come in.

    Attributes:
        ca: the PEM file to trust.
        certificate: PEM files of a certificate and a key, to show.
    """

    address: str
    protocol: str
    mechanism: str | None = None
    user: str = "ann"
    password: str = ""
    ca: str | None = None
    certificate: tuple[str, str] | None = None

    def for_librdkafka(self) -> dict[str, Any]:
        """The settings in librdkafka's names."""
        settings: dict[str, Any] = {
            "bootstrap.servers": self.address,
            "security.protocol": self.protocol,
            "broker.address.family": "v4",
        }
        if self.ca is not None:
            settings["ssl.ca.location"] = self.ca
        if self.certificate is not None:
            settings["ssl.certificate.location"], settings["ssl.key.location"] = self.certificate
        if self.mechanism is not None:
            settings |= {"sasl.mechanism": self.mechanism, "sasl.username": self.user, "sasl.password": self.password}
        return settings

    def for_kafka_python(self) -> dict[str, Any]:
        """The settings in kafka-python's names."""
        settings: dict[str, Any] = {"bootstrap_servers": self.address, "security_protocol": self.protocol}
        if self.ca is not None:
            settings["ssl_cafile"] = self.ca
        if self.certificate is not None:
            settings["ssl_certfile"], settings["ssl_keyfile"] = self.certificate
        if self.mechanism is not None:
            login = {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
            settings |= {"sasl_mechanism": self.mechanism, **login}
        return settings

    def for_aiokafka(self) -> dict[str, Any]:
        """The settings in aiokafka's names."""
        from aiokafka.helpers import create_ssl_context

        settings = self.for_kafka_python()
        files = {name: settings.pop(name, None) for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile")}
        if "SSL" in self.protocol:
            settings["ssl_context"] = create_ssl_context(
                cafile=files["ssl_cafile"], certfile=files["ssl_certfile"], keyfile=files["ssl_keyfile"]
            )
        return settings


def kafka_python(entry: Entry, topic: str) -> bytes:
    """kafka-python."""
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.errors import KafkaError

    settings = {**entry.for_kafka_python(), "bootstrap_timeout_ms": 1_000}
    try:
        with contextlib.closing(KafkaProducer(**settings, enable_idempotence=False, max_block_ms=5_000)) as producer:
            producer.send(topic, b"secret").get(TIMEOUT_S)
        with contextlib.closing(KafkaConsumer(topic, **settings, auto_offset_reset="earliest")) as consumer:
            return bytes(next(consumer).value)
    except KafkaError as error:
        raise Failed(f"{type(error).__name__}: {error}") from error


def confluent_kafka(entry: Entry, topic: str) -> bytes:
    """confluent-kafka: errors of a connection come to a callback, while the record waits."""
    from confluent_kafka import Consumer, Producer

    said: list[str] = []
    settings = {**entry.for_librdkafka(), "error_cb": lambda error: said.append(f"{error.name()}: {error.str()}")}
    producer = Producer({**settings, "message.timeout.ms": 20_000})
    producer.produce(topic, b"secret")
    until_s = time.monotonic() + TIMEOUT_S
    while producer.flush(0.1) and not said and time.monotonic() < until_s:
        pass
    if said:
        producer.purge()
        producer.flush(0)
        raise Failed("\n".join(said))
    consumer = Consumer({**settings, "group.id": topic, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(TIMEOUT_S)
        return bytes(message.value())
    finally:
        consumer.close()


def aiokafka(entry: Entry, topic: str) -> bytes:
    """Aiokafka."""
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.errors import KafkaError

    async def round_trip() -> bytes:
        producer = AIOKafkaProducer(**entry.for_aiokafka())
        try:
            async with producer:
                await producer.send_and_wait(topic, b"secret")
        finally:
            await producer.stop()
        async with AIOKafkaConsumer(topic, **entry.for_aiokafka(), auto_offset_reset="earliest") as consumer:
            return bytes((await consumer.getone()).value)

    try:
        return asyncio.run(round_trip())
    except KafkaError as error:
        raise Failed(f"{type(error).__name__}: {error}") from error


def kcat(entry: Entry, topic: str) -> bytes:
    """The kcat command."""
    options = [part for name, value in entry.for_librdkafka().items() for part in ("-X", f"{name}={value}")]
    command = [need("kcat"), *options, "-m", "3"]
    sent = _run([*command, "-P", "-t", topic], "secret\n")
    if sent.returncode:
        raise Failed(sent.stderr)
    read = _run([*command, "-C", "-q", "-e", "-t", topic, "-o", "beginning"], "")
    if read.returncode:
        raise Failed(read.stderr)
    return read.stdout.rstrip("\n").encode()


def _run(command: list[str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, input=text, capture_output=True, text=True, encoding="utf-8", timeout=2 * TIMEOUT_S, check=False
    )


CLIENTS = [
    pytest.param(client, id=client.__name__.replace("_", "-"))
    for client in (kafka_python, confluent_kafka, aiokafka, kcat)
]
