"""What producers were told against what the log holds in the end: kept, lost, refused, or unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kit.history import History, check
from kit.history.operation import Operation

KEPT, LOST, REFUSED, UNKNOWN = "kept", "lost", "refused", "unknown"
WORDS = (KEPT, LOST, REFUSED, UNKNOWN)

Log = Mapping[int, Iterable[tuple[int, Any]]]
"""By partition the offsets and values that a topic holds, in the order of the offsets."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One record that was sent.

    Attributes:
        told: the answer in words.
        at: partition and offset where the log holds it; None when it does not.
        word: one of `WORDS`.
        why: the reason in one sentence.
    """

    operation: Operation
    told: str
    at: tuple[int, int] | None
    word: str
    why: str


def outcomes(history: History, topic: str, log: Log) -> list[Outcome]:
    """Judge every send to a topic by its log, which was read when all was quiet; what is lost `kit.history` says.

    Raises:
        kit.history.HistoryError: a value was sent twice to the topic.
    """
    sends = sends_to(history, topic)
    places = {value: (partition, offset) for partition, held in log.items() for offset, value in held}
    lost = _lost(sends, topic, log)
    return [_judged(each, places.get(each.value), is_lost=place in lost) for place, each in enumerate(sends)]


def sends_to(history: History, topic: str) -> list[Operation]:
    """The sends to a topic, as they began."""
    return [each for each in history.operations if each.action == "send" and each.topic == topic]


def _lost(sends: Iterable[Operation], topic: str, log: Log) -> set[int]:
    """The places among the sends of those that were acknowledged and are not in the log, as `kit.history` judges."""
    copied = History()  # in one of their own: of several final logs a history believes the first
    for each in sends:
        copy = copied.invoke(each.process, "send", topic, each.partition, each.key, each.value)
        if each.outcome == "ok":
            copy.ok(partition=each.partition, offset=each.offset)
        else:
            copy.unknown(each.error)
    for partition, held in log.items():
        copied.final_log(topic, partition, held)
    return {each.operations[0].index for each in check(copied).by_name("lost-write")}


def _judged(sent: Operation, at: tuple[int, int] | None, *, is_lost: bool) -> Outcome:
    if sent.outcome == "ok":
        told = f"acknowledged, offset {sent.offset}" if sent.offset is not None else "acknowledged"
        if at is None or is_lost:
            return Outcome(sent, told, at, LOST, "The producer was told that it is written. The log does not have it.")
        return Outcome(sent, told, at, KEPT, "The producer was told that it is written, and it is.")
    told = sent.error or "nothing"
    if told.startswith("acks=0"):
        why = "acks=0 asks for no answer, so the producer never knew."
        return Outcome(sent, "nothing, with acks=0", at, UNKNOWN if at is None else KEPT, why)
    if at is not None:
        why = "No acknowledgement, and the log has it all the same. Sent once more, it would be there twice."
        return Outcome(sent, told, at, UNKNOWN, why)
    if sent.outcome == "pending":
        return Outcome(sent, "nothing yet", None, UNKNOWN, "The producer still waits.")
    return Outcome(sent, told, None, REFUSED, "No acknowledgement, and the log does not have it: nobody was misled.")


def in_words(judged: Iterable[Outcome]) -> str:
    """How many of each: "2 kept, 3 lost"."""
    words = [each.word for each in judged]
    counted = [f"{words.count(word)} {word}" for word in WORDS if word in words]
    return ", ".join(counted) or "nothing was sent"
