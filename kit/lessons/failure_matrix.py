"""Which failures lose a record? Rows of replication factor, acks and `min.insync.replicas`, and how a run is read.

Nothing here knows what comes out of a row: the outcome is read from what the producer was told and from the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

KEPT, REFUSED, LOST = "taken and kept", "refused", "may be lost"
WORDS = (KEPT, REFUSED, LOST)

RESULTS_TOPIC = "failure-matrix.results"
"""Where a run leaves what it saw: by row (the key) a `Seen` as JSON."""

_MAX_ISR = 8


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that goes wrong, for all of its rows at once.

    Attributes:
        name: one letter.
        title: a few words.
        text: what exactly happens, and in which order.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the matrix.

    Attributes:
        failure: the name of its `Failure`.
        acks: of the producer: "0", "1" or "all".
        unclean: `unclean.leader.election.enable` of the topic.
    """

    number: int
    failure: str
    replication_factor: int
    acks: str
    min_insync_replicas: int
    unclean: bool = False

    @property
    def configs(self) -> dict[str, str]:
        """The topic's settings, in Kafka's words."""
        return {
            "min.insync.replicas": str(self.min_insync_replicas),
            "unclean.leader.election.enable": str(self.unclean).lower(),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run of a row saw.

    Attributes:
        value: of the record that was sent while something was wrong.
        error: Kafka's name of the answer; empty when there was none, or none was asked for.
        offset: that was acknowledged; None without an acknowledgement, as always with acks=0.
        isr: the in-sync replicas when it was sent.
        leader: of the partition then.
        next_leader: who led when that broker was dead; None for nobody, and where it did not die.
        in_log: whether the record is in the log, once all brokers are back and in sync.
    """

    row: int
    topic: str
    value: str
    error: str
    offset: int | None
    isr: tuple[int, ...]
    leader: int | None
    next_leader: int | None
    in_log: bool

    def as_json(self) -> str:
        """For the results topic."""
        return json.dumps(asdict(self))


FAILURES = (
    Failure(
        "A",
        "One follower is dead",
        "A broker that follows is killed and drops out of the in-sync replicas. Then one record is sent.",
    ),
    Failure(
        "B",
        "Two followers are dead",
        "Only the leader is left. Then one record is sent.",
    ),
    Failure(
        "C",
        "The leader dies before anybody has copied the record",
        "The network between the leader and the other brokers breaks. One record is sent to the leader. The leader "
        "dies, and comes back when another broker leads.",
    ),
    Failure(
        "D",
        "A follower that is behind comes back first",
        "Both followers die. One record is sent to the leader. The leader dies too, and one of the followers comes "
        "back; the leader later.",
    ),
)

ROWS = (
    Row(1, "A", 3, "all", 2),
    Row(2, "A", 3, "all", 3),
    Row(3, "A", 2, "all", 2),
    Row(4, "B", 3, "all", 2),
    Row(5, "B", 3, "all", 1),
    Row(6, "B", 3, "1", 2),
    Row(7, "C", 3, "0", 2),
    Row(8, "C", 3, "1", 2),
    Row(9, "C", 3, "all", 2),
    Row(10, "C", 1, "all", 1),
    Row(11, "D", 3, "all", 1),
    Row(12, "D", 3, "all", 1, unclean=True),
)


def rows_of(failure: str) -> list[Row]:
    """The rows that a failure is tried on."""
    return [row for row in ROWS if row.failure == failure]


def outcome(seen: Seen) -> str:
    """One of `WORDS`, from the answer and the log.

    A record that is in the log although the producer was told of an error counts as kept: it is there.
    """
    if seen.in_log:
        return KEPT
    return REFUSED if seen.error else LOST


def why(seen: Seen) -> str:
    """The reason in one or two sentences, from what was seen."""
    row = ROWS[seen.row - 1]
    return {KEPT: _why_kept, REFUSED: _why_refused, LOST: _why_lost}[outcome(seen)](row, seen)


def _why_refused(row: Row, seen: Seen) -> str:
    if len(seen.isr) < row.min_insync_replicas:
        return (
            f"{seen.error}: acks=all demands {row.min_insync_replicas} replicas in sync, and there "
            f"{'is' if len(seen.isr) == 1 else 'are'} {_in_sync(seen)}. The leader refused before it wrote anything."
        )
    return f"{seen.error}: no acknowledgement came, and the log at the end does not have the record."


def _why_lost(row: Row, seen: Seen) -> str:
    if row.acks == "0":
        return (
            "acks=0 asks for no answer, so the producer went on, and nobody was told of an error. "
            f"The next leader, {_next(seen)}, never had the record."
        )
    told = f"Broker {seen.leader} acknowledged it, at offset {seen.offset},"
    if row.unclean:
        return (
            f"{told} as the only one in sync. Then {_next(seen)} was elected although it was not in sync: an unclean "
            "election. What it had never copied was cut off everywhere."
        )
    return (
        f"{told} alone, because acks=1 waits for nobody else. The next leader, {_next(seen)}, never had it, and the "
        "next leader's log is the one that counts."
    )


def _why_kept(row: Row, seen: Seen) -> str:
    if row.failure == "C" and seen.next_leader is not None:
        return (
            f"Broker {seen.leader} could not acknowledge: nobody had copied the record. So the producer tried again, "
            f"until {_next(seen)} led and took it, at offset {seen.offset}."
        )
    if row.failure in {"C", "D"}:
        reason = "there is no other replica" if row.replication_factor == 1 else "the one that came back is behind"
        return (
            f"Nobody led while broker {seen.leader} was dead: {reason}. Offline, but not lost: a crash keeps what is "
            "on disk, and the leader brought it back."
        )
    if row.acks != "all":
        return (
            "min.insync.replicas counts for acks=all only, so the leader took the record alone. Consumers saw it when "
            "enough replicas were in sync again."
        )
    enough = f"acks=all demands {row.min_insync_replicas} in sync, and there {'is' if len(seen.isr) == 1 else 'are'}"
    if len(seen.isr) == 1:
        return f"{enough} {_in_sync(seen)}. No majority is needed: replicas do not vote. But only this broker had it."
    return f"{enough} {_in_sync(seen)}. All of them had the record before it was acknowledged."


def _in_sync(seen: Seen) -> str:
    brokers = " and ".join(map(str, sorted(seen.isr)))
    return f"{len(seen.isr)} (broker{'s' * (len(seen.isr) > 1)} {brokers})" if brokers else "none"


def _next(seen: Seen) -> str:
    return "which nobody was" if seen.next_leader is None else f"broker {seen.next_leader}"


# -- predictions -------------------------------------------------------------------------------------------------------


def cleaned(predictions: object) -> dict[int, str]:
    """The predictions that can be understood, by row; whatever else was handed in is left out."""
    if not isinstance(predictions, Mapping):
        return {}
    found: dict[int, str] = {}
    numbers = {row.number for row in ROWS}
    for key, word in predictions.items():
        number = _number(key)
        if number in numbers and isinstance(word, str) and word.strip().lower() in WORDS:
            found[number] = word.strip().lower()
    return dict(sorted(found.items()))


def _number(key: object) -> int:
    if isinstance(key, bool) or not isinstance(key, int | str):
        return 0
    try:
        return int(key)
    except ValueError:
        return 0


def wrong(predictions: Mapping[int, str], seen: Mapping[int, Seen]) -> list[int]:
    """The rows that were predicted and run, and came out otherwise."""
    return [number for number, word in predictions.items() if number in seen and outcome(seen[number]) != word]


def missing(predictions: Mapping[int, str]) -> list[int]:
    """The rows without a prediction."""
    return [row.number for row in ROWS if row.number not in predictions]


def in_words(numbers: Sequence[int]) -> str:
    """Rows by number: "row 3", "rows 3, 4 and 7", "all rows"."""
    if len(numbers) == len(ROWS):
        return "all rows"
    *most, last = numbers
    return f"rows {', '.join(map(str, most))} and {last}" if most else f"row {last}"


def as_python(predictions: Mapping[int, str]) -> str:
    """Predictions as a student writes them down."""
    lines = [f'    {number}: "{word}",' for number, word in sorted(predictions.items())]
    return "\n".join(["predictions = {", *lines, "}"]) if lines else "predictions = {}"


def read_results(values: Iterable[bytes | None]) -> dict[int, Seen]:
    """What runs left in the results topic, the newest of each row; what is no result is left out."""
    found: dict[int, Seen] = {}
    for value in values:
        seen = _read(value)
        if seen is not None:
            found[seen.row] = seen
    return found


def _read(value: bytes | None) -> Seen | None:
    try:
        content: Any = json.loads(value or b"")
        seen = Seen(**{**content, "isr": tuple(content["isr"])[:_MAX_ISR]})
    except (ValueError, TypeError, KeyError):
        return None
    texts = (seen.topic, seen.value, seen.error)
    is_whole = type(seen.row) is int and 1 <= seen.row <= len(ROWS) and all(isinstance(each, str) for each in texts)
    return seen if is_whole and isinstance(seen.in_log, bool) else None
