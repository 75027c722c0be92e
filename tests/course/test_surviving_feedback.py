"""Assignment 2 while a student works on it: the notebook's own cells, on a real cluster whose leaders die."""

from __future__ import annotations

import json

import pytest

from tests.support.arena import PlainSession
from tests.support.course import COURSE
from tests.support.surviving import NAME, NOTEBOOK, SOLUTION, WRONG, changed

PASSED = "passed"
PRODUCE = ("produce-cut-off", "produce-check")
_RUN = '''

def visible(cells):
    """What each check says."""
    said = {}
    for name, text in cells:
        exec(text.replace("kit.check(", "found = kit.check("), globals())
        said[name] = str(found)
    cluster.close()
    return said
'''


def visible(text: str, *names: str, again: str | None = None) -> dict[str, str]:
    """What the checks say of these functions, by the cell; all of them if none is named.

    Args:
        again: a cell that is run once more at the end, under the name "again".
    """
    read = json.loads((COURSE / "source" / NAME / NOTEBOOK).read_text(encoding="utf-8"))
    cells = [
        [cell["id"], "".join(cell["source"])]
        for cell in read["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade") and (not names or cell["id"] in names)
    ]
    cells += [["again", source] for name, source in cells if name == again]
    session = PlainSession(text + _RUN)
    try:
        answer = session.call("visible", (cells,), 100.0)
    finally:
        session.close()
    assert answer.error is None
    said: dict[str, str] = answer.value
    return said


def test_the_solution_passes_every_check() -> None:
    """Leaders die while it runs, and all that is asked holds; a consumer's check also the second time."""
    said = visible(SOLUTION, again="consume-check")
    assert {name: text for name, text in said.items() if PASSED not in text.splitlines()[0]} == {}
    assert len(said) == 6


@pytest.mark.parametrize(
    ("name", "cell", "words"),
    [
        ("acks-one", "produce-cut-off", "were acknowledged, and the log lacks them"),
        ("no-idempotence", "produce-check", "are in the log more than once"),
        ("wrong-partitioner", "produce-check", "in more than one partition"),
    ],
)
def test_a_wrong_producer_is_told_what_the_leaders_death_did(name: str, cell: str, words: str) -> None:
    """The same fault that grading finds."""
    assert words in visible(WRONG[name][2], *PRODUCE)[cell]


def test_a_wrong_consumer_and_a_wrong_choice_are_told() -> None:
    """A result without a key is there twice; one who says yes alone loses it."""
    keyless = ("producer.send(results, key=key, ", "producer.send(results, ")
    text = changed(keyless, ('**patience, acks="all"', "**patience, acks=1"))
    said = visible(text)
    assert "two results that do not replace one another" in said["consume-check"]
    assert "were acknowledged while the leader was alone" in said["consistent-check"]
    assert PASSED in said["available-check"].splitlines()[0]
