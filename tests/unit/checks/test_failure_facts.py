"""The facts after a failure: right work has them all, each planted mistake breaks exactly its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kit.checks import SeenRecord, verdict
from kit.checks.failure_facts import (
    commit_facts,
    losing_facts,
    refusing_facts,
    result_facts,
    safe_results_fact,
    written_facts,
)
from kit.checks.pipeline_facts import Fact
from tests.support.fake_evidence import FakeEvidence

GIVEN = [[f"customer-{number % 4}", json.dumps({"order": number, "amount": 10 * number})] for number in range(40)]


def log_of(topic: str = "orders") -> list[SeenRecord]:
    """What a right producer leaves."""
    made: list[SeenRecord] = []
    for key, value in GIVEN:
        partition = int(key[-1]) % 3
        offset = sum(each.partition == partition for each in made)
        made.append(SeenRecord(topic, partition, offset, 0, key.encode(), value.encode()))
    return sorted(made, key=lambda each: (each.partition, each.offset))


def report_of(records: list[SeenRecord]) -> list[Any]:
    """Where each record that was given is."""
    places = {each.value: [each.partition, each.offset] for each in records}
    return [places.get(value.encode()) for _, value in GIVEN]


def results_of(orders: list[SeenRecord]) -> list[SeenRecord]:
    """What a right consumer stores, read once."""
    rows = [
        (f"{each.partition}-{each.offset}", each.partition, each.offset, json.loads(each.value or b"")["amount"])
        for each in orders
    ]
    return [
        SeenRecord(
            "results", 0, number, 0, key.encode(), json.dumps({"partition": p, "offset": o, "result": r}).encode()
        )
        for number, (key, p, o, r) in enumerate(rows)
    ]


def broken(facts: list[Fact]) -> set[str]:
    """The names of the facts that do not hold; each of them says what to try."""
    wrong = [fact for fact in facts if not fact.holds]
    assert all(fact.try_next for fact in wrong)
    return {fact.name for fact in wrong}


Log = list[SeenRecord]


def moved(log: Log, number: int, **fields: Any) -> Log:
    """One record is another one."""
    old = log[number]
    new = {"partition": old.partition, "offset": old.offset, "key": old.key, "value": old.value} | fields
    changed = SeenRecord(old.topic, new["partition"], new["offset"], 0, new["key"], new["value"])
    return [*log[:number], changed, *log[number + 1 :]]


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda log: log, set()),
        (lambda log: log[:-1], {"lost-write"}),
        (lambda log: [*log, SeenRecord("orders", 2, 99, 0, log[-1].key, log[-1].value)], {"duplicate"}),
        (lambda log: [*log, SeenRecord("orders", 2, 99, 0, log[-1].key, b"mine")], {"duplicate"}),
        (lambda log: moved(log, 0, partition=1, offset=99), {"partitioning"}),
        (lambda log: moved(moved(log, 0, value=log[4].value), 4, value=log[0].value), {"order"}),
        (lambda log: log[:0], {"lost-write", "duplicate", "partitioning", "order"}),
    ],
)
def test_a_producer_breaks_its_fact(spoil: Callable[[Log], Log], expected: set[str]) -> None:
    """And no other."""
    log = spoil(log_of())
    places = zip(report_of(log_of()), report_of(log), strict=True)
    assert broken(written_facts(log, GIVEN, [now or before for before, now in places], "topic orders")) == expected


_TOLD = report_of(log_of())


@pytest.mark.parametrize(
    "report",
    [
        [None] * len(GIVEN),
        [[0, 0]] * len(GIVEN),
        _TOLD[::-1],
        [told if number % 4 else None for number, told in enumerate(_TOLD)],
    ],
)
def test_a_report_that_is_not_true_is_told(report: list[Any]) -> None:
    """A right log does not make it right."""
    assert broken(written_facts(log_of(), GIVEN, report, "topic orders")) == {"report"}


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda rows: rows + rows, set()),
        (lambda rows: rows[:-1], {"results"}),
        (lambda rows: moved(rows, 3, value=rows[4].value), {"results", "repeat"}),
        (lambda rows: [*rows, moved(rows, 0, key=None)[0]], {"repeat"}),
        (lambda rows: [*rows, moved(rows, 0, key=b"other")[0]], {"repeat"}),
        (lambda rows: [moved([row], 0, key=b"result")[0] for row in rows], {"repeat"}),
        (lambda rows: rows[:0], {"results", "repeat"}),
        (lambda rows: moved(rows, 0, value=(rows[0].value or b"").replace(b"0", b'"0"')), {"results"}),
        (lambda rows: moved(rows, 0, value=b'{"partition": [0], "offset": {}}'), {"results"}),
    ],
)
def test_a_consumer_breaks_its_fact(spoil: Callable[[Log], Log], expected: set[str]) -> None:
    """And no other."""
    orders = log_of()
    assert broken(result_facts(orders, spoil(results_of(orders)), "topic results")) == expected


@pytest.mark.parametrize(("asked", "holds"), [([-1, -1], True), ([], True), ([-1, 1], False), ([0], False)])
def test_results_wait_for_all_in_sync_replicas(asked: list[int], holds: bool) -> None:
    """A leader that dies would take what it alone has to have."""
    assert safe_results_fact(asked, "topic results").holds is holds


@pytest.mark.parametrize(
    ("committed", "stored", "expected"),
    [
        ({0: 5, 1: 5}, [5, 10], set()),
        ({0: 5, 1: 5}, [0, 10], {"committed-before-processed"}),
        ({0: 5}, [5], {"committed"}),
        ({}, [], {"committed-before-processed", "committed"}),
    ],
)
def test_commits_come_after_results_and_to_the_end(
    committed: dict[int, int], stored: list[int], expected: set[str]
) -> None:
    """Whoever commits first, or not at all, is told."""
    assert broken(commit_facts({0: 5, 1: 5, 2: 0}, {"tally": committed}, stored, "group tally")) == expected


def test_a_choice_is_seen_in_report_and_log() -> None:
    """Who refused acknowledged nothing; who went on lost it."""
    log, told, nothing = log_of(), report_of(log_of()), [None] * len(GIVEN)
    assert refuses([], nothing) == set()
    assert refuses(log, told) == {"refuses"}
    assert refuses([], told) == {"refuses", "keeps"}
    assert loses([], told) == set()
    assert loses(log, told) == {"loses"}
    assert loses([], nothing) == {"goes on", "loses"}


def test_a_choice_that_was_only_claimed_is_told() -> None:
    """Who sent nothing, did not wait, or left the topic's settings as they were has not chosen."""
    told, nothing = report_of(log_of()), [None] * len(GIVEN)
    assert refuses([], nothing, asked=[]) == {"refuses"}
    assert refuses([], nothing, asked=[0, 0]) == {"refuses"}
    assert refuses([], nothing, least="1") == {"refuses"}
    assert refuses([], nothing, unclean="true") == {"keeps"}
    assert loses([], told, asked=[]) == {"goes on", "loses"}
    assert loses([], [[0, 0]] * len(GIVEN)) == {"goes on", "loses"}
    assert loses([], told, least="2") == {"goes on", "loses"}


def refuses(
    log: Log, report: list[Any], asked: Sequence[int] = (-1,), least: str = "2", unclean: str = "false"
) -> set[str]:
    """What is wrong with somebody who is to say no."""
    configs = {"min.insync.replicas": least, "unclean.leader.election.enable": unclean}
    return broken(refusing_facts(log, GIVEN, report, "topic ledger", asked=asked, configs=configs))


def loses(log: Log, report: list[Any], asked: Sequence[int] = (1,), least: str = "1") -> set[str]:
    """What is wrong with somebody who is to lose."""
    configs = {"min.insync.replicas": least}
    return broken(losing_facts(log, GIVEN, report, "topic likes", asked=asked, configs=configs))


@pytest.mark.parametrize("name", ["A2.produce", "A2.consistent", "A2.available"])
@pytest.mark.parametrize("answer", [None, 3, (GIVEN, None), (GIVEN, [None]), (GIVEN, [[0]] * len(GIVEN))])
def test_what_is_no_report_is_told(name: str, answer: Any) -> None:
    """Whatever a function returns, the check has a sentence for it."""
    result = verdict(name, FakeEvidence(log_of()), answer)
    assert not result.passed
    assert "one entry for each record" in result.try_next


def test_a_run_without_a_death_proves_nothing() -> None:
    """The cell lets a leader die; a right log alone does not pass."""
    result = verdict("A2.produce", FakeEvidence(log_of()), (GIVEN, report_of(log_of())))
    assert not result.passed
    assert "No leader" in result.happened
