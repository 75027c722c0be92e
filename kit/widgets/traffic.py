"""Traffic to watch: a producer and a consumer with a switch each, both real clients."""

from __future__ import annotations

import functools
import itertools
import json
import time
from typing import Any

import anywidget
import traitlets

from kit.ending import end_producer
from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link

# Slow enough to watch a group catch up.
MAX_CONSUMED_PER_S = 500
_TICKS_PER_S = 10
_LISTENERS = ("ana", "ben", "chloe", "dmitri", "efua")
_TRACKS = ("Night Bus Home", "Paper Lanterns", "Seventh Wave", "Cold Brew", "Low Tide Radio")


class Traffic(anywidget.AnyWidget):
    """Two switches: a producer that sends song listens to ``topic``, and a consumer of the group ``group_id``.

    Args:
        cluster: where both connect.
        topic: is created by the first record, where the cluster allows that.
        group_id: the consumer's group. It commits after every poll, and reads at most `MAX_CONSUMED_PER_S`.
    """

    _esm = script("traffic")
    _css = style("traffic")

    topic = traitlets.Unicode().tag(sync=True)
    producing = traitlets.Bool(False).tag(sync=True)
    consuming = traitlets.Bool(False).tag(sync=True)
    rate = traitlets.Int(50, min=1, max=1_000).tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)

    def __init__(self, cluster: ClusterLike, topic: str, group_id: str) -> None:
        super().__init__(topic=topic, status="Both are off. Switch the producer on first.")
        self.group_id = group_id
        self._link = Link(cluster)
        self._running: dict[str, Background] = {}
        self.observe(self._switched, ["producing", "consuming"])

    def close(self) -> None:
        """Stop both clients and remove the switches."""
        self.producing = self.consuming = False
        super().close()

    def _switched(self, change: Any) -> None:
        name = change["name"]
        work = {"producing": self._produce, "consuming": self._consume}[name]
        running = self._running.pop(name, None)
        if running is not None:
            running.stop()
        if change["new"]:
            failed = functools.partial(self._failed, name)
            self._running[name] = Background(work, failed, self._link, name=f"{name} {self.topic}")
        self.status = self._sentence()

    def _produce(self, background: Background) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(**self._link.client_settings)
        try:
            numbers = itertools.count()
            while background.goes_on(1 / _TICKS_PER_S):
                for number in itertools.islice(numbers, max(1, self.rate // _TICKS_PER_S)):
                    producer.send(self.topic, **_listen(number))
        finally:
            end_producer(producer)

    def _consume(self, background: Background) -> None:
        from kafka import KafkaConsumer

        consumer = KafkaConsumer(
            self.topic,
            **self._link.client_settings,
            group_id=self.group_id,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_poll_records=MAX_CONSUMED_PER_S // _TICKS_PER_S,
        )
        try:
            pause_s = 0.0
            while background.goes_on(pause_s):
                began_s = time.monotonic()
                if consumer.poll(timeout_ms=200):
                    consumer.commit()
                pause_s = max(0.0, began_s + 1 / _TICKS_PER_S - time.monotonic())
        finally:
            consumer.close()

    def _failed(self, name: str, reason: str) -> None:
        self.set_trait(name, False)
        self.status = reason  # after the sentence about the switches

    def _sentence(self) -> str:
        if self.producing and self.consuming:
            return "The producer sends, the consumer follows. Switch the consumer off and watch the lag."
        if self.producing:
            return "The producer sends and nobody reads. Nothing is lost: the records wait in the topic."
        if self.consuming:
            return "The consumer asks for records, and the producer is off."
        return "Both are off."


def _listen(number: int) -> dict[str, bytes]:
    listener = _LISTENERS[number % len(_LISTENERS)]
    # Two cycles of five would pair each listener with one track for ever; the shift lets them meet all.
    track = _TRACKS[(number + number // len(_LISTENERS)) % len(_TRACKS)]
    return {"key": listener.encode(), "value": json.dumps({"listener": listener, "track": track}).encode()}
