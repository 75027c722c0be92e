"""What a report says, what the judges refuse, and the page that explains both."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from kit.history import NAMES, History, HistoryError, check
from tests.support.histories import T, poll, send


def test_foreign_records_are_counted_and_not_judged() -> None:
    """Records that this history did not send may repeat; the report says what to do if they were meant."""
    history = History()
    poll(history, "c", (0, "x"), (1, "x"))

    report = check(history)

    assert report.ok
    assert report.num_foreign == 2
    assert "bytes or text, not both" in report.explain()


def test_value_sent_twice_is_refused() -> None:
    """Nobody could tell a duplicate from a second send."""
    history = History()
    send(history, "p", "a", 0)
    history.invoke("p", "send", T, 0, None, "a").fail()
    batch = History()
    batch.invoke("p", "send_batch", T, 0, records=[(None, "a"), (None, "a")])

    with pytest.raises(HistoryError, match=r"'a' was sent to t twice, by operation 0 .* and by operation 1 "):
        check(history)
    with pytest.raises(HistoryError, match="sent to t twice"):
        check(batch)


def test_value_that_cannot_be_compared_is_refused() -> None:
    """A dictionary is no name for a record, whoever brings it."""
    sends, polls = History(), History()
    sends.invoke("p", "send", T, 0, None, {"song": 1})
    polls.invoke("c", "poll").ok(records=[(T, 0, 0, None, {"song": 1})])

    with pytest.raises(HistoryError, match="not hashable; record its bytes"):
        check(sends)
    with pytest.raises(HistoryError, match="cannot be compared"):
        check(polls)


def test_check_refuses_what_is_no_history() -> None:
    """Nor another order of sends than there is."""
    with pytest.raises(TypeError, match=r"judges a kit\.history\.History, not NoneType"):
        check(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="send_order='any' is no order of sends"):
        check(History(), send_order="any")  # type: ignore[arg-type]


def test_text_and_bytes_of_one_record_are_refused() -> None:
    """It is no loss, but a recording to be mended."""
    history = History()
    send(history, "p", "ü", 0)
    history.invoke("c", "poll").ok(records=[(T, 0, 0, None, "ü".encode())])

    with pytest.raises(HistoryError, match=r"t-0 offset 0 is 'ü' for operation 0 .*: record text everywhere"):
        check(history)


def test_report_keeps_some_findings_and_counts_all() -> None:
    """A lost topic does not fill the memory, and the text says how many more there are."""
    history = History()
    for number in range(20):
        send(history, "p", f"v{number}", number)
    history.final_log(T, 0, [])

    report = check(history, limit=4)

    assert report.counts == {"lost-write": 20}
    assert len(report.findings) == 4
    assert report.explain(2).splitlines()[-1] == "  ... and 18 more"


def test_worked_example_of_the_page_is_true() -> None:
    """The page's code prints the page's answer."""
    page = (Path(__file__).parents[3] / "docs/reference/history.md").read_text(encoding="utf-8")
    [(code, answer)] = re.findall(r"^```python\n(.*?)^```\n\n```\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "history.md", "exec"), {})

    assert out.getvalue() == answer


def test_page_defines_every_name() -> None:
    """A name that a report can have is explained."""
    page = (Path(__file__).parents[3] / "docs/reference/history.md").read_text(encoding="utf-8")

    assert [name for name in NAMES if f"| `{name}`" not in page] == []
