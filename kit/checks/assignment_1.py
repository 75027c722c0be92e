"""The checks of assignment 1, "First pipeline": what its grading looks at too, on the student's own sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kit.checks.evidence import Evidence
from kit.checks.pipeline_facts import (
    TOPIC,
    consume_facts,
    lag_of,
    plays_of,
    produce_facts,
    result_of,
    topic_facts,
)
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import short

GROUP = "charts"
_SAMPLE = (
    b'{"id":"listen-1","user":"ana","song":"Slow Umbrella"}',
    b'{"id":"listen-2","user":"ben","song":"Night Lanterns"}',
    b'{"id":"listen-3","user":"ana","song":"Slow Umbrella"}',
    b"not JSON",
    b"[1, 2]",
    b'{"id":"listen-4","user":"eve"}',
    None,
)
_LAGS: tuple[tuple[dict[int, int], dict[int, int]], ...] = (
    ({0: 10, 1: 4}, {0: 7, 1: 4}),
    ({0: 5, 1: 0, 2: 3}, {0: 5}),
    ({}, {}),
)

title("A1", "First pipeline")


@judge("A1.topic")
def topic(evidence: Evidence, answer: Any) -> CheckResult:
    """Is the topic there, as it was asked for?"""
    del answer
    return result_of("A1.topic", topic_facts(evidence.partitions(TOPIC), evidence.topic_configs(TOPIC)))


@judge("A1.produce")
def produce(evidence: Evidence, answer: Any) -> CheckResult:
    """Is each listen in the log, where and how it should be? ``answer``: the listens that were to be sent."""
    name = "A1.produce"
    if not isinstance(answer, Sequence) or not all(isinstance(each, Mapping) and "id" in each for each in answer):
        hint = 'Hand in the list that your function was given: kit.check("A1.produce", cluster, sample).'
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    return result_of(name, produce_facts(evidence.records(TOPIC), answer, len(evidence.log_end_offsets(TOPIC))))


@judge("A1.plays")
def plays(evidence: Evidence, answer: Any) -> CheckResult:
    """Does your function count the plays of each song? ``answer``: the function."""
    del evidence
    return _of_function("A1.plays", answer, [((list(_SAMPLE),), plays_of(_SAMPLE))])


@judge("A1.lag")
def lag(evidence: Evidence, answer: Any) -> CheckResult:
    """Does your function know how far a group is behind? ``answer``: the function."""
    del evidence
    return _of_function("A1.lag", answer, [((ends, done), lag_of(ends, done)) for ends, done in _LAGS])


@judge("A1.consume")
def consume(evidence: Evidence, answer: Any) -> CheckResult:
    """Did your group count everything, once, and commit it? ``answer``: what the first and the second run returned."""
    name = "A1.consume"
    if not isinstance(answer, Sequence) or len(answer) != 2:
        hint = 'Hand in both: kit.check("A1.consume", cluster, (first, second)).'
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    values = [each.value for each in evidence.records(TOPIC)]
    if not values:
        return CheckResult(name, False, f"Nothing is in topic {TOPIC}.", f"topic {TOPIC}", "Do task 2 first.")
    ends, done = evidence.log_end_offsets(TOPIC), evidence.committed_offsets(GROUP, TOPIC)
    return result_of(name, consume_facts((answer[0], answer[1]), values, ends, done, GROUP))


def _of_function(name: str, function: Any, cases: Sequence[tuple[tuple[Any, ...], Any]]) -> CheckResult:
    if not callable(function):
        hint = "Hand in the function itself, without calling it."
        return CheckResult(name, False, f"Your answer is {short(function)}, not a function.", "your answer", hint)
    for arguments, expected in cases:
        shown = ", ".join(short(each, 200) for each in arguments)
        try:
            got = function(*arguments)
        except Exception as error:  # noqa: BLE001  (it is the student's own function)
            happened = f"Your function raised {type(error).__name__}: {error}"
            return CheckResult(name, False, happened, f"called with {shown}", "It must take whatever lies in a topic.")
        if got != expected:
            happened = f"Your function returned {short(got)}, and {short(expected)} was expected."
            return CheckResult(name, False, happened, f"called with {shown}", "Do the example by hand, and compare.")
    return CheckResult(name, True, "It answered every example right.", "your function")
