"""The checks of assignment 1, "First pipeline": what its grading looks at too, on the student's own sample."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.pipeline_facts import (
    TOPIC,
    consume_facts,
    counted_first_fact,
    member_fact,
    only_read_fact,
    result_of,
    topic_facts,
)
from kit.checks.producer_facts import acknowledged_fact, listens_among, produce_facts
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import short

# Examples with what is right for them, worked out by hand: a notebook can read all of this.
# Each value alone comes first, so that what is shown is the one that matters.
_LISTENS: tuple[tuple[bytes | None, dict[str, int]], ...] = (
    (b'{"id":"listen-1","user":"ana","song":"Slow Umbrella"}', {"Slow Umbrella": 1}),
    (b"not JSON", {}),
    (b"[1, 2]", {}),
    (b'{"id":"listen-2","user":"ben","song":"Night Lanterns"}', {"Night Lanterns": 1}),
    (b'{"id":"listen-3","user":"ana","song":"Slow Umbrella"}', {"Slow Umbrella": 1}),
    (b'{"id":"listen-4","user":"eve"}', {}),
    (None, {}),
)
_PLAYS: tuple[tuple[tuple[Any, ...], Any], ...] = (
    *((([value],), expected) for value, expected in _LISTENS),
    (([value for value, _ in _LISTENS],), {"Slow Umbrella": 2, "Night Lanterns": 1}),
)
_ANY_VALUE = "A value can be anything, also None: what is no listen does not count, and the next value is looked at."
_LAGS: tuple[tuple[tuple[Any, ...], Any], ...] = (
    (({0: 10, 1: 4}, {0: 7, 1: 4}), 3),
    (({0: 5, 1: 0, 2: 3}, {0: 5}), 3),
    (({}, {}), 0),
)
_NO_COMMIT = (
    "A partition in which nothing was committed is missing in the second dictionary, and is read from offset 0."
)
_MOST_SHOWN = 400

title("A1", "First pipeline")


@judge("A1.topic")
def topic(evidence: Evidence, answer: Any) -> CheckResult:
    """Is the topic there, as it was asked for?"""
    del answer
    return result_of("A1.topic", topic_facts(evidence.partitions(TOPIC), evidence.topic_configs(TOPIC)))


@judge("A1.produce")
def produce(evidence: Evidence, answer: Any) -> CheckResult:
    """Is each listen in the log, where and how it should be, and did the function know?

    ``answer``: the listens that were to be sent, what the function returned, the ``acks`` that were asked for, and what
    it returned when every listen was refused.
    """
    name = "A1.produce"
    if not _is_produced(answer):
        hint = 'The cell is kit.check("A1.produce", cluster, (sample, acknowledged, acks, refused)).'
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    listens, returned, acks, refused = answer
    records = evidence.records(TOPIC)
    elsewhere = _elsewhere(evidence, listens) if not records else {}
    complete, *others = produce_facts(records, listens, len(evidence.log_end_offsets(TOPIC)), elsewhere)
    return result_of(name, [complete, acknowledged_fact(acks, (returned, refused), len(records)), *others])


def _elsewhere(evidence: Evidence, listens: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Other topics that hold some of the listens, such as one whose name was written in another way."""
    found = {name: listens_among(evidence.records(name), listens) for name in evidence.topic_names() if name != TOPIC}
    return {name: number for name, number in found.items() if number}


def _is_produced(answer: Any) -> bool:
    if not isinstance(answer, tuple) or len(answer) != 4:
        return False
    listens, _, acks, _ = answer
    return (
        isinstance(acks, Collection)
        and isinstance(listens, Sequence)
        and all(isinstance(each, Mapping) and {"id", "user"} <= each.keys() for each in listens)
    )


@judge("A1.plays")
def plays(evidence: Evidence, answer: Any) -> CheckResult:
    """Does your function count the plays of each song? ``answer``: the function."""
    del evidence
    return _of_function("A1.plays", answer, _PLAYS, _ANY_VALUE)


@judge("A1.lag")
def lag(evidence: Evidence, answer: Any) -> CheckResult:
    """Does your function know how far a group is behind? ``answer``: the function."""
    del evidence
    return _of_function("A1.lag", answer, _LAGS, _NO_COMMIT)


@judge("A1.consume")
def consume(evidence: Evidence, answer: Any) -> CheckResult:
    """Did your group count everything, once, and commit it when it was counted?

    ``answer``: what the first and the second run returned, and their group; of the run that was stopped, whether it
    counted with ``plays``, its group, and the id of the listen at which counting stopped; how many requests wrote, in
    all; and how many JoinGroup and LeaveGroup requests the first run made.
    """
    name = "A1.consume"
    if not isinstance(answer, tuple) or len(answer) != 8 or not _is_pair(answer[7]):
        hint = "Take the check's cell from the notebook as it was given to you, and run it again."
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    first, second, group, used, stopped, listen, num_writes, members = answer
    records = evidence.records(TOPIC)
    place = next(((each.partition, each.offset) for each in records if _is_listen(each, listen)), None)
    songs = _songs(records)
    if place is None or songs is None:
        return CheckResult(name, False, f"The listens are not in topic {TOPIC}.", f"topic {TOPIC}", "Do task 2 first.")
    ends, done = evidence.log_end_offsets(TOPIC), evidence.committed_offsets(group, TOPIC)
    committed = evidence.committed_offsets(stopped, TOPIC).get(place[0])
    facts = [member_fact(*members), *consume_facts((first, second), songs, ends, done, group)]
    return result_of(name, [*facts, counted_first_fact(used, place, committed), only_read_fact(num_writes)])


def _is_pair(answer: Any) -> bool:
    return isinstance(answer, tuple) and len(answer) == 2


def _is_listen(record: SeenRecord, listen_id: Any) -> bool:
    return isinstance(listen_id, str) and f'"{listen_id}"'.encode() in (record.value or b"")


def _songs(records: Sequence[SeenRecord]) -> Mapping[str, int] | None:
    """What was played; None when there is anything else than listens, as there is not once task 2 is done."""
    try:
        return Counter(json.loads(each.value or b"")["song"] for each in records)
    except (ValueError, TypeError, KeyError):
        return None


def _of_function(name: str, function: Any, cases: Sequence[tuple[tuple[Any, ...], Any]], hint: str) -> CheckResult:
    """What a function says of each case. ``hint``: what is easily forgotten."""
    if not callable(function):
        itself = "Hand in the function itself, without calling it."
        return CheckResult(name, False, f"Your answer is {short(function)}, not a function.", "your answer", itself)
    for arguments, expected in cases:
        shown = ", ".join(short(each, _MOST_SHOWN) for each in arguments)
        try:
            got = function(*arguments)
        except Exception as error:  # noqa: BLE001  (it is the student's own function)
            happened = f"Your function raised {type(error).__name__}: {error}"
            return CheckResult(name, False, happened, f"called with {shown}", hint)
        if got != expected:
            happened = f"Your function returned {short(got)}, and {short(expected)} was expected."
            return CheckResult(name, False, happened, f"called with {shown}", f"Do the example by hand. {hint}")
    return CheckResult(name, True, "It answered every example right.", "your function")
