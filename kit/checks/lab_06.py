"""The checks of lab 06, replication and failover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from kit.checks.evidence import Evidence, SeenPartition
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import short
from kit.lessons.failure_matrix import (
    FAILURES,
    RESULTS_TOPIC,
    ROWS,
    Seen,
    cleaned,
    in_words,
    missing,
    outcome,
    read_results,
    why,
    wrong,
)

title("06", "Replication and failover")

LEDGER, FIGURE, PAYMENTS = "ledger", "figure.a", "payments"
_MIN_ISR = "min.insync.replicas"
_UNCLEAN = "unclean.leader.election.enable"
_NUM_PAYMENTS = 3


@judge("06.visible")
def visible(evidence: Evidence, answer: Any) -> CheckResult:
    """How many records does a consumer see while too few replicas are in sync? ``answer``: the number."""
    name = "06.visible"
    found = _first(evidence, LEDGER)
    if found is None:
        return _no_topic(name, LEDGER)
    seen = evidence.log_end_offsets(LEDGER).get(0, 0)
    demanded = _number(evidence.topic_configs(LEDGER).get(_MIN_ISR))
    where = f"topic {LEDGER}, partition 0, in sync {list(found.isr)}, high watermark {seen}"
    if len(found.isr) >= demanded:
        hint = "Run the whole cell again: it kills brokers 2 and 3, and the check looks while they are dead."
        return CheckResult(name, False, "Enough replicas are in sync, so there is nothing to be hidden.", where, hint)
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        hint = "Write how many records it is as a number, without quotation marks, and run the cell again."
        return CheckResult(name, False, f"Your answer is {short(answer)}, which is no number.", where, hint)
    if answer != seen:
        happened = (
            f"You said {short(answer)}, and a consumer can read {seen} records. The others were acknowledged by the "
            f"leader alone: {len(found.isr)} in sync, {demanded} demanded."
        )
        hint = "Which records do enough replicas have? Set my_guess to their number and run the cell again."
        return CheckResult(name, False, happened, where, hint)
    happened = (
        f"A consumer reads {seen} records, up to the high watermark, which stands still while fewer than {demanded} "
        "replicas are in sync: whatever a producer with acks=1 was told."
    )
    return CheckResult(name, True, happened, where)


@judge("06.candidates")
def candidates(evidence: Evidence, answer: Any) -> CheckResult:
    """Which brokers may lead a partition next, if its leader dies now? ``answer``: their numbers."""
    name = "06.candidates"
    found = _first(evidence, FIGURE)
    if found is None:
        return _no_topic(name, FIGURE)
    right = set(found.isr) - {found.leader}
    where = f"topic {FIGURE}, partition 0, replicas {list(found.replicas)}, in sync {list(found.isr)}"
    if set(found.isr) == set(found.replicas):
        hint = "Run the whole cell again: it kills broker 3 first. With all in sync the question is too easy."
        return CheckResult(name, False, "Every replica is in sync.", where, hint)
    said = _ids(answer)
    if said is None:
        hint = "Write the brokers as numbers, for example [1, 4], and run the cell again."
        return CheckResult(name, False, f"Your answer is {short(answer)}, which is no list of numbers.", where, hint)
    if said == right:
        return CheckResult(name, True, _candidates_found(right), where)
    return CheckResult(name, False, _not_a_candidate(said, right, found), where, "Who of them has every record?")


def _candidates_found(right: set[int]) -> str:
    if not right:
        return "Nobody: no other replica is in sync, so without its leader the partition has none."
    return (
        f"Only {_brokers(right)}: in sync, and not the leader itself. Every record that was acknowledged to acks=all "
        "is there."
    )


def _not_a_candidate(said: set[int], right: set[int], found: SeenPartition) -> str:
    extra = said - right
    if strangers := extra - set(found.replicas):
        return f"No replica of this partition lies on {_brokers(strangers)}."
    if found.leader in extra:
        return f"Broker {found.leader} is the one that dies."
    if extra:
        return f"The replica on {_brokers(extra)} is not in sync: it may lack what was acknowledged."
    return f"Not all of them: {len(said & right)} of {len(right)} brokers found."


@judge("06.payments")
def payments(evidence: Evidence, answer: Any) -> CheckResult:
    """Do payments survive one broker, and go on while one is down?"""
    del answer  # the topic says it all
    name = "06.payments"
    found = _first(evidence, PAYMENTS)
    if found is None:
        return _no_topic(name, PAYMENTS)
    configs = evidence.topic_configs(PAYMENTS)
    factor, demanded = len(found.replicas), _number(configs.get(_MIN_ISR))
    where = f"topic {PAYMENTS}, replication factor {factor}, {_MIN_ISR} {demanded}"
    paid = len(evidence.records(PAYMENTS))
    if configs.get(_UNCLEAN) == "true":
        happened = "A replica that lacks payments may be elected: an unclean election."
        return CheckResult(name, False, happened, where, f"Leave {_UNCLEAN} at false.")
    if demanded < 2:
        happened = (
            f"{paid} payments were taken, but acks=all is content with the leader alone when nobody else is in sync: "
            "a payment can be acknowledged when one broker alone has it, and die with that broker."
        )
        return CheckResult(name, False, happened, where, f"{_MIN_ISR} has to be at least 2.")
    if demanded >= factor:
        happened = (
            f"{paid} of {_NUM_PAYMENTS} payments were taken. {demanded} replicas must be in sync, and there are "
            f"{factor} in all: with one broker down, every payment is refused."
        )
        return CheckResult(name, False, happened, where, f"{_MIN_ISR} has to be less than the replication factor.")
    if paid < _NUM_PAYMENTS:
        hint = "Run the whole cell again, and read what it prints for each payment."
        return CheckResult(name, False, f"{paid} of {_NUM_PAYMENTS} payments were taken.", where, hint)
    happened = (
        f"{paid} payments were taken with one broker down. Each is on at least {demanded} brokers before it is "
        "acknowledged, so any one of them may die."
    )
    return CheckResult(name, True, happened, where)


@judge("06.matrix")
def matrix(evidence: Evidence, answer: Any) -> CheckResult:
    """Which failures lose a record, for which settings? ``answer``: the predictions of the matrix."""
    name = "06.matrix"
    seen = _results(evidence)
    said = cleaned(answer)
    where = f"topic {RESULTS_TOPIC}, {len(seen)} of {len(ROWS)} rows"
    not_run = [row.number for row in ROWS if row.number not in seen]
    if not_run:
        happened = f"Not run yet: {in_words(not_run)}."
        return CheckResult(name, False, happened, where, "Press Run in the matrix, or call matrix.run().")
    if open_rows := missing(said):
        happened = f"{len(said)} of {len(ROWS)} rows are predicted. Missing: {in_words(open_rows)}."
        hint = "Choose in the matrix what becomes of the record, row by row, and run this cell again."
        return CheckResult(name, False, happened, where, hint)
    if off := wrong(said, seen):
        return _off(name, said, seen, off)
    happened = f"All {len(ROWS)} rows came out as you said: {_tally(seen)}."
    return CheckResult(name, True, happened, where)


def _off(name: str, said: dict[int, str], seen: dict[int, Seen], off: Sequence[int]) -> CheckResult:
    row, came = ROWS[off[0] - 1], seen[off[0]]
    failure = next(each for each in FAILURES if each.name == row.failure)
    happened = (
        f"{len(ROWS) - len(off)} of {len(ROWS)} rows came out as you said, and not: {in_words(off)}. "
        f"Row {row.number} ({failure.title.lower()}; replication factor {row.replication_factor}, acks={row.acks}, "
        f"min.insync.replicas={row.min_insync_replicas}): you said “{said[row.number]}”, it was “{outcome(came)}”. "
        f"{why(came)}"
    )
    hint = f"Read the reason in {in_words(off)}, choose what you think now, and run this cell again."
    return CheckResult(name, False, happened, f"topic {came.topic}, partition 0", hint)


def _results(evidence: Evidence) -> dict[int, Seen]:
    """What the runs noted, with the logs asked once more."""
    noted = read_results(record.value for record in evidence.records(RESULTS_TOPIC))
    return {number: _asked_again(evidence, seen) for number, seen in sorted(noted.items())}


def _asked_again(evidence: Evidence, seen: Seen) -> Seen:
    values = {record.value for record in evidence.records(seen.topic)}
    return replace(seen, in_log=seen.value.encode() in values) if values else seen


def _tally(seen: dict[int, Seen]) -> str:
    words = [outcome(each) for each in seen.values()]
    return ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))


def _first(evidence: Evidence, topic: str) -> SeenPartition | None:
    return next(iter(evidence.partitions(topic)), None)


def _no_topic(name: str, topic: str) -> CheckResult:
    hint = "Run the cells above this one, from the top: they create it."
    return CheckResult(name, False, f"There is no topic {topic}.", f"topic {topic}", hint)


def _ids(answer: Any) -> set[int] | None:
    """The brokers of an answer; None when something in it is no number."""
    items = list(answer) if isinstance(answer, Iterable) and not isinstance(answer, str | bytes) else [answer]
    return set(items) if all(type(each) is int for each in items) else None


def _brokers(ids: Iterable[int]) -> str:
    *most, last = sorted(ids)
    return f"brokers {', '.join(map(str, most))} and {last}" if most else f"broker {last}"


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0
