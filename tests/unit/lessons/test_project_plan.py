"""A project plan as text: what is in it, and what is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.lessons import naming
from kit.lessons.project_plan import (
    EXAMPLE,
    EXAMPLE_TITLE,
    SECTIONS,
    TOPIC_LINE,
    PlannedTopic,
    items,
    num_words,
    problems,
    read,
    topics,
    written,
)

IDS = [section.id for section in SECTIONS]


def missing(section: str, text: str) -> list[str]:
    """What is missing in a section with a text."""
    return [item.words for item in items({section: text}) if item.section == section and not item.is_there]


def test_example_has_everything_and_good_names() -> None:
    """What is shown as an example keeps every rule that it teaches."""
    assert all(item.is_there for item in items(EXAMPLE))
    assert all(not naming.lint(topic.name) for topic in topics(EXAMPLE["design"]))
    assert len(topics(EXAMPLE["design"])) == 2
    assert 480 <= sum(num_words(text) for text in EXAMPLE.values()) <= 1000


def test_empty_plan_lacks_everything_and_says_what_to_do() -> None:
    """Nothing is there, and every item has its hint."""
    found = items({})

    assert {item.section for item in found} == set(IDS)
    assert not any(item.is_there for item in found)
    assert all(item.hint for item in found)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (TOPIC_LINE, PlannedTopic("dev.hoops.plays.v1", "game", 4)),
        ("- Topic: `a.b`,key: the user's id ,partitions: 12 because", PlannedTopic("a.b", "the user's id", 12)),
        ("> * topic: x, key: none, partitions: 1", PlannedTopic("x", "none", 1)),
        ("topic: x, partitions: 3, key: none", PlannedTopic("x", "none", 3)),
        ("my topic: a, key: c, partitions: 1", None),
    ],
)
def test_topic_lines_are_read_as_people_write_them(line: str, found: PlannedTopic | None) -> None:
    """A bullet, backticks, capitals and spaces do no harm; what is no such line is none."""
    assert topics(f"Some words.\n{line}\nMore.") == ([] if found is None else [found])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("topic: a b, key: c, partitions: 1", "'a b' is no single name"),
        ("topic: a, key: c, partitions: many", "'many' is no whole number"),
        ("topic: a, key: c, partitions: 1.5", "'1.5' is no whole number"),
        ("topic: a, key: c, partitions: ٣", "'٣' is no whole number"),
        ("topic: a, key: c", "does not say how many partitions"),
        ("* Topic: a, partitions: 1", "does not say which key"),
        ("topic:", "has no name"),
        ("topic: a, key: c, partitions: 0", "one partition at least"),
        ("topic: a, key: c, partitions: 500", "500 partitions are more than the 200"),
        ("topic: a, key: c, partitions: 1,000", "1,000 partitions are more than the 200"),
        ("topic: x, key: c, partitions: 1", "x is planned twice"),
    ],
)
def test_topic_line_that_cannot_be_followed_is_told_with_its_reason(line: str, reason: str) -> None:
    """Nothing is dropped in silence: the line and the reason are in the list of what is missing."""
    text = f"topic: x, key: y, partitions: 1\n{line}\nMore."
    (problem,) = problems(text)

    assert problem.line == line
    assert reason in problem.reason
    assert [topic.name for topic in topics(text)] == ["x"]
    item = next(item for item in items({"design": text}) if item.words.startswith("a line for each topic"))
    assert not item.is_there
    assert item.hint == str(problem)


def test_several_lines_that_cannot_be_followed_are_all_told() -> None:
    """Three at once with their reasons, and how many more there are."""
    text = "\n".join(f"- topic: a{number}, key: k" for number in range(5))
    (item,) = [item for item in items({"design": text}) if item.words.startswith("a line for each topic")]

    assert [f'"topic: a{number}, key: k"' in item.hint for number in range(5)] == [True, True, True, False, False]
    assert item.hint.endswith("And 2 more.")


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        ("20 plays per minute", True),
        ("There are 20\nA day has 24 hours", False),
        ("We saw 3\n\nplays in a minute", False),
        ("about 5,000 events a second", True),
        ("2.5 MB/s", True),
        ("300/s", True),
        ("many a second", False),
        ("20 plays", False),
        ("it is 20 and/or so", False),
    ],
)
def test_rate_needs_a_number_and_a_time(text: str, is_there: bool) -> None:
    """How much in how long."""
    assert ("how much in how long" not in missing("design", text)) is is_there


@pytest.mark.parametrize(
    ("section", "text", "words"),
    [
        ("idea", "A statement.", "a question"),
        ("producers", "We wait for all packs.", "which acks"),
        ("consumers", "- one\n-two\nthree", "two goals or more (1 now)"),
        ("consumers", "regrouping", "a consumer group"),
    ],
)
def test_section_without_its_part_is_told(section: str, text: str, words: str) -> None:
    """Words that only look alike do not count."""
    assert words in missing(section, text)


@pytest.mark.parametrize(("count", "is_there"), [(119, False), (120, True), (250, True), (251, False)])
def test_length_has_two_ends(count: int, is_there: bool) -> None:
    """A section is neither a line nor an essay."""
    assert (f"120 to 250 words ({count} now)" not in missing("idea", "word " * count)) is is_there


def test_plan_survives_being_written_and_read() -> None:
    """The example comes back as it was."""
    assert read(written(EXAMPLE_TITLE, EXAMPLE)) == (EXAMPLE_TITLE, EXAMPLE)


@given(st.text(), st.dictionaries(st.sampled_from(IDS), st.text()))
def test_any_text_is_written_and_read_without_an_error(title: str, texts: dict[str, str]) -> None:
    """Whatever is typed: four sections come back, and the list of items has the same length."""
    _, found = read(written(title, texts))

    assert list(found) == IDS
    assert len(items(found)) == len(items({}))
    assert all(str(problem) for problem in problems(title))


@pytest.mark.parametrize("text", ["", "# Only a title", "no heading", "## 2. Data source and stream design\nhello"])
def test_unfinished_file_is_read(text: str) -> None:
    """A file that somebody began by hand is a plan with empty sections."""
    _, found = read(text)

    assert list(found) == IDS
    assert ("hello" in found["design"]) is ("hello" in text)
