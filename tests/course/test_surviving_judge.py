"""What assignment 2's judge says of evidence that is made up: a matter of milliseconds, without a cluster."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from autograder.judge.case import Case
from tests.support.course import COURSE
from tests.support.evidence import RESULTS, TOPIC, Made
from tests.support.surviving import NAME

_SPEC = importlib.util.spec_from_file_location("surviving_judge", COURSE / "judging" / NAME / "judge.py")
assert _SPEC is not None
assert _SPEC.loader is not None
JUDGE: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(JUDGE)


def said(name: str, made: Made, fired: tuple[str, ...] = (), least: str = "1") -> list[str]:
    """The sentences of one property's checker."""
    evidence = made.evidence() | {
        "fired": [{"rule": rule, "at": 1, "made_at": 1} for rule in fired],
        "described": {TOPIC: {"configs": {"min.insync.replicas": least, "unclean.leader.election.enable": "true"}}},
    }
    case = Case(evidence, TOPIC, RESULTS)
    checker = next(rule.checker for rule in JUDGE.RULES if rule.name == name)
    return [each.text for each in checker(case)]


def reported(told: Callable[[int], bool], **fields: Any) -> Made:
    """A producer whose records were all acknowledged, and what it reports of them.

    Args:
        told: by number, in the order of their answers, whether it reports where the record is; None if not.
        fields: of the requests with none that it reports.
    """
    made = Made().produce()
    report: dict[str, list[int] | None] = {}
    for entry in made.entries:
        [batch], [[_, partition, _, base]] = entry["asked"]["batches"], entry["answered"]
        known = [told(len(report) + number) for number in range(len(batch["records"]))]
        report |= {value: [partition, base + at] if known[at] else None for at, _, value in batch["records"]}
        entry.update({} if any(known) else fields)
    made.steps[0] |= {"value": [report[value] for _, value in made.given], "ended": made.entries[-1]["ended"] + 1}
    return made


@pytest.mark.parametrize(
    ("made", "silent"),
    [
        (reported(lambda _: True), 0),
        (reported(lambda number: number > 0), 0),  # its wait may have been over a moment too early
        (reported(lambda number: number % 2 > 0), 20),
        (reported(lambda number: number % 4 > 0), 10),
        (reported(lambda _: False), 40),
        (reported(lambda number: not 5 <= number < 15), 10),
        (reported(lambda number: not 5 <= number < 15, connection=2), 0),  # answers may get lost with their connection
        (reported(lambda number: number < 30), 0),  # what came last came too late
    ],
)
def test_none_of_what_a_client_has_heard_is_no_report(made: Made, silent: int) -> None:
    """More than a few: what came after the last answer that the function knows of, or on another way, is let pass."""
    words = f"40 records were acknowledged in time, and of {silent} of them your function said None."
    assert said("report", made, ("kill", "deaf", "cut-off")) == ([words] if silent else [])


def test_results_that_one_replica_has_are_not_stored() -> None:
    """The leader that dies in the run may be another one's."""
    made = Made().produce().consume()
    assert said("results", made) == []
    for entry in made.entries:
        for batch in entry["asked"].get("batches", ()):
            if batch["topic"] == RESULTS:
                entry["asked"]["acks"] = 1
    (text,) = said("results", made)
    assert text.startswith("40 of 40 requests with results did not ask for all in-sync replicas.")


def test_a_process_that_the_plan_killed_did_not_fail() -> None:
    """What fails by itself is told first; what was to be killed is no reason for anything."""
    made = Made().produce()
    made.step("consume-1")
    made.steps[-1] |= {"error": "no answer: the kernel ended", "was_killed": True}
    made.step("consume-2")
    made.steps[-1] |= {"error": "ValueError: mine", "was_killed": False, "crashes": ["KeyError: 'mine too'"]}
    case = Case(made.evidence(), TOPIC, RESULTS)
    (found, *_) = next(rule.checker for rule in JUDGE.RULES if rule.name == "repeat")(case)
    assert found.proof == (
        "consume-2 failed, and began again: KeyError: 'mine too'",
        "consume-2 failed: ValueError: mine",
    )


def test_a_network_that_was_never_cut_is_not_said_to_have_been() -> None:
    """Who sent nothing is told so, and no leader was alone."""
    made = Made()
    made.step("available-settings", {"min.insync.replicas": 1, "unclean.leader.election.enable": True})
    made.step("available", [None] * 40)
    first, *_ = said("goes on", made)
    assert first == "The network was never cut: that happens when a broker says yes to a first record, and none did."


def test_a_leader_that_said_yes_alone_is_not_said_to_have_refused() -> None:
    """With min.insync.replicas=2 consumers see nothing of it, and that is the reason."""
    made = reported(lambda _: True)
    (text,) = said("goes on", made, ("cut",), least="2")
    assert "the leader that was alone said yes to 40 records, and nobody could read them" in text
    assert "min.insync.replicas=2" in text
