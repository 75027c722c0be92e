"""Lab 03's checks: right answers pass, and each planted mistake is told apart."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kit
from kit.checks import SeenRecord, names, verdict
from kit.lessons.partition_choice import (
    CRC32,
    murmur2,
    partition_of,
    random_choices,
    round_robin_choices,
    sample_keys,
    sticky_choices,
)
from tests.support.fake_evidence import FakeEvidence

KEYS = sample_keys(30)


def placed(topic: str, records: list[tuple[int, bytes | None, bytes]], timestamp_ms: int = 1_000) -> list[SeenRecord]:
    """Records (partition, key, value) in the order in which they were sent, with their offsets."""
    ends: dict[int, itertools.count[int]] = {}
    return [
        SeenRecord(topic, partition, next(ends.setdefault(partition, itertools.count())), timestamp_ms, key, value)
        for partition, key, value in records
    ]


def evidence(records: list[SeenRecord], num_partitions: int = 6) -> FakeEvidence:
    """Evidence with six partitions, as in the lab."""
    return FakeEvidence(records, num_partitions=num_partitions)


LISTENS = placed("music.listens", [(partition_of(key, 6), key, b"") for key in KEYS])
RATINGS = placed(
    "music.ratings",
    [(partition_of(key, 6), key, b"") for key in KEYS] + [(partition_of(key, 6, CRC32), key, b"") for key in KEYS],
)
SPLIT = {key for key in KEYS if partition_of(key, 6) != partition_of(key, 6, CRC32)}
DETECTIONS = kit.datagen.detections(seed=7).take(1_500)
PLAYS = kit.datagen.plays(seed=7).take(240)


def numbered(topic: str, partitions: Any, timestamp_ms: int = 1_000) -> list[SeenRecord]:
    """Three hundred numbers without a key, spread as ``partitions`` says."""
    taken = enumerate(itertools.islice(partitions, 300))
    return placed(topic, [(partition, None, b"%d" % number) for number, partition in taken], timestamp_ms)


SPREAD = [
    *numbered("spread.a", sticky_choices(6, record_bytes=10, batch_bytes=400)),
    *numbered("spread.b", round_robin_choices(6)),
    *numbered("spread.c", random_choices(6)),
]
HABITS = {"a": "sticky", "b": "round-robin", "c": "random"}


def detections(key_of: Any, timestamp_ms: int = 1_000) -> list[SeenRecord]:
    """All detections in the balanced topic, with a key each, or spread by chance where it is None."""
    chance = random_choices(6)
    keyed = [(key_of(each), each.value) for each in DETECTIONS]
    return placed(
        "camera.balanced",
        [(next(chance) if key is None else partition_of(key, 6), key, value) for key, value in keyed],
        timestamp_ms,
    )


def games(num_after: int = 6) -> list[SeenRecord]:
    """Half of the plays on three partitions, the rest on more."""
    return placed(
        "basketball.plays",
        [(partition_of(each.key, 3 if at < 120 else num_after), each.key, each.value) for at, each in enumerate(PLAYS)],
    )


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("03.")])
@pytest.mark.parametrize("answer", [None, "", 7, [], {}, [None], [[]], {"a": 1}, lambda: None, b"\xff"])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: object) -> None:
    """Whatever is handed in, a check on a cluster with nothing in it fails with a next step and no exception."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.happened
    assert result.where
    assert result.try_next


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("03.") and name != "03.balanced"])
@pytest.mark.parametrize("answer", [None, "", 7, [None], [[]], {"a": []}, b"\xff", float("nan"), object()])
def test_strange_answers_fail_in_words(name: str, answer: object) -> None:
    """On a full cluster too."""
    result = verdict(name, evidence([*LISTENS, *RATINGS, *SPREAD, *games(), *cameras()]), answer)

    assert not result
    assert result.try_next


def cameras() -> list[SeenRecord]:
    """The detections with the camera as the key."""
    return placed("camera.detections", [(partition_of(each.key, 6), each.key, each.value) for each in DETECTIONS])


def test_predict_passes_with_the_clients_arithmetic() -> None:
    """Records that the wheel sent with the other hash do not count against it."""
    stray = placed("music.listens", [(partition_of(b"zoe", 6, CRC32), b"zoe", b"")])

    assert verdict("03.predict", evidence([*LISTENS, *stray]), partition_of)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda key, count: murmur2(key) % count, "& 0x7fffffff"),
        (lambda key, _count: murmur2(key), "not a partition yet"),
        (lambda key, _count: murmur2(key) & 0x7FFFFFFF, "not a partition yet"),
        (lambda key, count: partition_of(key, count, CRC32), "CRC32"),
        (lambda _key, _count: 0, "left wheel"),
        (lambda _key, _count: None, "left wheel"),
        (lambda _key: 0, "TypeError"),
        (lambda _key, _count: 1 // 0, "ZeroDivisionError"),
        (4, "not a function"),
    ],
)
def test_predict_tells_each_mistake_apart(function: Any, told: str) -> None:
    """The forgotten mask, the bare hash, the other client's hash, and what is no function of two arguments."""
    result = verdict("03.predict", evidence(LISTENS), function)

    assert not result
    assert told in f"{result.happened} {result.try_next}"


@given(st.sets(st.sampled_from(KEYS)))
def test_clients_accepts_the_split_keys_and_nothing_else(answer: set[bytes]) -> None:
    """Of all sets of keys only the right one passes."""
    assert verdict("03.clients", evidence(RATINGS), answer).passed == (answer == SPLIT)


def test_clients_accepts_keys_as_text_and_lists() -> None:
    """A student may have decoded them."""
    assert verdict("03.clients", evidence(RATINGS), [key.decode() for key in SPLIT])


@pytest.mark.parametrize(
    ("answer", "told"), [(set(), "is not in your answer"), (set(KEYS), "alone"), ({*SPLIT, b"nobody"}, "nowhere")]
)
def test_clients_names_a_key_that_is_wrong(answer: set[bytes], told: str) -> None:
    """Missing, there by chance agreement, or not there at all."""
    assert told in verdict("03.clients", evidence(RATINGS), answer).happened


def test_clients_asks_for_the_second_client() -> None:
    """With one kind of client there is nothing to find."""
    assert "second client" in verdict("03.clients", evidence(RATINGS[: len(KEYS)]), SPLIT).try_next


def test_no_key_reads_the_habits_from_the_log() -> None:
    """The truth is what lies there: exchange two topics, and the answer has to be exchanged."""
    assert verdict("03.no-key", evidence(SPREAD), HABITS)
    exchanged = [*SPREAD[:300], *numbered("spread.b", random_choices(6)), *numbered("spread.c", round_robin_choices(6))]
    assert not verdict("03.no-key", evidence(exchanged), HABITS)
    assert verdict("03.no-key", evidence(exchanged), {**HABITS, "b": "random", "c": "round-robin"})


def test_no_key_judges_the_newest_round() -> None:
    """A cell that ran twice has sent each number twice."""
    twice = [*numbered("spread.a", random_choices(6), 500), *SPREAD]

    assert verdict("03.no-key", evidence(twice), HABITS)


@pytest.mark.parametrize("letter", ["a", "c"])
def test_no_key_shows_where_the_records_went(letter: str) -> None:
    """The lecture's answer is answered with the log."""
    answer = {**HABITS, letter: "round-robin"}
    result = verdict("03.no-key", evidence(SPREAD), answer)

    assert not result
    assert f"spread.{letter}" in result.where
    assert "Its first records went to partitions" in result.happened


@pytest.mark.parametrize(("answer", "passed"), [(b"cam-01", True), ("cam-01", True), (b"cam-02", False), (b"x", False)])
def test_hot_key_is_the_most_frequent_one(answer: Any, passed: bool) -> None:
    """As bytes or as text."""
    assert verdict("03.hot-key", evidence(cameras()), answer).passed == passed


def test_balanced_passes_with_the_passage_as_key() -> None:
    """Also when an earlier try is still in the topic."""
    earlier = detections(lambda _each: None, timestamp_ms=500)
    last = detections(lambda each: each.track.encode())

    assert verdict("03.balanced", evidence([*cameras(), *last]))
    assert verdict("03.balanced", evidence([*cameras(), *earlier, *last]))


@pytest.mark.parametrize(("sent", "again"), [(1_500, 1), (1_500, 1_499), (1_500, 0), (600, 600), (0, 1_500)])
def test_balanced_wants_all_detections(sent: int, again: int) -> None:
    """A handful cannot be uneven; what part 4 sent by camera has to be there again."""
    few = [*cameras()[:sent], *detections(lambda each: each.track.encode())[:again]]
    result = verdict("03.balanced", evidence(few))

    assert not result
    assert "as they are" in result.try_next or "from the top" in result.try_next


@pytest.mark.parametrize(
    ("key_of", "told"),
    [
        (lambda _each: None, "torn"),
        (lambda each: f"{each.camera}#{each.timestamp_ms // 200 % 4}".encode(), "torn"),
        (lambda each: each.id.encode(), "torn"),
        (lambda each: each.camera.encode(), "times the mean"),
        (lambda _each: b"all", "times the mean"),
        (lambda each: each.label.encode(), "times the mean"),
    ],
)
def test_balanced_tells_torn_from_uneven(key_of: Any, told: str) -> None:
    """No key, salt and the event's id tear passages; camera, label and one key for all do not spread."""
    result = verdict("03.balanced", evidence([*cameras(), *detections(key_of)]))

    assert not result
    assert told in result.happened


def test_balanced_sees_the_wrong_order() -> None:
    """In one partition each, and sent backwards."""
    backwards = placed(
        "camera.balanced",
        [(partition_of(each.track.encode(), 6), None, each.value) for each in reversed(DETECTIONS)],
    )

    assert "wrong order" in verdict("03.balanced", evidence([*cameras(), *backwards])).happened


@pytest.mark.parametrize("value", [b"", b"\xff", b"[]", b"7", json.dumps({"id": 1, "track": []}).encode()])
def test_balanced_overlooks_what_is_no_detection(value: bytes) -> None:
    """Whatever else lies in the topic."""
    stray = placed("camera.balanced", [(0, b"x", value)])

    assert not verdict("03.balanced", evidence([*cameras(), *stray]))
    assert verdict("03.balanced", evidence([*cameras(), *stray, *detections(lambda each: each.track.encode())]))


@given(st.sets(st.sampled_from([b"game-0001", b"game-0002", b"game-0003", b"game-0004"])))
def test_moved_accepts_the_games_that_moved(answer: set[bytes]) -> None:
    """Three of four, read from the log."""
    expected = {b"game-0001", b"game-0002", b"game-0003"}

    assert verdict("03.moved", evidence(games()), answer).passed == (answer == expected)


def test_moved_asks_for_more_partitions_first() -> None:
    """Before partitions were added nothing has moved."""
    assert "adds partitions" in verdict("03.moved", evidence(games(num_after=3), 3), set()).try_next
