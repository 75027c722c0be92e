"""The topic browser's and the forms' logic: pages, places, filters, single records, fields and hints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition
from kafka.structs import OffsetAndTimestamp

from kit.topics import Partition, Topic
from kit.widgets._code import NewTopic
from kit.widgets.topics import reading
from kit.widgets.topics.admin import hints, new_topic
from kit.widgets.topics.listing import PAGE_TOPICS, Look, details, listing
from kit.widgets.topics.one_record import MAX_HEX_BYTES, MAX_TEXT_BYTES, views
from kit.widgets.topics.reading import PAGE_ROWS, RecordReader, Span, Wish
from kit.widgets.topics.wishes import Wishes, text_in, whole_in


def topic(name: str, *, internal: bool = False, partitions: int = 2, **differs: Any) -> Topic:
    """Give a healthy topic, or one whose partitions differ in something."""
    healthy = {
        "leader": 1,
        "leader_epoch": 0,
        "replicas": (1, 2),
        "isr": (1, 2),
        "log_start_offset": 3,
        "high_watermark": 10,
    }
    return Topic(name, internal, tuple(Partition(partition=at, **{**healthy, **differs}) for at in range(partitions)))


# -- the list ----------------------------------------------------------------------------------------------------------


def test_thousand_topics_are_a_page_at_a_time() -> None:
    """A page holds few rows and says how many there are; a page behind the last one is the last one."""
    topics = {f"t{at:03}": topic(f"t{at:03}") for at in range(1_000)}

    first, behind = listing(topics, Look()), listing(topics, Look(page=10**6))

    assert [row["name"] for row in first["rows"]] == [f"t{at:03}" for at in range(PAGE_TOPICS)]
    assert (first["total"], first["pages"]) == (1_000, -(-1_000 // PAGE_TOPICS))
    assert behind["rows"][-1]["name"] == "t999"
    assert len(json.dumps(first)) < 3_000


def test_filter_takes_part_of_a_name_and_says_when_nothing_is_left() -> None:
    """Capitals do not count; the sentence tells how to see the others again."""
    topics = {name: topic(name) for name in ("music.plays", "Music.Skips", "payments")}

    assert [row["name"] for row in listing(topics, Look("MUSIC"))["rows"]] == ["music.plays", "Music.Skips"]
    assert "3 have not" in listing(topics, Look("zzz"))["status"]


@pytest.mark.parametrize(
    ("topics", "told"),
    [([], "There is no topic yet"), ([topic("__consumer_offsets", internal=True)], "only Kafka's own")],
)
def test_empty_cluster_says_what_to_do(topics: list[Topic], told: str) -> None:
    """Nothing at all, and nothing but Kafka's own topics."""
    found = listing({each.name: each for each in topics}, Look())

    assert told in found["status"]
    assert found["rows"] == []


@pytest.mark.parametrize(
    ("differs", "records", "trouble"),
    [
        ({}, 14, ""),
        ({"isr": (1,)}, 14, "2 under-replicated"),
        ({"leader": None, "high_watermark": None}, None, "2 offline"),
        ({"log_start_offset": None}, None, ""),
    ],
)
def test_row_counts_what_can_be_read(differs: dict[str, Any], records: int | None, trouble: str) -> None:
    """From the log start to the high watermark; unknown where a partition does not tell."""
    row = details(topic("t", **differs))

    assert (row["records"], row["trouble"], row["replication"]) == (records, trouble, "2")


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass
class FakeConsumer:
    """Partitions as lists of records, read a few at a time."""

    logs: Mapping[int, Sequence[Any]]
    silent: frozenset[int] = frozenset()
    at: dict[TopicPartition, int] = field(default_factory=dict)
    paused: set[TopicPartition] = field(default_factory=set)

    def assign(self, places: Sequence[TopicPartition]) -> None:
        """Begin everywhere at 0."""
        self.at, self.paused = dict.fromkeys(places, 0), set()

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go to an offset."""
        self.at[place] = offset

    def position(self, place: TopicPartition) -> int:
        """The next offset."""
        return self.at[place]

    def pause(self, place: TopicPartition) -> None:
        """Leave a partition out of polls."""
        self.paused.add(place)

    def resume(self, place: TopicPartition) -> None:
        """Take it in again."""
        self.paused.discard(place)

    def offsets_for_times(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        """The first record that is as late."""
        found = {}
        for place, at in times.items():
            later = [each for each in self.logs[place.partition] if each.timestamp >= at]
            found[place] = OffsetAndTimestamp(later[0].offset, later[0].timestamp, 0) if later else None
        return found

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        """A batch of each partition."""
        assert timeout_ms > 0
        batches = {}
        for place, at in self.at.items():
            if place not in self.paused and place.partition not in self.silent:
                batch = [each for each in self.logs[place.partition] if each.offset >= at][:30]
                # As in Kafka, the position goes over offsets that have no record.
                self.at[place] = batch[-1].offset + 1 if batch else 10**9
                batches[place] = batch
        return batches


def record(partition: int, offset: int, timestamp: int, value: bytes = b"v", **others: Any) -> Any:
    """Give a record as kafka-python does."""
    parts = {"key": None, "headers": (), **others}
    return SimpleNamespace(partition=partition, offset=offset, timestamp=timestamp, value=value, **parts)


def read(logs: Mapping[int, Sequence[Any]], wish: Wish, start: int = 0) -> reading.Answer:
    """Give what a reader finds; each partition ends after its last record."""
    spans = {number: Span(start, log[-1].offset + 1 if log else 0) for number, log in logs.items()}
    answer = RecordReader(FakeConsumer(logs)).read(wish, spans, lambda: True)
    assert answer is not None
    return answer


def places(answer: reading.Answer) -> list[tuple[int, int]]:
    """Partition and offset of each row."""
    return [(row["partition"], row["offset"]) for row in answer.rows]


TIMES = st.lists(st.integers(0, 50), max_size=130)


@given(st.lists(TIMES, min_size=1, max_size=4))
def test_pages_show_every_record_once_and_each_partition_in_order(times: list[list[int]]) -> None:
    """Whatever the timestamps are: going on until the end leaves out nothing and repeats nothing."""
    logs = {number: [record(number, at, when) for at, when in enumerate(each)] for number, each in enumerate(times)}
    answer = read(logs, Wish("t"))
    seen = places(answer)
    while answer.goes_on_at:
        assert len(answer.rows) == PAGE_ROWS
        answer = read(logs, Wish("t", goes_on_at=answer.goes_on_at))
        seen += places(answer)

    assert sorted(seen) == [(number, at) for number, each in enumerate(times) for at in range(len(each))]
    assert all(
        [at for number, at in seen if number == one] == sorted(at for number, at in seen if number == one)
        for one in logs
    )


def test_newest_records_come_newest_first() -> None:
    """The last page over all partitions by time."""
    logs = {number: [record(number, at, 10 * at + number) for at in range(200)] for number in (0, 1)}

    found = places(read(logs, Wish("t", start="latest")))

    assert found[:3] == [(1, 199), (0, 199), (1, 198)]
    assert len(found) == PAGE_ROWS


def test_filter_looks_into_key_value_and_headers_and_goes_on_behind_what_it_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Capitals do not count, bytes that are no text do not hurt, and a page ends after so many records."""
    monkeypatch.setattr(reading, "MAX_LOOKED_AT", 100)
    log = [record(0, at, at) for at in range(250)]
    log[5] = record(0, 5, 5, key=b"Needle")
    log[6] = record(0, 6, 6, b"\xff\xfe nEEdle")
    log[7] = record(0, 7, 7, headers=[("needle", b"")])
    log[200] = record(0, 200, 200, b"needle")

    first = read({0: log}, Wish("t", needle="NEEDLE"))
    second = read({0: log}, Wish("t", needle="NEEDLE", goes_on_at=first.goes_on_at))
    third = read({0: log}, Wish("t", needle="NEEDLE", goes_on_at=second.goes_on_at))

    assert [places(each) for each in (first, second, third)] == [[(0, 5), (0, 6), (0, 7)], [], [(0, 200)]]
    assert (first.num_looked_at, first.goes_on_at) == (100, {0: 100})
    assert third.goes_on_at == {}


@pytest.mark.parametrize(
    ("at", "rows", "told"),
    [
        (7, [7, 8, 9], ""),
        (2, [5, 6, 7, 8, 9], "is gone"),
        (10, [], "the next record"),
        (11, [], "no offset 11 yet: it holds 5 to 9."),
    ],
)
def test_offset_that_is_not_there_is_told(at: int, rows: list[int], told: str) -> None:
    """Before the log start, at the end, behind the end: each in its words."""
    answer = read({0: [record(0, offset, offset) for offset in range(5, 10)]}, Wish("t", 0, "offset", at), start=5)

    assert [row["offset"] for row in answer.rows] == rows
    assert told in " ".join(answer.notes)


def test_time_is_looked_up_in_each_partition() -> None:
    """A partition with nothing as late stays out; when none has, a sentence says so."""
    logs = {0: [record(0, at, at) for at in range(10)], 1: [record(1, 0, 3)]}

    assert places(read(logs, Wish("t", start="timestamp", at=8))) == [(0, 8), (0, 9)]
    assert "from that time or later" in read(logs, Wish("t", start="timestamp", at=99)).notes[0]


def test_offsets_without_a_record_end_a_page_too() -> None:
    """Compaction and transaction markers leave gaps: the position goes over them."""
    log = [record(0, 0, 0), record(0, 7, 7)]
    answer = RecordReader(FakeConsumer({0: log})).read(Wish("t"), {0: Span(0, 20)}, lambda: True)

    assert answer is not None
    assert (places(answer), answer.goes_on_at) == ([(0, 0), (0, 7)], {})


def test_partition_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the others have is shown, and the next page would try again."""
    monkeypatch.setattr(reading, "PATIENCE_S", 0.01)
    consumer = FakeConsumer({0: [record(0, 0, 0)], 1: []}, silent=frozenset({1}))
    answer = RecordReader(consumer).read(Wish("t"), {0: Span(0, 1), 1: Span(0, 5)}, lambda: True)

    assert answer is not None
    assert places(answer) == [(0, 0)]
    assert "partition 1 did not answer" in answer.notes[0]
    assert answer.goes_on_at == {1: 0}


def test_reading_is_given_up_when_somebody_wants_something_else() -> None:
    """Nothing is shown of it."""
    consumer = FakeConsumer({0: [record(0, 0, 0)]})
    assert RecordReader(consumer).read(Wish("t"), {0: Span(0, 1)}, lambda: False) is None


def test_one_record_is_found_or_told_missing() -> None:
    """An offset that compaction has removed is None, and not the next record."""
    reader = RecordReader(FakeConsumer({0: [record(0, 0, 0), record(0, 7, 7)]}))

    assert reader.one("t", 0, 7).offset == 7
    assert reader.one("t", 0, 3) is None


# -- one record --------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_any_bytes_can_be_shown(data: bytes) -> None:
    """Text, JSON and bytes are strings without characters that hide or turn others around."""
    found = views(data)

    assert found is not None
    assert found["size_bytes"] == len(data)
    assert bytes.fromhex("".join(line[8:55] for line in found["hex"].splitlines())) == data
    assert not any(each in found["text"] + (found["json"] or "") for each in "\0\x1b\x7f\u202e\u2066")


def test_huge_values_are_cut_and_told() -> None:
    """Megabytes never reach the browser; the cut may fall into a character."""
    found = views("é".encode() * 2_000_000)

    assert found is not None
    assert len(found["text"]) == MAX_TEXT_BYTES // 2
    assert len(json.dumps(found)) < 500_000
    assert found["json"] is None
    assert "of 4,000,000 bytes" in found["notes"]["text"]
    assert f"{MAX_HEX_BYTES:,} of" in found["notes"]["hex"]
    assert "not UTF-8" not in found["notes"]["text"]
    odd = views(b"x" + "é".encode() * 2_000_000)
    assert odd is not None
    assert "not UTF-8" not in odd["notes"]["text"]


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"a":[1,2]}', '{\n  "a": [\n    1,\n    2\n  ]\n}'),
        (b"12", "12"),
        ('{"é": "ü"}'.encode(), '{\n  "é": "ü"\n}'),
        (b"NaN", None),
        (b"{", None),
        (b"", None),
        (b"\xff", None),
        (b"[" * 50_000, None),
        (b"9" * 5_000, None),
    ],
)
def test_json_is_laid_out_or_refused_with_a_reason(data: bytes, shown: str | None) -> None:
    """Also what is too deep, too long a number, or JavaScript's and not JSON's."""
    found = views(data)

    assert found is not None
    assert found["json"] == shown
    assert bool(found["notes"]["json"]) == (shown is None)


def test_binary_says_where_it_stops_being_text() -> None:
    """The byte and its place, and the rest stays readable; null is no bytes at all."""
    found = views(b"ok \x80\x81 <b>")

    assert found is not None
    assert found["text"] == r"ok \x80\x81 <b>"
    assert "byte 3 is 0x80" in found["notes"]["text"]
    assert views(None) is None


# -- forms and wishes --------------------------------------------------------------------------------------------------


def test_fields_become_a_topic() -> None:
    """Empty fields leave the choice to the brokers; what Kafka can refuse is let through."""
    assert new_topic({"name": "t"}) == NewTopic("t")
    fields = {
        "name": " x",
        "partitions": " 0",
        "replication_factor": "-7",
        "retention.ms": "soon",
        "configs": "a=b, c=d",
    }
    assert new_topic(fields) == NewTopic(" x", 0, -7, (("retention.ms", "soon"), ("a", "b"), ("c", "d")))


@pytest.mark.parametrize(
    "fields", [{"partitions": "x"}, {"partitions": "9" * 12}, {"configs": "x"}, {"partitions": "9" * 5_000}]
)
def test_fields_that_cannot_be_sent_are_refused(fields: dict[str, str]) -> None:
    """No number, one that does not fit into the request, a setting without a value."""
    with pytest.raises(ValueError, match=r"whole number|name=value"):
        new_topic(fields)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (NewTopic("t", 1, 1), ["One replica"]),
        (NewTopic("t", 1, 2, (("min.insync.replicas", "3"),)), ["no more than there are"]),
        (NewTopic("t", 1, 3, (("min.insync.replicas", "3"),)), ["writing stops"]),
        (NewTopic("t", 1, 3, (("min.insync.replicas", "2"),)), []),
        (NewTopic("t", 1, None, (("min.insync.replicas", "x"),)), []),
        (NewTopic("t", 1, 3, (("cleanup.policy", "compact"),)), ["without a key"]),
    ],
)
def test_hints_tell_what_people_regret(wanted: NewTopic, told: list[str]) -> None:
    """Only what Kafka would take without a word."""
    found = hints(wanted)

    assert len(found) == len(told)
    assert all(part in hint for part, hint in zip(told, found, strict=True))


def test_wishes_keep_the_newest_of_each_kind() -> None:
    """The most urgent kind first; what is no wish is ignored."""
    wishes = Wishes(("list", "read"))
    for message in [
        None,
        7,
        {},
        {"type": "other"},
        {"type": ["list"]},
        {"type": "read", "at": 1},
        {"type": "read", "at": 2},
    ]:
        wishes.put(message)
    wishes.put({"type": "list"})

    assert wishes.has({"read"})
    assert [wishes.next(), wishes.next(), wishes.next()] == [{"type": "list"}, {"type": "read", "at": 2}, None]


def test_parts_of_messages_are_bounded() -> None:
    """A browser may send anything."""
    assert text_in({"a": "x" * 10_000}, "a") == "x" * 249
    assert text_in({"a": 7}, "a") == text_in({}, "a") == ""
    assert [whole_in({"a": value}, "a") for value in (7, -1, True, "7", None, 2**80, 1.5)] == [7, 0, 0, 0, 0, 0, 0]
