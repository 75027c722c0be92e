"""The checks of lab 09 on evidence made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.checks import SeenRecord, names, verdict
from kit.checks.lab_09 import DIFFERENT, GREETINGS, GROUP, ORDERS, SAME
from tests.support.fake_evidence import FakeEvidence

RECORDS = [SeenRecord(ORDERS, n % 3, n // 3, 1_000 + n, b"%d" % (n % 3), b"order %d" % n) for n in range(13)]
COMMITTED = {(GROUP, ORDERS): {0: 4, 1: 4, 2: 4}}
TOLD = FakeEvidence(RECORDS, COMMITTED)


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("09.")])
@pytest.mark.parametrize("answer", [None, "offsets", SAME, 7, [[]]])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: object) -> None:
    """Whatever is handed in, nothing passes where nothing is."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.try_next


@pytest.mark.parametrize("answer", [SAME, set(SAME), list(SAME)])
def test_same_passes_with_what_is_computed(answer: object) -> None:
    """The four things that a rule decides, in any kind of collection."""
    assert verdict("09.same", TOLD, answer)


@pytest.mark.parametrize(
    ("answer", "fit"),
    [(SAME | DIFFERENT, 4), (DIFFERENT, 0), (set(), 2), ({"offsets"}, 3), (SAME - {"records lost"}, 5)],
)
def test_same_counts_what_fits_and_gives_nothing_away(answer: set[str], fit: int) -> None:
    """A wrong set is told how near it is, not which of its names is wrong."""
    result = verdict("09.same", TOLD, answer)

    assert not result
    assert f"Of your six predictions {fit} fit" in result.happened


@pytest.mark.parametrize("answer", ["nonsense", {"weather"}, [1], None])
def test_same_refuses_what_was_not_compared(answer: object) -> None:
    """A name that is in no row gets the list of those that are."""
    assert "failover time" in verdict("09.same", TOLD, answer).try_next


def test_same_wants_the_storys_records_in_order() -> None:
    """Fewer orders, two that changed places, and a group without commits: each is told."""
    swapped = [*RECORDS[:9], replace(RECORDS[9], value=b"order 0"), *RECORDS[10:]]

    assert "There are 12 orders" in verdict("09.same", FakeEvidence(RECORDS[:12], COMMITTED), SAME).happened
    assert "partition 0, offset 3" in verdict("09.same", FakeEvidence(swapped, COMMITTED), SAME).where
    assert "has committed nothing" in verdict("09.same", FakeEvidence(RECORDS), SAME).happened


def test_connected_shows_the_greeting_as_text() -> None:
    """Any bytes count as a greeting, and are shown harmlessly."""
    greeting = SeenRecord(GREETINGS, 0, 4, 1_000, None, b"\xff<b>hi</b>")

    result = verdict("09.connected", FakeEvidence([greeting]))

    assert result
    assert "offset 4" in result.where
    assert "&lt;b&gt;hi" in result._repr_html_()
