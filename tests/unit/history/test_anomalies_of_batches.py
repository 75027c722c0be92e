"""The records of one batch: together, in their order, and each judged for itself."""

from __future__ import annotations

import pytest

from kit.history import History, check
from tests.support.histories import T, names, poll


@pytest.mark.parametrize(
    ("order", "name"),
    [
        ("ab", None),
        ("axb", "int-send-skip"),
        ("ba", "int-nonmonotonic-send"),
        ("a-b", None),  # an offset without a record
        ("b", None),
        ("", None),
    ],
)
def test_batch_lies_together_in_its_order(order: str, name: str | None) -> None:
    """The records of one batch are neighbours in the log, if they are there at all."""
    history = History()
    batch = history.invoke("p", "send_batch", T, 0, records=[(None, "a"), (None, "b")]).unknown("timeout")
    history.invoke("q", "send", T, 0, None, "x").unknown("timeout")
    history.final_log(T, 0, [(offset, value) for offset, value in enumerate(order) if value != "-"])

    errors = check(history).errors

    assert [finding.name for finding in errors] == ([name] if name else [])
    assert all(finding.operations[0] is batch for finding in errors)


def test_batch_whose_acknowledgement_claims_otherwise_is_judged_by_what_is_seen() -> None:
    """The acknowledgement says neighbours; a log, or without one a poll, shows the record between."""
    for has_log in (True, False):
        history = History()
        batch = history.invoke("p", "send_batch", T, 0, records=[(None, "a"), (None, "b")]).ok(offset=0)
        seen = [(0, "a"), (1, "x"), (2, "b")]
        if has_log:
            history.final_log(T, 0, seen)
        else:
            poll(history, "c", *seen)

        [skip] = check(history).by_name("int-send-skip")

        assert skip.operations[0] is batch
        assert skip.data == {"offsets": [0, 2], "between": 1}


def test_copy_of_a_batchs_record_is_no_skip() -> None:
    """The log's first copy is the one that lies in its batch."""
    history = History()
    history.invoke("p", "send_batch", T, 0, records=[(None, "a"), (None, "b")]).ok(offset=0)
    history.final_log(T, 0, [(0, "a"), (1, "b"), (2, "x"), (3, "b")])

    assert names(history) == ["duplicate"]


def test_failed_batch_is_an_aborted_read_whatever_its_order() -> None:
    """That it is there at all is the anomaly."""
    history = History()
    history.invoke("p", "send_batch", T, 0, records=[(None, "a"), (None, "b")]).fail("too large")
    history.final_log(T, 0, [(0, "b"), (1, "a")])

    assert check(history).counts == {"aborted-read": 2}


def test_batch_claims_the_offsets_after_its_first() -> None:
    """The acknowledgement has the first record's offset; each record is judged for itself."""
    history = History()
    batch = history.invoke("p", "send_batch", T, 0, records=[(None, "a"), (None, "b")]).ok(offset=7)
    log = history.final_log(T, 0, [(7, "a")])

    [finding] = check(history).errors

    assert (finding.operations, finding.data) == ((batch, log), {"value": "b", "offset": 8})
