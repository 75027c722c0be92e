"""Whether a producer went on after an election is counted in requests."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.judge.case import Case
from autograder.judge.finding import Finding
from autograder.judge.producing import recovery
from tests.support.evidence import TOPIC, Made


def found_in(made: Made, at: int) -> list[Finding]:
    """What is told when the next leader was there at that event."""
    evidence: dict[str, Any] = made.evidence() | {"fired": [{"rule": "kill", "at": at}]}
    return list(recovery(Case(evidence, TOPIC), "kill", 0))


def with_refused(number: int) -> Made:
    """A producer whose first request is refused so many times before it is acknowledged."""
    made = Made().produce()
    asked = next(each["asked"] for each in made.entries if each["asked"]["batches"][0]["partition"] == 0)
    acknowledged, made.entries = made.entries, []
    for _ in range(number):
        made.entry("Produce", asked, [[TOPIC, 0, 6, -1]])
    for place, entry in enumerate(acknowledged):
        entry["began"] = 10_000 + 2 * place
    made.entries += acknowledged
    return made


@pytest.mark.parametrize(("refused", "faults"), [(0, 0), (10, 0), (11, 1)])
def test_a_few_requests_may_be_in_vain(refused: int, faults: int) -> None:
    """Ten of them are what a client has on its way twice over; the eleventh is one too many."""
    found = found_in(with_refused(refused), 0)
    assert len(found) == faults
    assert all("11 requests were made in vain" in each.text and each.proof for each in found)


def test_who_gives_up_does_not_recover() -> None:
    """Records of the partition were waiting, and none was acknowledged after the election."""
    made = Made().produce()
    of_partition = [each for each in made.entries if each["asked"]["batches"][0]["partition"] == 0]
    at = of_partition[1]["began"]
    made.entries = [each for each in made.entries if each["began"] <= at]
    (fault,) = found_in(made, at)
    assert "no more of its records were acknowledged" in fault.text


def test_who_was_done_before_has_nothing_to_recover() -> None:
    """All requests came before the election: what happened to them is judged elsewhere."""
    made = Made().produce()
    assert found_in(made, made.entries[-1]["began"]) == []
