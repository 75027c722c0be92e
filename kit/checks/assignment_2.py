"""The checks of assignment 2, "Surviving failure": what its grading looks at too, on the student's own cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.checks import failure_facts as facts
from kit.checks.evidence import Evidence
from kit.checks.pipeline_facts import result_of
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import short

ORDERS, RESULTS, LEDGER, LIKES = "orders", "results", "ledger", "likes"

title("A2", "Surviving failure")


@judge("A2.produce")
def produce(evidence: Evidence, answer: Any) -> CheckResult:
    """Is every record in the log, once and in order, although its leader died? ``answer``: records and report."""
    name = "A2.produce"
    if not _is_written(answer):
        return _no_report(name, answer)
    given, report, *_ = answer
    where = f"topic {ORDERS}"
    if not _leader_died(evidence, ORDERS):
        hint = "Run the whole cell: it lets a leader die while your function runs."
        return CheckResult(name, False, "No leader of the topic died in the middle.", where, hint)
    return result_of(name, facts.written_facts(evidence.records(ORDERS), given, report, where))


@judge("A2.consume")
def consume(evidence: Evidence, answer: Any) -> CheckResult:
    """Has each record its result, also after it was read twice?

    ``answer``: how many results there were at each commit of the first group, both groups, and how many replicas each
    request with results asked for.
    """
    name = "A2.consume"
    if not _is_consumed(answer):
        hint = 'Hand in what the cell made: kit.check("A2.consume", cluster, (stored, groups, asked)).'
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    stored, groups, asked = answer
    orders = evidence.records(ORDERS)
    if not orders:
        return CheckResult(name, False, f"Nothing is in topic {ORDERS}.", f"topic {ORDERS}", "Do task 1 first.")
    found = facts.result_facts(orders, evidence.records(RESULTS), f"topic {RESULTS}")
    found.append(facts.safe_results_fact(asked, f"topic {RESULTS}"))
    committed = {group: evidence.committed_offsets(group, ORDERS) for group in groups}
    found += facts.commit_facts(
        evidence.log_end_offsets(ORDERS), committed, stored, f"group {groups[0]}, topic {ORDERS}"
    )
    return result_of(name, found)


@judge("A2.consistent")
def consistent(evidence: Evidence, answer: Any) -> CheckResult:
    """Was nothing acknowledged in the cut, and nothing lost? ``answer``: records, report, acks of each request."""
    return _choice("A2.consistent", evidence, answer, LEDGER)


@judge("A2.available")
def available(evidence: Evidence, answer: Any) -> CheckResult:
    """Was everything acknowledged in the cut, and lost? ``answer``: records, report, acks of each request."""
    return _choice("A2.available", evidence, answer, LIKES)


def _choice(name: str, evidence: Evidence, answer: Any, topic: str) -> CheckResult:
    if not _is_written(answer):
        return _no_report(name, answer)
    given, report, *more = answer
    asked = more[0] if more and isinstance(more[0], list) else []
    records, where = evidence.records(topic), f"topic {topic}"
    judged = facts.losing_facts if topic == LIKES else facts.refusing_facts
    configs = evidence.topic_configs(topic)
    return result_of(name, judged(records, given, report, where, asked=asked, configs=configs))


def _is_consumed(answer: Any) -> bool:
    """Whether it is a list of numbers, two names of groups, and numbers again."""
    if not isinstance(answer, Sequence) or len(answer) != 3 or not all(isinstance(each, list) for each in answer):
        return False
    stored, groups, asked = answer
    are_groups = len(groups) == 2 and all(isinstance(each, str) for each in groups)
    return are_groups and all(type(number) is int for number in (*stored, *asked))


def _is_written(answer: Any) -> bool:
    """Whether it is the records, a report that has an entry for each of them, and perhaps more."""
    if not isinstance(answer, Sequence) or len(answer) not in {2, 3}:
        return False
    given, report = answer[:2]
    return isinstance(report, list) and len(report) == len(given) and all(map(facts.is_place, report))


def _no_report(name: str, answer: Any) -> CheckResult:
    report = answer[1] if isinstance(answer, Sequence) and len(answer) in {2, 3} else answer
    happened = f"Your function returned {short(report)}."
    hint = "Return a list with one entry for each record: [partition, offset], or None."
    return CheckResult(name, False, happened, "what your function returned", hint)


def _leader_died(evidence: Evidence, topic: str) -> bool:
    kinds = {(each.kind, each.topic) for each in evidence.timeline() or ()}
    return ("kill", None) in kinds and ("leader_elected", topic) in kinds
