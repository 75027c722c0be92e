"""The topic browser: what topics there are, and what is in their records."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from kit.errors import ClusterClosedError, KitError
from kit.widgets._assets import with_code_ways
from kit.widgets._background import Background, ClusterGoneError, ClusterLike, LastingLink, describe, kafka_error
from kit.widgets._code import Reading, read_topic
from kit.widgets._tail import row
from kit.widgets.topics.listing import Look, details, listing
from kit.widgets.topics.one_record import views
from kit.widgets.topics.reading import STARTS, Answer, RecordReader, Span, Wish
from kit.widgets.topics.wishes import Wishes, text_in, whole_in

_PAUSE_S = 0.1
_LOOK_S = 1.0
# Looking costs the brokers as much as it costs us: a big cluster is looked at less often.
_LOOK_SHARE = 10
_READS = ("choose", "read", "more")
_TOPIC_AUTHORIZATION_FAILED = 29


class TopicBrowser(anywidget.AnyWidget):
    """All topics of a cluster in pages, and the records of one: from any place on, filtered, each one in full.

    It reads without a group: it moves nobody's committed offsets. It outlives brokers that are down, and says so when
    the cluster is closed.

    Args:
        cluster: a `kit.Cluster`.
        topic: chosen at the start; may be created later.
    """

    _esm, _css = with_code_ways("browser", Path(__file__).parent)

    # Each is one piece, so that what is shown is never half new.
    topics = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True)
    result = traitlets.Dict().tag(sync=True)
    record = traitlets.Dict().tag(sync=True)
    codes: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, cluster: ClusterLike, topic: str | None = None) -> None:
        super().__init__(topics={"rows": [], "status": "Looking for topics …"})
        self._link = LastingLink(cluster)
        self._known: Mapping[str, Any] = {}
        self._look = Look()
        self._topic = topic
        self._wish: Wish | None = None  # the last one that was read
        # A choice comes before what is asked about it.
        self._wishes = Wishes(("list", "choose", "read", "more", "open"))
        self._reader: RecordReader | None = None
        self._answered = 0
        self.on_msg(self._received)
        if topic is not None:
            self._wishes.put({"type": "read"})
        self._background = Background(self._run, self._failed, self._link, name="topic browser")

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return self._background.alive

    @property
    def text(self) -> str:
        """What it shows, as plain text: the page of topics, and the records of the chosen one."""
        lines = [
            f"{each['name']}: {each['partitions']} partitions, {each['records']} records, "
            f"replication factor {each['replication']}"
            for each in self.topics["rows"]
        ]
        lines += [self.topics["status"]] if self.topics["status"] else []
        lines += [
            f"partition {each['partition']} offset {each['offset']}: key {each['key']}, value {each['value']}"
            for each in self.result.get("rows", [])
        ]
        return "\n".join([*lines, *self.result.get("notes", [])])

    def choose(self, topic: str) -> None:
        """Choose a topic and read it from the beginning, as a click on it does."""
        self._wishes.put({"type": "choose", "topic": topic})

    def close(self) -> None:
        """Look no longer, and remove the widget."""
        self._background.stop()
        super().close()

    # -- what the browser asks -------------------------------------------------------------------------------------

    def _received(self, _widget: Any, message: Any, _buffers: Any) -> None:
        self._wishes.put(message)

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self, background: Background) -> None:
        look_at_s = 0.0
        try:
            while background.goes_on(_PAUSE_S):
                if time.monotonic() >= look_at_s:
                    begun_s = time.monotonic()
                    self._look_around()
                    look_at_s = time.monotonic() + max(_LOOK_S, _LOOK_SHARE * (time.monotonic() - begun_s))
                while (message := self._wishes.next()) is not None:
                    self._serve(message, background)
        finally:
            self._close_reader()

    def _failed(self, reason: str) -> None:
        self.topics = {**self.topics, "status": f"The topic browser has stopped. {reason}", "ended": True}

    def _look_around(self) -> None:
        try:
            self._known = self._cluster().topics(wait=False)
        except ClusterClosedError:
            raise ClusterGoneError from None
        except (KitError, kafka_error()) as error:  # brokers come back
            self._close_reader()  # it would go on knocking
            self._show_topics(f"The list is from before: {describe(error)}" if self._known else describe(error))
            return
        self._show_topics()

    def _cluster(self) -> Any:
        cluster = self._link.cluster
        if cluster is None:
            raise ClusterGoneError
        return cluster

    def _show_topics(self, trouble: str = "") -> None:
        found = listing(self._known, self._look)
        if trouble:
            found["status"] = trouble
        self._put("topics", {**found, "answered": self._answered})
        topic = self._known.get(self._topic or "")
        if topic is not None:
            self._put("chosen", details(topic))
        elif self._topic is not None:
            status = f"There is no topic {self._topic}. Choose another one, or create it and it appears here."
            self._put("chosen", {"name": self._topic, "status": status, "numbers": [], "parts": []})

    def _put(self, name: str, value: dict[str, Any]) -> None:
        if value != getattr(self, name):
            setattr(self, name, value)

    def _serve(self, message: Mapping[str, Any], background: Background) -> None:
        self._answered = message["request"] if isinstance(message.get("request"), int) else self._answered
        try:
            if message["type"] == "list":
                self._look = Look(text_in(message, "needle"), whole_in(message, "page"), bool(message.get("internal")))
                self._show_topics()
            elif message["type"] == "choose":
                self._topic = text_in(message, "topic")
                self.record = {}
                self._show_topics()
                self._read(Wish(self._topic), background)
            elif message["type"] == "open":
                self._open(whole_in(message, "partition"), whole_in(message, "offset"))
            else:
                wish = self._wish_of(message)
                if wish is not None:
                    self._read(wish, background)
        except ClusterClosedError:
            raise ClusterGoneError from None
        except (KitError, kafka_error()) as error:
            self.result = {"rows": [], "notes": [_told(error, self._topic or "")], "answered": self._answered}

    def _wish_of(self, message: Mapping[str, Any]) -> Wish | None:
        if message["type"] == "more":
            goes_on_at = self.result.get("goes_on_at") if self._wish else None
            return None if not goes_on_at or self._wish is None else _going_on(self._wish, goes_on_at)
        if self._topic is None:
            return None
        start = message.get("start")
        partition = message.get("partition")
        return Wish(
            self._topic,
            partition if isinstance(partition, int) else None,
            start if start in STARTS else STARTS[0],
            whole_in(message, "at"),
            text_in(message, "needle"),
        )

    def _read(self, wish: Wish, background: Background) -> None:
        self._wish = wish
        reading = Reading(wish.topic, wish.partition, wish.start, wish.at)
        self.codes = list(read_topic(reading, self._link.client_settings))
        found = self._cluster().topics([wish.topic], wait=False).get(wish.topic)
        if found is None:
            self._show_result(wish, Answer(), f"There is no topic {wish.topic}.")
            return
        spans = {
            each.partition: Span(each.log_start_offset, each.high_watermark)
            for each in found.partitions
            if each.log_start_offset is not None and each.high_watermark is not None
        }
        answer = self._open_reader().read(wish, spans, lambda: background.goes_on(0) and not self._wishes.has(_READS))
        if answer is not None:
            unknown = [each for each in found.partitions if each.partition not in spans]
            self._show_result(wish, answer, _empty(wish, spans, unknown, answer))

    def _show_result(self, wish: Wish, answer: Answer, note: str) -> None:
        self.result = {
            "rows": answer.rows,
            "notes": [*answer.notes, *filter(None, [note])],
            "looked_at": answer.num_looked_at,
            "goes_on_at": {str(number): at for number, at in answer.goes_on_at.items()},
            "topic": wish.topic,
            "start": wish.start,
            "is_page": wish.goes_on_at is not None,
            "answered": self._answered,
        }

    def _open(self, partition: int, offset: int) -> None:
        topic = self._topic or ""
        record = self._open_reader().one(topic, partition, offset)
        place = {"topic": topic, "partition": partition, "offset": offset, "answered": self._answered}
        if record is None:
            status = "This record is not there any more: retention or compaction has removed it, or nobody leads the "
            self.record = {**place, "status": f"{status}partition now."}
            return
        self.record = {
            **place,
            "time": row(record)["time"],
            "time_type": ["CreateTime", "LogAppendTime"][record.timestamp_type]
            if record.timestamp_type in (0, 1)
            else "",
            "key": views(record.key),
            "value": views(record.value),
            "headers": row(record)["headers"][:50],
        }

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _open_reader(self) -> RecordReader:
        if self._reader is None:
            from kafka import KafkaConsumer

            settings = self._link.client_settings
            consumer = KafkaConsumer(
                **settings, enable_auto_commit=False, allow_auto_create_topics=False, auto_offset_reset="earliest"
            )
            self._reader = RecordReader(consumer)
        return self._reader


def _going_on(wish: Wish, goes_on_at: Mapping[str, int]) -> Wish:
    where = {int(number): at for number, at in goes_on_at.items()}
    return Wish(wish.topic, wish.partition, wish.start, wish.at, wish.needle, where)


def _empty(wish: Wish, spans: Mapping[int, Span], unknown: list[Any], answer: Answer) -> str:
    """Why there is nothing to see, or that something could not be seen; empty otherwise."""
    if unknown:
        numbers = ", ".join(str(each.partition) for each in unknown)
        reason = (
            "Nobody leads it" if any(each.leader is None for each in unknown) else "Its leader does not tell offsets"
        )
        return f"Partition {numbers} cannot be read. {reason}; or you have no right to."
    if answer.rows or answer.notes:
        return ""
    wanted = [span for number, span in spans.items() if wish.partition in (None, number)]
    if not wanted:
        return f"There is no partition {wish.partition}: they count from 0, and this topic has {len(spans)}."
    if all(span.start == span.end for span in wanted):
        return "No records here yet. Send one and read again."
    if wish.needle:
        return f"None of the {answer.num_looked_at:,} records that were read holds {wish.needle!r}."
    return "No records from there on."


def _told(error: Exception, topic: str) -> str:
    if getattr(error, "errno", None) == _TOPIC_AUTHORIZATION_FAILED:
        return f"You have no right to read {topic}. Kafka says: {describe(error)}"
    return f"That could not be read. {describe(error)}"
