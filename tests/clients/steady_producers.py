"""Producers that live through a failover, one for each foreign client: acks=all, idempotent, patient in retrying.

Each is made as its documentation says, takes values in order and remembers where the broker said that it put them.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from kafka import KafkaProducer

from tests.clients.foreign_client import REQUEST_TIMEOUT_S, Outgoing, Refused
from tests.clients.kcat_adapter import Kcat
from tests.support.requirements import need

_END_TIMEOUT_S = 2 * REQUEST_TIMEOUT_S


class SteadyProducer(ABC):
    """Sends to the only partition of a topic.

    Attributes:
        offsets: of the values that were acknowledged; complete when the block ends.
        failures: what became of the others.
    """

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self.bootstrap_servers, self.topic = bootstrap_servers, topic
        self.offsets: dict[str, int] = {}
        self.failures: list[object] = []

    @abstractmethod
    def send(self, values: Sequence[str]) -> None:
        """Hand the values over, without waiting for what becomes of them."""

    @abstractmethod
    def close(self) -> None:
        """Wait until the fate of every value is known."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SteadyKafkaPython(SteadyProducer):
    """kafka-python's KafkaProducer."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        super().__init__(bootstrap_servers, topic)
        self._producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True)

    def send(self, values: Sequence[str]) -> None:
        """Send each; kafka-python's own thread calls back."""
        for value in values:
            sending = self._producer.send(self.topic, value.encode(), partition=0)
            sending.add_callback(lambda placed, value=value: self.offsets.__setitem__(value, placed.offset))
            sending.add_errback(self.failures.append)

    def close(self) -> None:
        """Flush."""
        self._producer.flush(timeout=_END_TIMEOUT_S)
        self._producer.close()


class SteadyConfluentKafka(SteadyProducer):
    """confluent-kafka's Producer."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        super().__init__(bootstrap_servers, topic)
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all", "enable.idempotence": True})

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self.offsets[message.value().decode()] = message.offset()
        else:
            self.failures.append(error)

    def send(self, values: Sequence[str]) -> None:
        """Produce each; librdkafka's threads send it."""
        for value in values:
            self._producer.produce(self.topic, value.encode(), partition=0, on_delivery=self._delivered)

    def close(self) -> None:
        """Flush."""
        assert self._producer.flush(_END_TIMEOUT_S) == 0


class SteadyAiokafka(SteadyProducer):
    """aiokafka's AIOKafkaProducer, in an event loop in a thread of its own."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        super().__init__(bootstrap_servers, topic)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._producer: AIOKafkaProducer = self._run(self._start())

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_END_TIMEOUT_S)

    async def _start(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, acks="all", enable_idempotence=True)
        await producer.start()
        return producer

    async def _send(self, values: Sequence[str]) -> None:
        for value in values:
            sending = await self._producer.send(self.topic, value.encode(), partition=0)
            sending.add_done_callback(lambda done, value=value: self._delivered(done, value))

    def _delivered(self, done: asyncio.Future[Any], value: str) -> None:
        if done.exception() is None:
            self.offsets[value] = done.result().offset
        else:
            self.failures.append(done.exception())

    def send(self, values: Sequence[str]) -> None:
        """Send each; a task of the loop does the rest."""
        self._run(self._send(values))

    def close(self) -> None:
        """Stop, which flushes."""
        self._run(self._producer.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SteadyKcat(SteadyProducer):
    """kcat, which reads its input to the end before it sends: a run for each time that values are handed over."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        super().__init__(bootstrap_servers, topic)
        self._kcat = Kcat(bootstrap_servers, need("kcat"))
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kcat")

    def _produce(self, values: Sequence[str]) -> None:
        records = [Outgoing(value.encode(), partition=0) for value in values]
        try:
            placed = self._kcat.produce(self.topic, records, idempotent=True)
        except (Refused, AssertionError) as failure:
            self.failures.append(failure)
        else:  # within one partition it tells of the deliveries in the order of the lines
            self.offsets.update(zip(values, (place.offset for place in placed), strict=True))

    def send(self, values: Sequence[str]) -> None:
        """Leave it to the thread, which lets one run follow the other."""
        self._worker.submit(self._produce, values)

    def close(self) -> None:
        """Wait for the last run."""
        self._worker.shutdown()
