"""One run of the arena, indexed once so that each checker needs a single walk: who wrote, acknowledged, read what.

Everything comes from brokers and the harness. Only `Case.reported` is the student's own word.
"""

from __future__ import annotations

import bisect
import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from autograder.arena.plan import Records
from kit.history import History
from kit.history.evidence import Evidence

Entry = Mapping[str, Any]
_SHOWN = 60


class Place(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition} offset {self.offset}"


class Attempt(NamedTuple):
    """A Produce request that had a record in it.

    ``offset`` is what the client was told; None when it was told nothing good.
    """

    entry: Entry
    partition: int
    offset: int | None


class Row(NamedTuple):
    """One result that a student's consumer stored in a topic."""

    place: Place
    key: str | None
    partition: Any
    offset: Any
    result: Any
    text: str


class Case:
    """One run.

    Args:
        evidence: what `autograder.arena.play` gave for it.
        topic: that the student wrote to and read.
        results: the topic that the student's results went to; None when there is none.

    Attributes:
        given: the values that the student was to write, with their place in that order.
        keys: their keys.
        logs: partition -> [offset, key, value, ...] of the topic as it is at the end.
        places: value -> where it is at the end.
        attempts: value -> the Produce requests that had it, in order.
    """

    def __init__(self, evidence: Mapping[str, Any], topic: str, results: str | None = None) -> None:
        self.evidence = evidence
        self.topic = topic
        self.results = results
        self._texts: dict[str, dict[str, Any]] = {}
        self.given: dict[str, int] = {value: number for number, (_, value) in enumerate(evidence["given"])}
        self.keys: list[str | None] = [key for key, _ in evidence["given"]]
        self.logs: dict[int, list[Any]] = dict(self._logs(topic))
        self.places: dict[str, list[Place]] = {}
        for partition, records in self.logs.items():
            for record in records:
                self.places.setdefault(record[2], []).append(Place(topic, partition, record[0]))
        self.attempts: dict[str, list[Attempt]] = {}
        for entry in self.entries("Produce"):
            for attempt, value in _attempts(entry, topic):
                self.attempts.setdefault(value, []).append(attempt)

    @property
    def name(self) -> str:
        """The run and its seed, for sentences."""
        return f"run {self.evidence['run']}, seed {self.evidence['seed']}"

    def entries(self, api: str) -> Iterator[Entry]:
        """The journal's entries for one API, in order."""
        return (entry for entry in self.evidence["entries"] if entry["api"] == api)

    def step(self, name: str) -> Mapping[str, Any]:
        """What is known of a step, by its name; a step that never began has nothing."""
        nothing = {"name": name, "value": None, "error": None, "began": 0, "ended": 0}
        return next((each for each in self.evidence["steps"] if each["name"] == name), nothing)

    @property
    def last_step_ended(self) -> int:
        """When the last step was over: whatever is answered later, no function of the student's has heard."""
        return max((each["ended"] for each in self.evidence["steps"]), default=0)

    def during(self, step: str, api: str) -> Iterator[Entry]:
        """The entries for one API that came while a step was under way."""
        known = self.step(step)
        return (entry for entry in self.entries(api) if known["began"] <= entry["began"] <= known["ended"])

    def _logs(self, topic: str) -> Iterator[tuple[int, list[Any]]]:
        for partition in range(self.evidence["topics"].get(topic, 0)):
            log = self.evidence["logs"].get(f"{topic}-{partition}")
            yield partition, [] if log is None else log["records"]

    @functools.cached_property
    def full(self) -> dict[str, str]:
        """Given value as evidence shows it -> the whole of it."""
        made = Records(**self.evidence["records"]).made(self.evidence["seed"])
        return {shown: whole for shown, (_, whole) in zip(self.given, made, strict=True)}

    # -- what clients were told --------------------------------------------------------------------------------------

    @functools.cached_property
    def acknowledged(self) -> dict[str, Attempt]:
        """Value -> the first Produce request that was answered with its offset."""
        return {
            value: attempt
            for value, attempts in self.attempts.items()
            for attempt in attempts[::-1]
            if attempt.offset is not None
        }

    @functools.cached_property
    def reported(self) -> dict[str, Place | None]:
        """Value -> what the student's function said of it: where it is, or None for "not written".

        Of the first step that returned a list with [partition, offset] or null for each record that it was given.
        """
        for step in self.evidence["steps"]:
            value = step["value"]
            if isinstance(value, list) and len(value) == len(self.given) and all(map(_is_report, value)):
                return {
                    sent: None if each is None else Place(self.topic, each[0], each[1])
                    for sent, each in zip(self.given, value, strict=True)
                }
        return {}

    @functools.cached_property
    def history(self) -> History:
        """The sends of the given records and the log at the end, in the kit's vocabulary."""
        history = History()
        for value, number in self.given.items():
            attempts = self.attempts.get(value)
            if not attempts:
                continue
            send = history.invoke("producer", "send", self.topic, None, self.keys[number], value)
            first = self.acknowledged.get(value)
            if first is None:
                send.unknown("never acknowledged")
            else:
                send.ok(partition=first.partition, offset=first.offset)
        for partition, records in self.logs.items():
            history.final_log(self.topic, partition, [(record[0], record[2]) for record in records])
        return history

    @functools.cached_property
    def faults(self) -> Evidence:
        """The same, gathered for the judges of `kit.history.sends`."""
        return Evidence(self.history.operations, self.history.completions)

    # -- what was read and committed -----------------------------------------------------------------------------------

    @functools.cached_property
    def fetched(self) -> dict[int, list[tuple[int, int, Entry]]]:
        """Partition -> (first offset, offset after the last, request) of each fetch that brought records."""
        found: dict[int, list[tuple[int, int, Entry]]] = {partition: [] for partition in self.logs}
        for entry in self.entries("Fetch"):
            starts = {(topic, partition): offset for topic, partition, offset in entry["asked"].get("offsets", ())}
            for answer in entry["answered"] or ():
                if len(answer) > 1 and answer[0] == self.topic and answer[5]:
                    start = max(answer[3], starts.get((answer[0], answer[1]), answer[3]))
                    found.setdefault(answer[1], []).append((start, answer[4], entry))
        return found

    @functools.cached_property
    def rows(self) -> list[Row]:
        """What the results' topic holds at the end, partition by partition."""
        topic = self.results
        if topic is None:
            return []
        return [
            self._row(Place(topic, partition, record[0]), record[1], record[2])
            for partition, records in self._logs(topic)
            for record in records
        ]

    @functools.cached_property
    def stored(self) -> dict[tuple[Any, Any], list[tuple[int, Entry]]]:
        """(partition, offset) -> (when it was acknowledged, request) for each time that a result for it was stored."""
        found: dict[tuple[Any, Any], list[tuple[int, Entry]]] = {}
        for entry in self.entries("Produce") if self.results is not None else ():
            told = _told(entry)
            for batch in entry["asked"].get("batches", ()):
                if batch["topic"] != self.results or (self.results, batch["partition"]) not in told:
                    continue
                for _, _, text in batch["records"]:
                    row = self._parsed(text)
                    where = (row.get("partition"), row.get("offset"))
                    if is_place(*where):
                        found.setdefault(where, []).append((entry["ended"], entry))
        return found

    @property
    def has_nameless_results(self) -> bool:
        """Whether results are stored that do not say which record they are of."""
        return any(not is_place(row.partition, row.offset) for row in self.rows)

    def _parsed(self, text: str | None) -> dict[str, Any]:
        """A result as JSON; empty when it is none."""
        known = self._texts.get(text or "")
        if known is None:
            try:
                row = json.loads(text or "")
            except (ValueError, RecursionError):
                row = None
            known = self._texts[text or ""] = row if isinstance(row, dict) else {}
        return known

    def _row(self, place: Place, key: str | None, text: str | None) -> Row:
        row = self._parsed(text)
        return Row(place, key, row.get("partition"), row.get("offset"), row.get("result"), text or "")

    # -- words ---------------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _starts(self) -> list[int]:
        return [step["began"] for step in self.evidence["steps"]]

    def step_of(self, entry: Entry) -> str:
        """The step during which a request came."""
        number = bisect.bisect_right(self._starts, entry["began"]) - 1
        return self.evidence["steps"][number]["name"] if number >= 0 else "before the first step"

    def line(self, entry: Entry, what: str) -> str:
        """One operation for a proof."""
        outcome = {
            "answered": "answered",
            "refused": f"refused: {entry['reason']}",
            "pending": "never answered",
        }.get(entry["state"], _FAULTS.get(entry["fault"], "lost"))
        return (
            f"event {entry['began']}: {entry['api']} to broker {entry['node']} in {self.step_of(entry)}, "
            f"{what}; {outcome}"
        )


_FAULTS = {
    "lose": "it never arrived",
    "lose_reply": "it was served, and the reply was lost",
    "hang_up": "it was served, and the connection broke before the reply",
    "turn_away": "the connection broke before it was served",
}


def is_place(partition: Any, offset: Any) -> bool:
    """Whether both are whole numbers, as a result has to name its record."""
    return type(partition) is int and type(offset) is int


def short(value: str | None) -> str:
    """A value for a sentence."""
    text = "null" if value is None else value
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _told(entry: Entry) -> dict[tuple[str, int], int]:
    """(topic, partition) -> the offset that the client was told for the first record of its batch."""
    if entry["asked"].get("acks") == 0:
        return {}
    return {(each[0], each[1]): each[3] for each in entry["answered"] or () if each[2] == 0 and each[3] >= 0}


def _attempts(entry: Entry, topic: str) -> Iterator[tuple[Attempt, str]]:
    told = _told(entry)
    for batch in entry["asked"].get("batches", ()):
        if batch["topic"] != topic:
            continue
        base = told.get((topic, batch["partition"]))
        for number, record in enumerate(batch["records"]):
            yield Attempt(entry, batch["partition"], None if base is None else base + number), record[2]


def _is_report(each: Any) -> bool:
    return each is None or (
        isinstance(each, list) and len(each) == 2 and all(isinstance(number, int) for number in each)
    )
