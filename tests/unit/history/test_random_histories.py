"""Random histories: a Kafka that does everything right is never accused, and one mistake is always found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kit.history import Finding, History, Operation, Report, check
from tests.support.perfect_log import TOPIC, PerfectLog

NUM_STEPS = 150
SEEDS = st.integers(0, 2**32)


@given(st.randoms(use_true_random=False), st.integers(0, 60), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_right_history_has_no_finding(random: Random, num_steps: int, catch_up: bool, has_final_log: bool) -> None:
    """Retries, rebalances, deaths, seeks, retention and control records are no anomalies, whatever their order."""
    history = PerfectLog(random, has_final_log=has_final_log).run(num_steps, catch_up=catch_up)

    report = check(history, caught_up=catch_up, send_order="all")

    assert report.ok, report.explain()
    assert report.counts.keys() <= {"unseen"}
    assert report.num_foreign == 0


@given(SEEDS, st.booleans())
@settings(max_examples=20)
def test_saved_history_is_judged_alike(tmp_path_factory: pytest.TempPathFactory, seed: int, has_mistake: bool) -> None:
    """What was written and read again has the same operations, in the same orders, and the same report."""
    history = perfect(seed, has_final_log=True)
    if has_mistake:
        inconsistent_offsets(history, Random(seed))
    path: Path = tmp_path_factory.mktemp("history") / "history.jsonl"
    history.save(path)

    again = History.load(path)

    assert check(again).as_json() == check(history).as_json()
    assert [repr(operation) for operation in again.completions] == [repr(each) for each in history.completions]
    second = path.with_name("second.jsonl")
    again.save(second)
    assert second.read_bytes() == path.read_bytes()


def perfect(seed: int, *, has_final_log: bool) -> History:
    """A right history in which everything was read at the end."""
    return PerfectLog(Random(seed), has_final_log=has_final_log).run(NUM_STEPS, catch_up=True)


# Each mistake changes a right history in one place, and says which operations must be named.


def lost_write(history: History, random: Random) -> set[Operation]:
    """An acknowledged record is missing in the log at the end."""
    log = pick(random, [each for each in history if each.action == "final_log" and each.records])
    values = {value for _offset, value in log.records}
    send = pick(random, [each for each in acked(history) if values & {value for value, _offset in each.sent()}])
    gone = pick(random, [value for value, _offset in send.sent() if value in values])
    log.records = tuple(record for record in log.records if record[1] != gone)
    return {send, log}


def lost_write_of_a_reader(history: History, random: Random) -> set[Operation]:
    """A record that was read, and whose send has no known outcome, is missing in the log at the end."""
    sends = [each for each in history if each.action == "send" and each.outcome in {"unknown", "pending"}]
    send = pick(random, [each for each in sends if each.value in logged(history)])
    log = logged(history)[send.value]
    log.records = tuple(record for record in log.records if record[1] != send.value)
    return {send, log}


def lost_write_without_a_log(history: History, random: Random) -> set[Operation]:
    """No poll has an acknowledged record, though others read further."""
    last = {}
    for _poll, record in polled(history):
        last[record[1]] = max(last.get(record[1], -1), record[2])
    sends = [each for each in acked(history) if each.action == "send" and each.offset is not None]
    send = pick(random, [each for each in sends if each.offset < last[each.partition]])
    drop(history, send.value)
    return {send}


def unseen(history: History, random: Random) -> set[Operation]:
    """No poll has an acknowledged record, though it is in the log."""
    send = pick(random, [each for each in acked(history) if each.action == "send" and each.value in logged(history)])
    drop(history, send.value)
    return {send}


def duplicate(history: History, random: Random) -> set[Operation]:
    """The log ends with a record that it has already."""
    log = pick(random, [each for each in history if each.action == "final_log" and each.records])
    _offset, value = pick(random, log.records)
    log.records = (*log.records, (log.records[-1][0] + 100, value))
    [send] = [each for each in history for sent, _offset in each.sent() if sent == value]
    return {send, log}


def inconsistent_offsets(history: History, random: Random) -> set[Operation]:
    """A poll has another value at an offset than the log."""
    poll, record = pick(random, [each for each in polled(history) if each[1][4] in logged(history)])
    replace(poll, record, (*record[:4], "another"))
    return {poll}


def aborted_read(history: History, random: Random) -> set[Operation]:
    """A record was read, and its send turns out to have failed."""
    values = {record[4] for _poll, record in polled(history)}
    sends = [each for each in history if each.action == "send" and each.outcome in {"unknown", "pending"}]
    send = pick(random, [each for each in sends if each.value in values])
    send.outcome = "fail"
    return {send}


def nonmonotonic_send(history: History, random: Random) -> set[Operation]:
    """Two sends of one process began the other way round."""
    chosen = pick(random, neighbours(each for each in history if each in set(acked(history)) and has_offset(each)))
    first, second = (history.operations.index(each) for each in chosen)
    history.operations[first], history.operations[second] = history.operations[second], history.operations[first]
    return set(chosen)


def nonmonotonic_poll(history: History, random: Random) -> set[Operation]:
    """A poll begins with the record that the reader's last one ended with."""
    before, after, partition = pick(random, polls_in_a_row(history))
    again = [record for record in before.records if record[1] == partition][-1]
    after.records = (again, *after.records)
    return {before, after}


def poll_skip(history: History, random: Random) -> set[Operation]:
    """A poll lacks the record that was the reader's next."""
    rows = []
    for before, after, partition in polls_in_a_row(history):
        records = [record for record in after.records if record[1] == partition]
        if len(records) > 1 and records[0][4] in logged(history):
            rows.append((before, after, records[0]))
    before, after, missing = pick(random, rows)
    after.records = tuple(record for record in after.records if record != missing)
    return {before, after}


def int_nonmonotonic_poll(history: History, random: Random) -> set[Operation]:
    """One poll has a record twice."""
    poll, record = pick(random, list(polled(history)))
    place = poll.records.index(record)
    poll.records = (*poll.records[:place], record, *poll.records[place:])
    return {poll}


def int_poll_skip(history: History, random: Random) -> set[Operation]:
    """One poll lacks a record in its middle."""
    inner = [
        (poll, poll.records[place])
        for poll in history
        if poll.action == "poll"
        for place in range(1, len(poll.records) - 1)
        if poll.records[place - 1][1] == poll.records[place][1] == poll.records[place + 1][1]
        and poll.records[place][4] in logged(history)
    ]
    poll, record = pick(random, inner)
    poll.records = tuple(each for each in poll.records if each != record)
    return {poll}


MISTAKES: list[tuple[str, Callable[[History, Random], set[Operation]], bool]] = [
    ("lost-write", lost_write, True),
    ("lost-write", lost_write_of_a_reader, True),
    ("lost-write", lost_write_without_a_log, False),
    ("unseen", unseen, True),
    ("duplicate", duplicate, True),
    ("inconsistent-offsets", inconsistent_offsets, True),
    ("aborted-read", aborted_read, True),
    ("aborted-read", aborted_read, False),
    ("nonmonotonic-send", nonmonotonic_send, False),
    ("nonmonotonic-poll", nonmonotonic_poll, False),
    ("poll-skip", poll_skip, True),
    ("int-nonmonotonic-poll", int_nonmonotonic_poll, False),
    ("int-poll-skip", int_poll_skip, True),
]


@pytest.mark.parametrize(("name", "mistake", "has_final_log"), MISTAKES)
@given(SEEDS)
@settings(max_examples=25)
def test_one_mistake_is_found(
    name: str, mistake: Callable[[History, Random], set[Operation]], has_final_log: bool, seed: int
) -> None:
    """A right history with one mistake has a finding of that name, and it names the operations that prove it."""
    history = perfect(seed, has_final_log=has_final_log)
    culprits = mistake(history, Random(seed))

    report = check(history, caught_up=True)

    assert not report.ok
    assert [finding for finding in report.by_name(name) if names_all(finding, culprits)], told(report, culprits)


def names_all(finding: Finding, culprits: set[Operation]) -> bool:
    """The finding proves itself with these operations, and with few others."""
    return culprits <= set(finding.operations) and len(finding.operations) <= len(culprits) + 2


def told(report: Report, culprits: set[Operation]) -> str:
    """What to read when the test fails."""
    return f"{culprits}: {report.explain()}"


def pick(random: Random, places: Sequence[Any]) -> Any:
    """Where to make the mistake; a history with no such place is passed over."""
    assume(places)
    return random.choice(places)


def acked(history: History) -> list[Operation]:
    """Acknowledged sends, in the order of acknowledgement."""
    return [each for each in history.completions if each.action in {"send", "send_batch"} and each.outcome == "ok"]


def logged(history: History) -> dict[str, Operation]:
    """The values that are in the logs at the end, each with its log."""
    return {value: log for log in history if log.action == "final_log" for _offset, value in log.records}


def has_offset(send: Operation) -> bool:
    """Its acknowledgement had an offset."""
    return send.offset is not None


def polled(history: History) -> Iterator[tuple[Operation, tuple[str, int, int, None, str]]]:
    """Each poll with each of its records."""
    return ((poll, record) for poll in history if poll.action == "poll" for record in poll.records)


def replace(poll: Operation, old: object, new: tuple[object, ...]) -> None:
    """Put another record in a poll."""
    poll.records = tuple(new if record is old else record for record in poll.records)


def drop(history: History, value: str) -> None:
    """Take a value out of every poll."""
    for poll in history:
        if poll.action == "poll":
            poll.records = tuple(record for record in poll.records if record[4] != value)


def neighbours(sends: Iterator[Operation]) -> list[tuple[Operation, Operation]]:
    """Pairs of sends of one process to one partition, one after the other."""
    last: dict[object, Operation] = {}
    pairs = []
    for send in sends:
        at = (send.process, send.partition)
        if at in last:
            pairs.append((last[at], send))
        last[at] = send
    return pairs


def polls_in_a_row(history: History) -> list[tuple[Operation, Operation, int]]:
    """Pairs of polls of one process that both have records of a partition, with nothing between that moves it."""
    rows = []
    last: dict[tuple[object, int], Operation] = {}
    for each in history.completions:
        if each.action in {"assign", "subscribe", "seek"} or each.outcome == "unknown":
            last = {at: poll for at, poll in last.items() if at[0] != each.process}
        elif each.action == "poll":
            for partition in sorted({record[1] for record in each.records if record[0] == TOPIC}):
                before = last.get((each.process, partition))
                if before is not None:
                    rows.append((before, each, partition))
                last[each.process, partition] = each
    return rows
