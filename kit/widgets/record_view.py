"""The live record view: what arrives in a topic, as a table that fills by itself."""

from __future__ import annotations

from typing import Any, Literal

import anywidget
import traitlets

from kit.widgets._assets import script, style
from kit.widgets._background import Background, ClusterLike, Link
from kit.widgets._tail import Row, Tail

# A browser stays fluent with five tables a second, and a person cannot read more.
_REDRAW_S = 0.2


class RecordView(anywidget.AnyWidget):
    """A table of the newest records of a topic: partition, offset, time, key, value, headers.

    It reads like any consumer, by asking, but without a group, so that it moves nobody's committed offsets.

    Args:
        cluster: whose records.
        topic: may be created later; the view waits for it.
        start: ``"beginning"`` shows what is retained too, ``"latest"`` only what comes from now on.
    """

    _esm = script("record_view")
    _css = style("record_view")

    topic = traitlets.Unicode().tag(sync=True)
    start = traitlets.Enum(["beginning", "latest"], "beginning").tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)
    # One piece, so that the table is never half new.
    feed = traitlets.Dict().tag(sync=True)

    def __init__(self, cluster: ClusterLike, topic: str, start: Literal["beginning", "latest"] = "beginning") -> None:
        super().__init__(topic=topic, start=start, feed=_feed([], f"Looking for {topic} …"))
        self._link = Link(cluster)
        self._background = self._follow()
        self.observe(self._restart, "start")

    @property
    def alive(self) -> bool:
        """Whether the view still follows the topic."""
        return self._background.alive

    @property
    def text(self) -> str:
        """The table as plain text, oldest record first."""
        lines = [
            f"partition {row['partition']} offset {row['offset']}: key {row['key']}, value {row['value']}"
            for row in self.feed["rows"]
        ]
        return "\n".join(lines or [self.feed["status"]])

    def close(self) -> None:
        """End the reading and remove the view."""
        self._background.stop()
        super().close()

    def _restart(self, _change: object) -> None:
        self._background.stop()
        self._background = self._follow()

    def _follow(self) -> Background:
        return Background(self._run, self._failed, self._link, name=f"record view of {self.topic}")

    def _run(self, background: Background) -> None:
        from kafka import KafkaConsumer

        consumer = KafkaConsumer(**self._link.client_settings, enable_auto_commit=False, allow_auto_create_topics=False)
        try:
            tail = Tail(consumer, self.topic, from_beginning=self.start == "beginning")
            while background.goes_on(_REDRAW_S):
                if not self.paused:
                    self._show(tail, changed=tail.poll(timeout_ms=100))
        finally:
            consumer.close()

    def _show(self, tail: Tail, *, changed: bool) -> None:
        status = "" if tail.rows else _waiting(tail)
        if changed or status != self.feed["status"]:
            self.feed = _feed(list(tail.rows), status, num_read=tail.num_read, num_skipped=tail.num_skipped)

    def _failed(self, reason: str) -> None:
        self.feed = {**self.feed, "status": f"The view has stopped. {reason}"}


def _waiting(tail: Tail) -> str:
    if not tail.partitions:
        return f"There is no topic {tail.topic} yet. Send a record to it and it appears here."
    return f"No records in {tail.topic} yet. Send one and it appears here."


def _feed(rows: list[Row], status: str, num_read: int = 0, num_skipped: int = 0) -> dict[str, Any]:
    return {"rows": rows, "read": num_read, "skipped": num_skipped, "status": status}
