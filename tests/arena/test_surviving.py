"""*Surviving failure* in the arena: the solution keeps every property, and each wrong answer loses exactly its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from autograder.arena import play
from autograder.job import Job
from autograder.judge.case import Case
from autograder.judge.consuming import results
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged
from autograder.judge.producing import loses, lost_writes, refuses
from autograder.judge.timeline import picture
from tests.support import surviving
from tests.support.arena import plain_sessions


def played(source: str, *runs: dict[str, Any], seed: int = 7) -> tuple[Mapping[str, Any], ...]:
    """The evidence of some runs with these functions of a student's."""
    job = Job("ann", "surviving", {}, seed=seed, arena=surviving.plan(*runs))
    return play(job, plain_sessions(source), apart=False)


def right_results(case: Case) -> Any:
    """Results that are not the order's amount."""
    return results(case, lambda _key, value: json.loads(value)["amount"])


def lost_properties(case: Case) -> set[str]:
    """The names of the properties that a run did not keep."""
    checkers = {**STANDARD, "results": (right_results, "Every result is right.")}
    scores = judged([case], [Rule("cell", name, 1.0, *checker) for name, checker in checkers.items()])
    assert all(score.reason for score in scores)
    return {score.name for score in scores if score.points < score.of}


@pytest.mark.parametrize("seed", [7, 8])
def test_solution_keeps_every_property(seed: int) -> None:
    """Through a lost reply, a leader that is cut off and killed, and two kernels that are killed, nothing is lost."""
    (evidence,) = played(surviving.SOLUTION, seed=seed)
    assert {each["rule"] for each in evidence["fired"]} == {rule["name"] for rule in surviving.SURVIVE["rules"]}
    assert evidence["is_complete"]
    (case,) = cases_of([evidence], "orders", "results")
    assert lost_properties(case) == set()
    json.dumps(evidence, allow_nan=False)


@pytest.mark.parametrize("answer", surviving.WRONG)
def test_wrong_answer_loses_exactly_its_property(answer: str) -> None:
    """Each planted mistake is found, and nothing else is; the picture shows it."""
    expected, source = surviving.WRONG[answer]
    (evidence,) = played(source)
    (case,) = cases_of([evidence], "orders", "results")
    assert lost_properties(case) == expected
    checker = STANDARD[min(expected)][0]
    drawn = picture(case, list(checker(case)))
    assert "<svg" in drawn
    assert "<script" not in drawn


def test_cut_network_refuses_or_loses_as_the_student_chose() -> None:
    """With acks=all and two in-sync replicas nothing is acknowledged in the cut; with acks=1 what is gets lost."""
    evidence = played(surviving.SOLUTION, surviving.REFUSE, surviving.LOSE)
    consistent, available = cases_of(evidence, {"refuse": "ledger", "lose": "likes"})
    assert list(refuses(consistent, "cut")) == []
    assert list(lost_writes(consistent)) == []
    assert list(loses(consistent)) != []
    assert list(loses(available)) == []
    assert list(refuses(available, "cut")) != []
