"""The checks of lab 02 on evidence made by hand: right answers, and each wrong one in its own words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from kit.checks import SeenRecord, names, verdict
from kit.checks.lab_02 import PLAYS, SONG, STRAY, TEN_NAMES
from tests.support.fake_evidence import FakeEvidence

TREE = [
    f"{environment}.{branch}"
    for environment in ("dev", "prod")
    for branch in ("music.plays.v1", "music.plays.v2", "music.skips.v1", "payments.royalties.v1")
]
RIGHT = dict(
    zip(TEN_NAMES, ["fine", "kafka", "team", "kafka", "team", "kafka", "fine", "team", "kafka", "team"], strict=True)
)


def record(topic: str, value: bytes = b"v") -> SeenRecord:
    """Give a record of a topic."""
    return SeenRecord(topic, 0, 0, 1_000, None, value)


def evidence(*topics: str, records: tuple[SeenRecord, ...] = (), partitions: int = 4) -> FakeEvidence:
    """Give evidence of these topics, and of PLAYS with a record."""
    return FakeEvidence((record(PLAYS), *records), empty_topics=topics, num_partitions=partitions)


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("02.") and name != "02.rule"])
@pytest.mark.parametrize("answer", [None, "", "kept", [], [None], 7, True, 2.5, {}, print])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: object) -> None:
    """Whatever is handed in, with nothing there a check fails with a next step and no exception."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert (result.name, bool(result.happened and result.where and result.try_next)) == (name, True)


@pytest.mark.parametrize(
    ("answer", "told"),
    [(4, "partitions from 0"), (0, "from 0"), (-1, "from 0"), ("3", "whole number"), (True, "whole number")],
)
def test_wrong_last_partition_is_told(answer: object, told: str) -> None:
    """The lecture's numbering, and what is no number."""
    result = verdict("02.last-partition", evidence(), answer)
    assert not result
    assert told in result.try_next
    assert verdict("02.last-partition", evidence(), 3)


@pytest.mark.parametrize(
    ("answer", "passes"), [("kept", True), (" Kept ", True), ("refused", False), ("made small", False), (1, False)]
)
def test_capitals_are_judged_by_the_cluster(answer: object, passes: bool) -> None:
    """The topic's own name says what Kafka did."""
    assert bool(verdict("02.capitals", evidence("Music.Skips"), answer)) is passes
    assert not verdict("02.capitals", evidence("music.skips"), answer)
    assert "two topics" in verdict("02.capitals", evidence("music.skips", "Music.Skips"), "kept").happened


@pytest.mark.parametrize(
    ("answer", "told"),
    [("New topic", ""), ("error", "acknowledged"), ("thrown away", "acknowledged"), ("music.playz", "Set your guess")],
)
def test_typo_is_judged_by_the_record_that_is_there(answer: str, told: str) -> None:
    """Only with the record in the stray topic there is something to judge."""
    result = verdict("02.typo", evidence(records=(record(STRAY, SONG),)), answer)

    assert bool(result) is (not told)
    assert told in result.try_next
    assert not verdict("02.typo", evidence(STRAY), "new topic")


@pytest.mark.parametrize(
    ("answer", "told"),
    [("first group", ""), ("first broker", "part 5"), ("first topic", "part 5"), ("me", "Set your guess")],
)
def test_internal_topic_is_judged_when_a_group_is_there(answer: str, told: str) -> None:
    """Without a group nobody has made the topic yet."""
    there = FakeEvidence((record(PLAYS), record("__consumer_offsets")), {("dev-auditor", PLAYS): {0: 1}})
    result = verdict("02.internal", there, answer)

    assert bool(result) is (not told)
    assert told in result.try_next
    assert not verdict("02.internal", evidence(), answer)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda name: re.match(r"[a-zA-Z0-9._-]{1,249}", name) is not None and name not in (".", ".."), "249 char"),
        (lambda name: re.match(r"^[a-zA-Z0-9._-]{1,249}$", name) and name not in (".", ".."), "line break"),
        (lambda name: re.fullmatch(r"[\w.-]{1,249}", name) and name not in (".", ".."), "not one of a to z"),
        (lambda name: re.fullmatch(r"[a-z0-9._-]{1,249}", name) and name not in (".", ".."), "capital letters"),
        (lambda name: re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name), "means a folder"),
        (lambda name: re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) and not name.startswith(".."), "three periods"),
        (
            lambda name: re.fullmatch(r"[a-zA-Z0-9._-]*", name) and len(name) < 250 and name not in (".", ".."),
            "at least",
        ),
        (lambda name: re.fullmatch(r"[a-zA-Z0-9._-]{1,255}", name) and name not in (".", ".."), "249"),
        (lambda name: re.fullmatch(r"[a-zA-Z._-]{1,249}", name) and name not in (".", ".."), "legal"),
        (lambda _: True, "249"),
        (lambda _: False, "legal"),
        (lambda name: name[300], "legal"),
    ],
)
def test_rule_that_is_almost_right_is_found_out(function: Callable[[str], object], told: str) -> None:
    """Each usual mistake is caught by one of the names, with the reason."""
    result = verdict("02.rule", FakeEvidence(), function)
    assert not result
    assert told in result.try_next, result


@pytest.mark.parametrize("answer", [None, "is_legal", True, 3, []])
def test_rule_wants_a_function(answer: object) -> None:
    """What is no function gets a sentence."""
    assert "function itself" in verdict("02.rule", FakeEvidence(), answer).try_next


def test_right_rule_passes() -> None:
    """As a bool, or as what fullmatch gives."""
    assert verdict(
        "02.rule",
        FakeEvidence(),
        lambda name: re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) and name not in (".", ".."),
    )


@pytest.mark.parametrize("wrong", TEN_NAMES)
def test_each_of_the_ten_names_counts(wrong: str) -> None:
    """One wrong judgement fails, is named, and gets the reason; a judgement that is none too."""
    for said in {"kafka", "team", "fine", "?", None} - {RIGHT[wrong]}:
        result = verdict("02.ten-names", evidence(), {**RIGHT, wrong: said})
        assert not result
        assert repr(wrong) in result.where
    assert verdict("02.ten-names", evidence(), RIGHT)


def test_underscore_is_refused_only_beside_its_twin() -> None:
    """The right answers hold in the lab's cluster, where music.plays is; elsewhere the check says what is missing."""
    assert not verdict("02.ten-names", FakeEvidence(empty_topics=["other"]), RIGHT)


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ("dev.music.plays.v1", "Hand in the list"),
        ([], "Write the names"),
        (["dev.music plays.v1"], "dev.music-plays.v1"),
        ([*TREE, "Dev.music.x.v1"], "dev.music.x.v1"),
        ([*TREE, "dev.data.v1"], "linter"),
        ([*TREE, "dev.music.likes.v1"], "makes the topics"),
        (TREE[:4], "same branches"),
        ([each for each in TREE if "payments" not in each], "whose topic"),
        ([each for each in TREE if "skips" not in each], "royalties at least"),
        ([each for each in TREE if "v2" not in each], "v2 of the plays"),
    ],
)
def test_tree_that_lacks_something_is_told(tree: object, told: str) -> None:
    """Form, cluster, twins, subjects, contents, versions: the first that is wrong is named."""
    result = verdict("02.tree", evidence(*TREE), tree)
    assert not result
    assert told in result.try_next, result


def test_tree_passes_when_its_topics_are_there() -> None:
    """And not when they only stand in a list."""
    assert verdict("02.tree", evidence(*TREE, "__consumer_offsets"), TREE)
    assert not verdict("02.tree", evidence(*TREE[1:]), TREE)


def test_stray_topic_has_to_go_and_its_record_to_arrive() -> None:
    """Three wrong states, each in its words, and the right one."""
    with_stray = evidence(records=(record(STRAY, SONG), record(PLAYS, SONG)))
    assert "1 record in it that nobody reads" in verdict("02.stray", with_stray).happened
    assert "once more" in verdict("02.stray", evidence()).try_next
    assert verdict("02.stray", evidence(records=(record(PLAYS, SONG),)))
