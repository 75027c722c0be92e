"""The outcome table on evidence made by hand: words, text for HTML, and clusters that do not answer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from kit.checks import SeenRecord
from kit.history import History
from kit.widgets import OutcomeTable
from tests.support.fake_evidence import FakeEvidence

T = "t"
Table = Callable[..., OutcomeTable]


class Unused:
    """A cluster that nobody asks."""

    bootstrap_servers = "127.0.0.1:1"
    brokers = ()


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    """Give what makes a table from a history and the values of a log, or an error in its place."""

    def make(history: History, *log: bytes, error: Exception | None = None) -> OutcomeTable:
        @contextlib.contextmanager
        def evidence(_settings: Any) -> Iterator[FakeEvidence]:
            if error is not None:
                raise error
            records = [SeenRecord(T, 0, offset, 1, None, value) for offset, value in enumerate(log)]
            yield FakeEvidence(records, num_partitions=1)

        monkeypatch.setattr("kit.widgets.outcome_table.ClusterEvidence", evidence)
        return OutcomeTable(Unused(), history, T)

    return make


def sent(history: History, value: Any, offset: int | None) -> None:
    """Note a send that was acknowledged, or was not."""
    operation = history.invoke("near", "send", T, 0, None, value)
    if offset is None:
        operation.unknown("RequestTimedOutError")
    else:
        operation.ok(offset=offset)


def test_table_says_what_became_of_each_record(table: Table) -> None:
    """One line for each record: what was told, what is there, and the word for it."""
    history = History()
    sent(history, b"one", 0)
    sent(history, b"two", 1)
    sent(history, b"three", None)

    made = table(history, b"one")

    assert made.summary == "t: 1 kept, 1 lost, 1 refused"
    assert str(made).splitlines()[2] == "two by near: acknowledged, offset 1; not there: lost"
    html = made._repr_html_()
    assert html.count("<tr>") == 4
    assert "RequestTimedOutError" in html


def test_values_are_shown_as_text(table: Table) -> None:
    """HTML in a value is text, bytes that are none are escaped, and long values are cut."""
    history = History()
    for offset, value in enumerate((b"<script>alert(1)</script>", b"\xff\x00", b"x" * 10_000)):
        sent(history, value, offset)

    made = table(history)

    assert "<script" not in made._repr_html_()
    assert r"\xff" in str(made)
    assert len(str(made)) < 1_000


def test_many_records_are_counted_and_not_all_shown(table: Table) -> None:
    """A thousand records make a table of a hundred rows, and the rest is counted."""
    history = History()
    for number in range(1_000):
        sent(history, str(number).encode(), number)

    html = table(history)._repr_html_()

    assert html.count("<tr>") == 101
    assert "900 more" in html


def test_trouble_is_a_sentence(table: Table) -> None:
    """No cluster, a value that was sent twice, nothing sent at all: a sentence, and no exception."""
    twice = History()
    sent(twice, b"same", 0)
    sent(twice, b"same", 1)

    gone = table(History(), error=KafkaTimeoutError("nobody answers"))

    assert "cannot be compared" in str(gone)
    assert "nobody answers" in gone._repr_html_()
    assert "cannot be compared" in str(table(twice, b"same"))
    assert str(table(History())) == "t: nothing was sent"
    assert "<table" not in table(History())._repr_html_()
