"""Send records as a form describes them, and say what the broker answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kit.ending import end_producer
from kit.widgets._background import describe

Acks = Literal["all", 1, 0]
TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class Order:
    """What to send. Text is sent as UTF-8; an empty key means no key. ``partition`` None: the partitioner chooses."""

    topic: str
    value: str
    key: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    partition: int | None = None
    count: int = 1
    acks: Acks = "all"

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of KafkaProducer.send, without those at their default."""
        arguments: dict[str, Any] = {"value": self.value.encode()}
        if self.key:
            arguments["key"] = self.key.encode()
        if self.headers:
            arguments["headers"] = [(name, value.encode()) for name, value in self.headers]
        if self.partition is not None:
            arguments["partition"] = self.partition
        return arguments


@dataclass(frozen=True)
class Outcome:
    """What came of an order, in one line."""

    acknowledged: bool
    text: str


def parse_headers(text: str) -> tuple[tuple[str, str], ...]:
    """Headers written as ``name=value, name=value``.

    Raises:
        ValueError: a part has no equals sign or no name.
    """
    headers = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = part.partition("=")
        if not sign or not name.strip():
            raise ValueError(f"The header {part!r} is not of the form name=value. Separate several with commas.")
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def as_python(order: Order, client_settings: Mapping[str, Any]) -> str:
    """The same order as code that a student can paste into a cell; passwords must not get into one."""
    is_open = client_settings.get("security_protocol", "PLAINTEXT") == "PLAINTEXT"
    configs = f'bootstrap_servers="{client_settings["bootstrap_servers"]}"' if is_open else "**cluster.client_settings"
    if order.acks != "all":
        configs += f", acks={order.acks}, enable_idempotence=False"
    arguments = "".join(f", {name}={value!r}" for name, value in order.arguments().items())
    send = f"producer.send({order.topic!r}{arguments})"
    lines = ["from kafka import KafkaProducer", "", f"producer = KafkaProducer({configs})"]
    if order.count > 1:
        lines += [f"futures = [{send} for _ in range({order.count})]"]
        lines += ["print([future.get(timeout=10).offset for future in futures])"]
    else:
        lines += [f"print({send}.get(timeout=10))"]
    return "\n".join([*lines, "producer.close()"])


class Sender:
    """Sends orders through kafka-python, with one producer per acks setting.

    Args:
        client_settings: how clients reach the cluster, in kafka-python's names.
    """

    def __init__(self, client_settings: Mapping[str, Any]) -> None:
        self._client_settings = client_settings
        self._producers: dict[Acks, Any] = {}
        self._admin: Any = None

    def send(self, order: Order) -> Outcome:
        """Send and wait for the answers, at most `TIMEOUT_MS` each; errors become the outcome's text."""
        from kafka.errors import KafkaError

        try:
            producer = self._producer(order.acks)
            futures = [producer.send(order.topic, **order.arguments()) for _ in range(order.count)]
            producer.flush(timeout=TIMEOUT_MS / 1000)
            placed = [future.get(timeout=TIMEOUT_MS / 1000) for future in futures]
        except KafkaError as error:
            return Outcome(False, f"Not acknowledged. {describe(error)}")
        except (ValueError, TypeError) as error:
            return Outcome(False, f"Not acknowledged. The client refused it and sent nothing. {describe(error)}")
        return Outcome(True, _report(order, placed))

    def partitions(self, topic: str) -> list[int]:
        """The partitions of ``topic``; none when it does not exist. Asking does not create it, unlike sending.

        Raises:
            kafka.errors.KafkaError: the brokers do not answer.
        """
        from kafka import KafkaAdminClient

        if self._admin is None:
            self._admin = KafkaAdminClient(**self._client_settings, bootstrap_timeout_ms=TIMEOUT_MS)
        found = [each["partitions"] for each in self._admin.describe_topics() if each["name"] == topic]
        return sorted(each["partition_index"] for partitions in found for each in partitions)

    def close(self) -> None:
        """Close the clients."""
        if self._admin is not None:
            self._admin.close()
        for producer in self._producers.values():
            end_producer(producer, 1)
        self._producers.clear()

    def _producer(self, acks: Acks) -> Any:
        from kafka import KafkaProducer

        if acks not in self._producers:
            self._producers[acks] = KafkaProducer(
                **self._client_settings,
                acks=acks,
                # Idempotence needs the answer of all in-sync replicas, so it is off with less.
                enable_idempotence=acks == "all",
                bootstrap_timeout_ms=TIMEOUT_MS,
                max_block_ms=TIMEOUT_MS,
                request_timeout_ms=TIMEOUT_MS // 2,
                delivery_timeout_ms=TIMEOUT_MS,
            )
        return self._producers[acks]


def _report(order: Order, placed: list[Any]) -> str:
    if order.acks == 0:
        return f"Sent {_records(order.count)} without waiting: with acks=0 the broker tells no offset and no error."
    if len(placed) == 1:
        return f"Acknowledged: partition {placed[0].partition}, offset {placed[0].offset}."
    spans = []
    for partition in sorted({each.partition for each in placed}):
        offsets = [each.offset for each in placed if each.partition == partition]
        span = f"offset {offsets[0]}" if len(offsets) == 1 else f"offsets {min(offsets)} to {max(offsets)}"
        spans.append(f"partition {partition}, {span} ({_records(len(offsets))})")
    return f"Acknowledged: {'; '.join(spans)}."


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number:,} records"
