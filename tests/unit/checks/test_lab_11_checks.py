"""The checks of lab 11 on plans and clusters made by hand."""

from __future__ import annotations

import pytest

from kit.checks import SeenRecord, names, verdict
from kit.lessons.project_plan import EXAMPLE, EXAMPLE_TITLE, TOPIC_LINE, num_words, written
from tests.support.fake_evidence import FakeEvidence
from tests.support.plans import PLAN

TOPIC = "dev.hoops.plays.v1"


def cluster(num_partitions: int = 4) -> FakeEvidence:
    """Give a cluster with one topic."""
    return FakeEvidence([SeenRecord(TOPIC, 0, 0, 1, None, b"")], num_partitions=num_partitions)


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("11.")])
@pytest.mark.parametrize("answer", [None, "", 7, [], "words", b"bytes", "x" * 100_000])
def test_check_without_a_plan_says_what_to_do(name: str, answer: object) -> None:
    """Whatever is handed in, nothing passes, and the feedback stays short."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.try_next
    assert len(str(result)) < 600


def test_structure_passes_with_four_full_sections() -> None:
    """A plan with everything passes, and its length is told as it is."""
    result = verdict("11.structure", FakeEvidence(), written("Buses", PLAN))

    assert result
    words = sum(num_words(text) for text in PLAN.values())
    assert f"All 10 things are there, in {words} words: about {words / 250:.1f} pages" in result.happened


@pytest.mark.parametrize("section", list(EXAMPLE))
def test_structure_names_the_section_that_is_missing(section: str) -> None:
    """One empty section: the feedback is about that one."""
    result = verdict("11.structure", FakeEvidence(), written("Buses", {**PLAN, section: ""}))

    assert not result
    assert "of 10 things are there" in result.happened
    assert result.where.startswith("section ")


def test_structure_wants_an_own_idea() -> None:
    """The example handed in, or one section of it, is found out; spaces and words in front hide nothing."""
    whole = verdict("11.structure", FakeEvidence(), written(EXAMPLE_TITLE, EXAMPLE))
    part = verdict(
        "11.structure", FakeEvidence(), written("Buses", {**PLAN, "idea": EXAMPLE["idea"].replace(" ", "  ")})
    )

    almost = verdict(
        "11.structure", FakeEvidence(), written("Buses", {**PLAN, "idea": f"In our town: {EXAMPLE['idea']}"})
    )

    assert "example's text" in whole.happened
    assert "1. Project idea" in part.where
    assert "1. Project idea" in almost.where
    assert "example's text" in almost.happened


def test_topics_pass_when_the_cluster_has_them_as_planned() -> None:
    """Good name, and the partitions are there."""
    result = verdict("11.topics", cluster(), TOPIC_LINE)

    assert result
    assert f"{TOPIC} (4, by game)" in result.happened


@pytest.mark.parametrize(
    ("line", "evidence", "told"),
    [
        (TOPIC_LINE, FakeEvidence(), "is not there"),
        (TOPIC_LINE, cluster(3), "has 3 partitions"),
        (TOPIC_LINE.replace("plays", "Plays"), cluster(), "Rename it"),
        (TOPIC_LINE.replace("dev.", ""), cluster(), "Rename it"),
        (TOPIC_LINE.replace(": 4", ": 0"), FakeEvidence(), "one partition at least"),
        (TOPIC_LINE.replace(": 4", ": 500"), cluster(200), "500 partitions are more than the 200"),
        (f"{TOPIC_LINE}\n{TOPIC_LINE}", cluster(), "is planned twice"),
        (f"{TOPIC_LINE}\ntopic: dev.hoops.runs.v1", cluster(), "does not say which key"),
    ],
)
def test_topics_tell_each_mistake_apart(line: str, evidence: FakeEvidence, told: str) -> None:
    """A name against the rules, a line that cannot be followed, a topic that is missing, other partitions."""
    result = verdict("11.topics", evidence, line)

    assert not result
    assert told in f"{result.happened} {result.try_next}"
