"""Two runs of one program, and what is shown of them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from kit.lessons.two_runs import Run, together
from kit.widgets import SideBySide


@dataclass
class Told:
    """An event of a timeline."""

    time_ms: int
    kind: str
    text: str
    topic: str | None = None


LEFT = Run(
    "embedded", {"offsets": "0 1", "version": "<4>", "lost": "0"}, {"start": 1.0}, [(0.0, "killed"), (0.31, "a")]
)
RIGHT = Run(
    "Apache Kafka", {"offsets": "0 1", "version": "4", "lost": "1"}, {"start": 4.0}, [(0.0, "killed"), (2.4, "b")]
)


def test_run_keeps_what_followed_the_crash() -> None:
    """Seconds after it; what was before, another topic's events, and kinds that say nothing here are left out."""
    run = Run("x")
    run.tell(
        [
            Told(1_000, "leader_elected", "before", "orders"),
            Told(2_000, "kill", "killed"),
            Told(2_100, "candidate", "a candidate"),
            Told(2_200, "leader_elected", "another", "others"),
            Told(2_500, "leader_elected", "leads", "orders"),
        ],
        "orders",
    )
    assert run.events == [(0.0, "killed"), (0.5, "leads")]

    run.tell([], "orders")
    assert run.events == []


def test_step_that_fails_has_no_time() -> None:
    """Only what was finished is compared."""
    run = Run("x")
    with run.step("fine"):
        pass
    with pytest.raises(ValueError, match="no"), run.step("broken"):
        raise ValueError("no")

    assert list(run.seconds) == ["fine"]


def test_events_of_both_are_in_one_order() -> None:
    """What happened at the same time is one row."""
    assert together(LEFT, RIGHT) == [(0.0, ["killed"], ["killed"]), (0.3, ["a"], []), (2.4, [], ["b"])]


def test_page_tells_equal_from_different_and_escapes() -> None:
    """A sign before the right one's note, bars to one scale, what only describes below all, and no HTML of others."""
    html = SideBySide(LEFT, RIGHT, last=["version"])._repr_html_()

    assert "= </b>0 1" in html
    assert "≠ </b>1" in html
    assert "&lt;4&gt;" in html
    assert "width:72.0%" in html
    assert "width:18.0%" in html
    assert html.index("version") > html.index("killed")


def test_text_says_the_same() -> None:
    """For terminals and printed notebooks; a step that one has not done is in neither."""
    text = str(SideBySide(LEFT, Run("none"), last=["version"]))

    assert "offsets" in text
    assert "0.3 s  a" in text
    assert "start" not in text
