"""The hash wheel and the sizing estimator without a cluster: what they show, and what they make of odd input."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.lessons.partition_choice import CRC32, partition_of
from kit.widgets import HashWheel, SizingEstimator


@pytest.fixture(scope="module")
def wheel() -> Iterator[HashWheel]:
    """Give a wheel without a cluster."""
    wheel = HashWheel()
    yield wheel
    wheel.close()


@given(key=st.text(max_size=60), partitions=st.integers(-5, 60))
def test_wheel_shows_what_the_clients_do(wheel: HashWheel, key: str, partitions: int) -> None:
    """Any text is a key, and any number becomes one that has a wheel."""
    wheel.key, wheel.partitions = key, partitions
    shown = [client["partition"] for client in wheel.picture["clients"]]

    assert 1 <= wheel.partitions <= 24
    data = wheel.key.encode()
    assert shown == (
        [None, None] if not key else [partition_of(data, wheel.partitions, name) for name in ("murmur2", CRC32)]
    )
    assert len(json.dumps(wheel.picture)) < 5_000


def test_wheel_counts_the_keys_that_move(wheel: HashWheel) -> None:
    """In the picture and in the sentence."""
    wheel.key, wheel.before, wheel.partitions = "ana", 6, 8

    assert wheel.picture["clients"][0]["moved"].count("1") == 145
    assert "145 of 200 (72 %) with murmur2" in str(wheel)
    wheel.partitions = 6
    assert "1" not in wheel.picture["clients"][0]["moved"]


@pytest.mark.parametrize("key", ["\ud800", "x" * 10_000, "<b>"])
def test_wheel_takes_odd_keys(wheel: HashWheel, key: str) -> None:
    """Half a character, a very long one, HTML: cut or replaced, never an error."""
    wheel.key = key

    assert len(wheel.key) <= 500
    assert wheel.picture["asked"][0] == wheel.key


@pytest.mark.parametrize(
    "message", [None, 7, [], {}, {"type": "send"}, {"type": "send", "hash": "md5"}, {"type": "send", "hash": []}]
)
def test_wheel_overlooks_messages_that_make_no_sense(wheel: HashWheel, message: Any) -> None:
    """Whatever the browser sends."""
    before = wheel.said
    wheel._handle_custom_msg(message, [])  # noqa: SLF001 - ipywidgets has no other way in

    assert wheel.said == before


def test_wheel_without_a_cluster_says_so_each_time(wheel: HashWheel) -> None:
    """The browser hears of changes only: the same answer twice is still two answers."""
    wheel.send()
    first = wheel.said
    wheel.send(CRC32)

    assert first["text"] == wheel.said["text"] == "This wheel has no cluster: HashWheel(cluster, topic)."
    assert first != wheel.said


@pytest.fixture
def estimator() -> Iterator[SizingEstimator]:
    """Give an estimator without a cluster."""
    estimator = SizingEstimator()
    yield estimator
    estimator.close()


def test_estimator_shows_the_slides_example(estimator: SizingEstimator) -> None:
    """14, and why not 4."""
    assert (estimator.result["partitions"], estimator.result["slides_answer"]) == (14, 4)
    assert "how many times too few clients" in str(estimator)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"target": None}, "The target is missing: it has to be a number."),
        ({"target": "<b>"}, "The target is '<b>'"),
        ({"producer_rate": 0}, "The rate of a producer is 0: it has to be more than 0"),
        ({"consumers": 1.5}, "The number of consumers is 1.5: it has to be a whole number"),
        ({"replication_factor": []}, "The replication factor is []"),
        ({"target": 1e9, "producer_rate": 1e-9}, "another unit"),
    ],
)
def test_estimator_answers_senseless_numbers_in_words(
    estimator: SizingEstimator, asked: dict[str, Any], told: str
) -> None:
    """By the names that the form has, and the next good number brings the figures back."""
    good = estimator.asked
    estimator.asked = {**good, **asked}
    assert told in str(estimator)
    estimator.asked = {}
    assert estimator.result["error"]

    estimator.asked = good
    assert estimator.result["partitions"] == 14


def test_estimator_begins_with_other_numbers() -> None:
    """By name, and a name that is not there is refused."""
    estimator = SizingEstimator(target=120, producer_rate=10, consumer_rate=30)
    assert estimator.result["partitions"] == 12
    estimator.close()
    with pytest.raises(TypeError, match="no 'tarket'"):
        SizingEstimator(tarket=1)
