"""What a student sees of assignment 1 while working: its notebook, with its solution and with mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kit.checks import CheckResult
from tests.support.course import COURSE, changed

CELLS = {
    cell["id"]: "".join(cell["source"])
    for cell in json.loads((COURSE / "source/first-pipeline/first-pipeline.ipynb").read_text(encoding="utf-8"))["cells"]
    if cell["cell_type"] == "code"
}


class Desk:
    """A kernel in which the notebook's cells are run."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}

    def run(self, cell: str, *changes: tuple[str, str]) -> CheckResult:
        """Run a cell, changed or not; what its last line shows."""
        *lines, last = changed(CELLS[cell], *changes).splitlines()
        if not last.startswith("kit.check("):
            lines.append(last)
            last = "None"
        exec("\n".join([*lines, f"shown = {last}"]), self.names)
        shown: CheckResult = self.names["shown"]
        return shown


@pytest.fixture
def desk() -> Iterator[Desk]:
    """All cells before the first check."""
    made = Desk()
    made.run("start")
    yield made
    made.names["cluster"].close()


def test_the_solution_passes_every_check(desk: Desk) -> None:
    """From top to bottom."""
    shown = {cell: desk.run(cell) for cell in list(CELLS)[1:]}
    assert {cell: str(each) for cell, each in shown.items() if each is not None and not each.passed} == {}
    assert sum(each is not None for each in shown.values()) == 5
    assert desk.run("consume-check").passed  # another time, too: the groups are new ones


def test_mistakes_are_told_before_anything_is_handed_in(desk: Desk) -> None:
    """acks, a number that is not true, a commit before counting, counting without plays: each in a sentence."""
    for cell in ("topic", "topic-check", "plays", "at-end"):
        desk.run(cell)
    desk.run("produce", ('acks="all"', "acks=1"), ("enable_idempotence=True", "enable_idempotence=False"))
    assert "asked for acks=1" in desk.run("produce-check").happened
    poll = "        polled = consumer.poll(timeout_ms=200)\n"
    desk.run("consume", (poll, poll + "        consumer.commit()\n"))
    assert "was committed. Nobody would ever count that" in desk.run("consume-check").happened
    close = "    consumer.close()\n"
    send = "    with KafkaProducer(**settings) as producer:\n        producer.send('charts', b'counts')\n"
    desk.run("consume", (close, close + send))
    assert "requests came that write records" in desk.run("consume-check").happened
    opened = desk.names["opened"] = []
    desk.run("consume", (close, "    opened.append(consumer)\n"))
    assert "is still a member: a second run would wait" in desk.run("consume-check").happened
    for consumer in opened:
        consumer.close()

    desk.run("topic-check")
    desk.run("produce", ('"music.listens"', '"music.listen"'))
    assert "200 listens are in topic music.listen." in desk.run("produce-check").happened
    desk.run("produce", ("sum(future.succeeded() for future in futures)", "len(listens)"))
    assert "were refused for good, your function returned 6" in desk.run("produce-check").happened
    desk.run("topic-check")
    desk.run("consume", ("plays(values).items()", "[(json.loads(each)['song'], 1) for each in values]"))
    desk.run("produce")
    assert desk.run("produce-check").passed
    assert "does not count with your function plays" in desk.run("consume-check").happened
