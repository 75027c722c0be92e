"""Each anomaly of polls in the smallest history that has it, beside its nearest twin that has not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.history import History, check
from tests.support.histories import T, names, poll


def stay(_history: History) -> None:
    """Nothing happens between two polls."""


RESETS: list[Callable[[History], object]] = [
    lambda history: history.assign("c", [(T, 0, None)]),
    lambda history: history.subscribe("c", [T]),
    lambda history: history.seek("c", T, 0, None),
    lambda history: history.invoke("c", "poll").unknown("killed"),
]
IDLE: list[Callable[[History], object]] = [
    stay,
    lambda history: history.assign("d", [(T, 0, None)]),
    lambda history: history.seek("c", T, 1, 0),
    lambda history: history.seek("c", "u", 0, 0),
    lambda history: history.invoke("c", "poll").fail("broker gone"),
    lambda history: history.invoke("c", "poll").ok(records=[]),
    lambda history: history.invoke("c", "commit", records=[(T, 0, 1)]).ok(),
]


@pytest.mark.parametrize("between", IDLE)
@pytest.mark.parametrize(("offset", "name"), [(0, "nonmonotonic-poll"), (1, "nonmonotonic-poll"), (3, "poll-skip")])
def test_reader_goes_on_where_it_was(between: Callable[[History], object], offset: int, name: str) -> None:
    """Back, on the spot, or past a record that exists: named are the two polls."""
    history = History()
    evidence = history.final_log(T, 0, list(enumerate("abcd")))
    before = poll(history, "c", (0, "a"), (1, "b"))
    between(history)
    after = poll(history, "c", (offset, "abcd"[offset]))

    [finding] = check(history).errors

    assert finding.name == name
    assert finding.operations[:2] == (before, after)
    assert finding.operations[2:] == ((evidence,) if name == "poll-skip" else ())


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_reader_may_go_anywhere_after_a_reset(reset: Callable[[History], object], offset: int) -> None:
    """A rebalance, a seek or a restart ends what the reader's order promises."""
    history = History()
    history.final_log(T, 0, list(enumerate("abcd")))
    poll(history, "c", (0, "a"), (1, "b"))
    reset(history)
    poll(history, "c", (offset, "abcd"[offset]))

    assert names(history) == []


@pytest.mark.parametrize(("offset", "errors"), [(1, ["nonmonotonic-poll"]), (2, []), (3, ["poll-skip"])])
def test_reader_starts_where_it_was_told(offset: int, errors: list[str]) -> None:
    """A seek or assignment with an offset is a promise of its own."""
    for start in (lambda h: h.assign("c", [(T, 0, 2)]), lambda h: h.seek("c", T, 0, 2)):
        history = History()
        history.final_log(T, 0, list(enumerate("abcd")))
        start(history)
        poll(history, "c", (offset, "abcd"[offset]))

        assert names(history) == errors


def test_record_that_another_reader_had_exists() -> None:
    """Whoever went past it skipped it, though the log has lost it since."""
    history = History()
    poll(history, "c", (0, "a"))
    poll(history, "d", (0, "a"), (1, "b"), (2, "c"))
    poll(history, "c", (2, "c"))
    history.final_log(T, 0, [(0, "a"), (2, "c")])

    assert names(history) == ["poll-skip"]


def test_gap_without_records_is_no_skip() -> None:
    """Control records and deleted ones take offsets that no reader sees."""
    history = History()
    history.final_log(T, 0, [(5, "f"), (9, "j")], log_start_offset=5)
    poll(history, "c", (0, "a"))
    poll(history, "c", (5, "f"), (9, "j"))
    poll(history, "d", (3, "d"))

    assert names(history) == []


@pytest.mark.parametrize(
    ("offsets", "name"),
    [
        ([0, 1, 2], None),
        ([0, 2], "int-poll-skip"),
        ([1, 0], "int-nonmonotonic-poll"),
        ([1, 1], "int-nonmonotonic-poll"),
    ],
)
def test_order_inside_one_poll_has_names_of_its_own(offsets: list[int], name: str | None) -> None:
    """Within a poll nothing excuses a jump."""
    history = History()
    history.final_log(T, 0, list(enumerate("abc")))
    read = poll(history, "c", *((offset, "abc"[offset]) for offset in offsets))

    errors = check(history).errors

    assert [finding.name for finding in errors] == ([name] if name else [])
    assert all(finding.operations[0] is read for finding in errors)


def test_rebalance_inside_a_poll_excuses_it() -> None:
    """A client may answer with records from before and after a rebalance."""
    history = History()
    history.final_log(T, 0, list(enumerate("abc")))
    read = history.invoke("c", "poll")
    history.assign("c", [(T, 0, None)])
    read.ok(records=[(T, 0, 2, None, "c"), (T, 0, 0, None, "a")])

    assert names(history) == []
