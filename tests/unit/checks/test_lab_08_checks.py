"""The checks of lab 08 on what a practice CLI could have."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from kit.checks import SeenRecord, names, verdict
from kit.checks.practice_facts import PracticeCluster, PracticeFacts
from tests.support.fake_evidence import FakeEvidence

RIGHT = PracticeCluster("lkc-1", "msds682", "gcp", "us-west1", is_current=True, has_key=True)
FACTS = PracticeFacts(True, (("env-1", "day2"),), (RIGHT,), ("KEY1",), ("lkc-1",))


@dataclass
class DeskFacts(FakeEvidence):
    """Evidence with a practice desk."""

    practice: PracticeFacts = field(default_factory=PracticeFacts)


def order(partition: int, offset: int, key: bytes | None, value: bytes = b"1 ticket") -> SeenRecord:
    """Give one order."""
    return SeenRecord("orders", partition, offset, 1_000 + offset, key, value)


ORDERS = [order(2, 0, b"ana"), order(0, 0, b"ben"), order(2, 1, b"ana")]


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("08.")])
@pytest.mark.parametrize("answer", [None, "both", "goes on", 7, [], "<b>"])
@pytest.mark.parametrize("evidence", [FakeEvidence(), DeskFacts()])
def test_check_without_a_desk_says_what_to_do(name: str, answer: object, evidence: FakeEvidence) -> None:
    """Nothing made, or no desk handed in: no check passes, and each has a next step."""
    result = verdict(name, evidence, answer)

    assert not result
    assert result.happened
    assert result.try_next


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        (RIGHT, ""),
        (replace(RIGHT, name="day2"), "its name is 'day2', agreed is 'msds682'"),
        (replace(RIGHT, region="us-central1"), "its region is 'us-central1'"),
        (replace(RIGHT, cloud="aws"), "its cloud is 'aws'"),
        (replace(RIGHT, is_running=False), "do not answer"),
        (replace(RIGHT, is_current=False), "none is in use"),
    ],
)
def test_cluster_names_the_slip(cluster: PracticeCluster, told: str) -> None:
    """Name, cloud and region have to be those agreed on, and the cluster has to run and be in use."""
    result = verdict("08.cluster", DeskFacts(practice=replace(FACTS, clusters=(cluster,))))

    assert result.passed is (not told)
    assert told in result.happened


def test_cluster_passes_with_a_note_about_a_second_one() -> None:
    """The one from the first try is no mistake, but is to be deleted too."""
    other = replace(RIGHT, id="lkc-0", name="day2", is_current=False)

    result = verdict("08.cluster", DeskFacts(practice=replace(FACTS, clusters=(other, RIGHT))))

    assert result
    assert "1 more to delete" in result.happened


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (ORDERS, "All 2 orders of ana are in partition 2"),
        ([], "no record"),
        ([order(1, 0, None, b"ana:2 tickets")], "no key, its value is 'ana:2 tickets'"),
        ([order(1, 0, b"ana"), order(2, 0, b"ben")], "No customer has two orders"),
        ([order(1, 0, b"ana"), order(2, 0, b"ana")], "are in partitions [1, 2]"),
        ([order(1, 0, None, b"\xff\x00<b>" * 90)], "no key"),
    ],
)
def test_orders_wants_two_of_one_customer_by_key_in_one_partition(records: list[SeenRecord], told: str) -> None:
    """The planted mistake, a line that is all value, is told from orders that are merely too few."""
    result = verdict("08.orders", DeskFacts(records, practice=FACTS))

    assert result.passed is (records is ORDERS)
    assert told in result.happened


def test_orders_passes_although_an_older_try_had_no_key() -> None:
    """The records of the first run stay in the topic."""
    assert verdict("08.orders", DeskFacts([order(1, 0, None), *ORDERS], practice=FACTS))


@pytest.mark.parametrize(("answer", "passed"), [("both", True), ("send", False), ("read", False), ("all", False)])
def test_key_is_for_both_ways(answer: str, passed: bool) -> None:
    """A key sends and reads; the check has just read with it."""
    result = verdict("08.key", DeskFacts(ORDERS, practice=FACTS), answer)

    assert result.passed is passed
    assert "3 records" in result.happened


@pytest.mark.parametrize(("answer", "passed"), [("goes on", True), ("ended", False), (True, False)])
def test_logout_judges_by_the_brokers_that_answer(answer: object, passed: bool) -> None:
    """Nobody is logged in, and the cluster takes connections all the same."""
    result = verdict("08.logout", DeskFacts(practice=replace(FACTS, is_logged_in=False)), answer)

    assert result.passed is passed
    assert "still takes connections" in result.happened


def test_logout_speaks_of_several_clusters() -> None:
    """Whoever has made a second one reads of both."""
    facts = replace(FACTS, is_logged_in=False, clusters=(replace(RIGHT, id="lkc-2", is_current=False), RIGHT))

    assert (
        "(lkc-1) still take connections. In the cloud they "
        in verdict("08.logout", DeskFacts(practice=facts), "goes on").happened
    )


def test_logout_wants_a_logout() -> None:
    """As long as somebody is logged in, the right guess shows nothing."""
    assert "You are logged in" in verdict("08.logout", DeskFacts(practice=FACTS), "goes on").happened


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (PracticeFacts(True, deleted_clusters=1), ""),
        (PracticeFacts(False, deleted_clusters=2), ""),
        (PracticeFacts(True), "no Kafka cluster has ever been on it"),
        (FACTS, "Kafka cluster lkc-1 (msds682), environment env-1 (day2), API key KEY1"),
        (PracticeFacts(True, (("env-1", "day2"),)), "environment env-1"),
        (PracticeFacts(True, api_keys=("KEY1",)), "API key KEY1"),
        (PracticeFacts(True, processes=("lkc-9",)), "a process of lkc-9"),
        (PracticeFacts(True, processes=("lkc-9",), deleted_clusters=1), "a process of lkc-9"),
    ],
)
def test_clean_names_everything_that_is_left(facts: PracticeFacts, told: str) -> None:
    """Whatever is left is named; a desk at which nothing was ever done is not clean but unused."""
    result = verdict("08.clean", DeskFacts(practice=facts))

    assert result.passed is (not told)
    assert told in result.happened
