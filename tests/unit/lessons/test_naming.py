"""The linter of topic names: Kafka's rule to the letter, conventions apart from it, suggestions that hold."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.broker.controller.topics import check_topic_name
from kit.lessons import naming
from kit.lessons.naming import CONVENTION, KAFKA, LECTURE, TEAM, Convention
from kit.wire.errors import BrokerError

NAMES = st.text(max_size=260) | st.text(alphabet="abAB01._- é/\n", max_size=260) | st.text(alphabet="a.", max_size=251)


def rules(name: str, convention: Convention = TEAM, existing: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Kind and rule of each finding."""
    return [(each.kind, each.rule) for each in naming.lint(name, convention, existing)]


def is_taken(name: str) -> bool:
    """What our broker says, which the contract suite compares with Apache Kafka's."""
    try:
        check_topic_name(name)
    except BrokerError:
        return False
    return True


@given(NAMES)
@example("a\n")
@example("٣")
@example("a" * 249)
@example("a" * 250)
def test_rule_is_the_brokers(name: str) -> None:
    """A name is legal, and has no finding of Kafka's kind, exactly when a broker takes it."""
    assert naming.is_legal(name) == is_taken(name)
    assert (naming.kafka_findings(name) == []) == is_taken(name)


@given(NAMES)
def test_suggestions_are_legal_and_of_the_right_form(name: str) -> None:
    """Whatever was typed, the suggestion is a legal name with environment and version, and stays as it is."""
    better = naming.suggest(name)

    assert naming.is_legal(better)
    assert not {rule for _, rule in rules(better)} - {"flat", "vague", "deep", "says-topic"}
    assert naming.suggest(better) == better
    for finding in naming.lint(name):
        assert finding.suggestion is None or finding.suggestion != name


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", (KAFKA, "empty")),
        (".", (KAFKA, "dots")),
        ("..", (KAFKA, "dots")),
        ("my songs", (KAFKA, "characters")),
        ("café", (KAFKA, "characters")),
        ("a" * 250, (KAFKA, "too-long")),
        ("Music.plays", (CONVENTION, "uppercase")),
        ("musicPlays", (CONVENTION, "uppercase")),
        ("__mine", (CONVENTION, "looks-internal")),
        ("__consumer_offsets", (CONVENTION, "internal")),
        ("music_plays", (CONVENTION, "underscore")),
        ("dev..plays", (CONVENTION, "empty-part")),
        ("music.plays.v1", (CONVENTION, "no-environment")),
        ("dev.music.plays", (CONVENTION, "no-version")),
        ("dev.music.plays.v0", (CONVENTION, "no-version")),
        ("dev.plays.v1", (CONVENTION, "flat")),
        ("dev.a.b.c.d.e.v1", (CONVENTION, "deep")),
        ("dev.data.stuff.v1", (CONVENTION, "vague")),
        ("42", (CONVENTION, "vague")),
        ("dev.music.plays-topic.v1", (CONVENTION, "says-topic")),
    ],
)
def test_each_mistake_has_its_finding(name: str, found: tuple[str, str]) -> None:
    """Every rule bites, and says whose it is."""
    assert found in rules(name)


@pytest.mark.parametrize("name", ["dev.music.plays.v1", "prod.payments.royalties.v12", "test.music.plays.by-hour.v1"])
def test_good_names_have_no_finding(name: str) -> None:
    """What the team agreed on passes, and is not mended."""
    assert rules(name) == []
    assert naming.suggest(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "sales.orders.transactions", "department.service.entity", "dev.sales.orders.transactions",
        "sales.orders.transactions.v1",
    ],
)  # fmt: skip
def test_lectures_own_examples_pass_its_convention(name: str) -> None:
    """Environment and version may be left out there."""
    assert rules(name, LECTURE) == []


def test_collision_depends_on_the_other_topics() -> None:
    """The same name is fine alone, refused beside its twin, and no collision with itself."""
    assert rules("dev.music_plays.x.v1", existing=("other",))[0][0] == CONVENTION
    assert rules("music_plays", existing=("music.plays",))[0] == (KAFKA, "collision")
    assert (KAFKA, "collision") not in rules("music.plays", existing=("music.plays",))


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("Music_Plays", "dev.music.plays.v1"),
        ("musicPlays.perHour", "dev.music-plays.per-hour.v1"),
        ("team/music/plays", "dev.team.music.plays.v1"),
        ("prod.Café Orders.v3", "prod.cafe-orders.v3"),
        ("__x..y__", "dev.x.y.v1"),
    ],
)
def test_suggestions_keep_what_was_meant(name: str, better: str) -> None:
    """Accents, capitals, slashes and spaces turn into what stands for them; what is there already stays."""
    assert naming.suggest(name) == better


def test_findings_name_the_characters_that_are_wrong() -> None:
    """Those that cannot be seen too, and not all of a hundred."""
    assert "a space, é, / and" not in (reason := naming.lint("a b é/")[0].reason)
    assert "a space, é, /" in reason
    assert "U+000A" in naming.lint("a\n")[0].reason
    assert "and 95 more" in naming.lint("".join(chr(0x4E00 + number) for number in range(100)))[0].reason


def test_tree_shows_levels_and_topics() -> None:
    """A topic can be a branch at the same time; names without dots stand at the left."""
    assert naming.tree_lines(["b.x.v1", "a", "b.x", "b.x.v2", "b.y.v1"]) == [
        "a   • a",
        "b",
        "    x   • b.x",
        "        v1   • b.x.v1",
        "        v2   • b.x.v2",
        "    y",
        "        v1   • b.y.v1",
    ]


def test_findings_as_text_tell_who_minds() -> None:
    """Kafka's refusals and the team's wishes are told apart in words."""
    assert naming.shown([]) == "Kafka takes it, and so does the team."
    text = naming.shown(naming.lint("my songs"))
    assert text.startswith("Kafka refuses it (characters)")
    assert "the team minds (no-version)" in naming.shown(naming.lint("dev.music.plays"))
