"""The failure matrix: rows, how a run is read, and predictions that anybody may hand in."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.lessons import failure_matrix as lesson
from kit.lessons.failure_matrix import FAILURES, KEPT, LOST, REFUSED, ROWS, Seen, outcome, why

SEEN = Seen(
    row=1, topic="t", value="v", error="", offset=1, isr=(1, 2), leader=1, next_leader=None, in_log=True
)  # fmt: skip


def test_rows_are_numbered_and_grouped_by_failure() -> None:
    """Rows count from 1 in the order of their failures, and every failure has some."""
    assert [row.number for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert [row for failure in FAILURES for row in lesson.rows_of(failure.name)] == list(ROWS)
    assert all(lesson.rows_of(failure.name) for failure in FAILURES)
    assert all(row.min_insync_replicas <= row.replication_factor for row in ROWS)


@pytest.mark.parametrize(
    ("error", "in_log", "word"),
    [("", True, KEPT), ("", False, LOST), ("REQUEST_TIMED_OUT", False, REFUSED), ("REQUEST_TIMED_OUT", True, KEPT)],
)
def test_outcome_is_read_from_answer_and_log(error: str, in_log: bool, word: str) -> None:
    """The same answer means something else when the log says something else; the row has no say."""
    for row in ROWS:
        assert outcome(replace(SEEN, row=row.number, error=error, in_log=in_log)) == word


def test_every_row_and_course_of_events_has_a_reason() -> None:
    """Whatever was seen, also what never should be, is told in sentences that name the brokers."""
    courses = itertools.product(ROWS, ["", "NOT_ENOUGH_REPLICAS"], [(), (1,), (1, 3)], [None, 2], [True, False])
    for row, error, isr, next_leader, in_log in courses:
        text = why(replace(SEEN, row=row.number, error=error, isr=isr, next_leader=next_leader, in_log=in_log))

        assert text.endswith(".")
        assert "None" not in text


def test_results_are_read_back() -> None:
    """What a run leaves in the topic is read again, the newest of each row."""
    older, newer = replace(SEEN, in_log=False), replace(SEEN, next_leader=3)

    found = lesson.read_results([older.as_json().encode(), newer.as_json().encode()])

    assert found == {1: newer}


@pytest.mark.parametrize(
    "value",
    [None, b"", b"\xff", b"[]", b"{}", b"7", b'{"row": 1}', SEEN.as_json().replace("1", "99", 1).encode()]
    + [replace(SEEN, in_log=wrong).as_json().encode() for wrong in ("yes", None)],  # type: ignore[arg-type]
)
def test_what_is_no_result_is_left_out(value: bytes | None) -> None:
    """Records of somebody else in the topic do no harm."""
    assert lesson.read_results([value, SEEN.as_json().encode()]) == {1: SEEN}


@given(
    st.one_of(
        st.none(),
        st.integers(),
        st.text(),
        st.lists(st.integers()),
        st.dictionaries(
            st.one_of(st.integers(), st.text(), st.booleans(), st.none()),
            st.one_of(st.sampled_from(lesson.WORDS), st.text(), st.integers()),
        ),
    )
)
def test_predictions_of_any_kind_are_cleaned(predictions: object) -> None:
    """Whatever is handed in, what is left are rows that exist and words that are known."""
    found = lesson.cleaned(predictions)

    assert found.keys() <= {row.number for row in ROWS}
    assert set(found.values()) <= set(lesson.WORDS)


def test_predictions_are_written_as_python() -> None:
    """What stands below the matrix gives the same predictions when it is run."""
    names: dict[str, dict[int, str]] = {}
    said = {3: KEPT, 12: LOST}

    exec(lesson.as_python(said), names)

    assert names["predictions"] == said
    assert lesson.as_python({}) == "predictions = {}"


def test_rows_are_told_in_words() -> None:
    """One row, several, and all of them."""
    assert lesson.in_words([3]) == "row 3"
    assert lesson.in_words([3, 4, 7]) == "rows 3, 4 and 7"
    assert lesson.in_words([row.number for row in ROWS]) == "all rows"
