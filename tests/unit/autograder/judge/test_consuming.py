"""What a consumer's stored results and commits cost, in evidence that is made up."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from autograder.judge.case import Case
from autograder.judge.consuming import committed_first, repeats, results
from tests.support.evidence import RESULTS, TOPIC, Made

EARLY = "committed-before-processed"


def _amount(_key: str, value: str) -> int:
    found: int = json.loads(value)["amount"]
    return found


def consumed(stores: Callable[[int], bool], *, is_late: bool = False, dies: bool = False, text: str = "") -> Made:
    """Four commits, and the results of what they commit.

    Args:
        stores: by offset, whether it gets a result.
        is_late: results come after their commit, not before.
        dies: with the second commit the process is killed, and another one begins.
        text: the value of every result, in place of the right one.
    """
    made = Made(count=30, partitions=1).produce()
    ends = 8, 16, 24, 30
    made.step("consume-1")
    for number, (start, end) in enumerate(zip((0, *ends), ends, strict=False)):
        made.fetch(0, start, end)
        if is_late:
            made.commit(0, end)
        if dies and number == 1:
            made.steps[-1]["error"] = "the kernel died"
            made.step("consume-2")
        else:
            for offset in filter(stores, range(start, end)):
                made.write(RESULTS, 0, [(f"{offset}", text)]) if text else made.store(0, offset)
        if not is_late:
            made.commit(0, end)
    return made


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (consumed(bool), {"results"}),  # all but that of offset 0
        (consumed(lambda offset: offset >= 0), set()),
        (consumed(lambda _: False), {EARLY, "results"}),
        (consumed(lambda _: False, is_late=True, dies=True), {EARLY, "results"}),
        (consumed(lambda offset: offset % 8 == 0), {"results"}),
        (consumed(lambda offset: offset >= 0, is_late=True), {EARLY}),
        (consumed(lambda offset: offset >= 0, is_late=True, dies=True), {EARLY}),
        (consumed(lambda offset: offset >= 8, is_late=True, dies=True), {EARLY, "results"}),
        (consumed(lambda offset: offset >= 0, text='{"offset": 3, "result": 1}'), {"repeat", "results"}),
        (consumed(lambda offset: offset >= 0, text='{"partition": [0], "offset": {}}'), {"repeat", "results"}),
    ],
)
def test_missing_results_cost_their_points_unless_a_process_died_between(made: Made, expected: set[str]) -> None:
    """Who stores too little has no results; who commits first, and dies then, loses the order's points alone."""
    case = Case(made.evidence(), TOPIC, RESULTS)
    found = [*results(case, _amount), *committed_first(case), *repeats(case)]
    assert {each.name for each in found} == expected
