"""Arguments that make no sense get one clear sentence; reports say what was acknowledged."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import kit
from kit import datagen
from kit.datagen.report import Report, Written
from kit.datagen.showing import Showing


class OneBroker:
    """A cluster of which only this much is asked."""

    bootstrap_servers = "127.0.0.1:1"

    def __init__(self, *, is_alive: bool) -> None:
        self.brokers = [SimpleNamespace(is_alive=is_alive)]


ALIVE, CLOSED = OneBroker(is_alive=True), OneBroker(is_alive=False)
STREAM = datagen.listens()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: datagen.listens(late=1.5), "late=1.5 is not possible"),
        (lambda: datagen.plays(duplicates=-0.1), "share from 0 for none to 1 for all"),
        (lambda: datagen.plays(duplicates=math.nan), "duplicates=nan"),
        (lambda: datagen.plays(late=True), "late=True"),
        (lambda: datagen.detections(late="some"), "late='some'"),
        (lambda: datagen.listens("seven"), "seed='seven' is not possible"),
        (lambda: datagen.listens(1.5), "seed=1.5"),
        (lambda: datagen.listens(late_ms=10), "from 1,000 on"),
        (lambda: datagen.listens(start_ms=-1), "milliseconds since 1970"),
        (lambda: datagen.listens(start_ms=10**15), "start_ms=1000000000000000"),
        (lambda: STREAM.take(0), "count=0 is not possible"),
        (lambda: STREAM.send(ALIVE, "t", count=-5), "count=-5"),
        (lambda: STREAM.send(ALIVE, "t", count=5, rate=-1), "rate=-1 is not possible: give records per second"),
        (lambda: STREAM.send(ALIVE, "t", count=5, rate=0), "rate=0"),
        (lambda: STREAM.send(ALIVE, "t", count=5, rate=math.inf), "rate=inf"),
        (lambda: STREAM.send(ALIVE, 7, count=5), "7 is no name of a topic"),
        (lambda: STREAM.send(ALIVE, "t", count=5, event_time="yes"), "event_time='yes'"),
        (lambda: STREAM.send("localhost:9092", "t", count=5), "'localhost:9092' is no cluster"),
        (lambda: STREAM.send(CLOSED, "t", count=5), "The cluster is closed, or no broker answers"),
        (lambda: STREAM.run(CLOSED, "t"), "The cluster is closed, or no broker answers"),
        (lambda: STREAM.run(ALIVE, "t", rate="fast"), "rate='fast'"),
    ],
)
def test_bad_arguments_get_one_sentence(call: Callable[[], Any], words: str) -> None:
    """It names what was given and what is possible, before anything is sent."""
    with pytest.raises(kit.DatagenError) as caught:
        call()

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_report_in_words_and_as_a_table() -> None:
    """The sums, each error by Kafka's name, each partition with its offsets; names are never HTML."""
    report = Report("<b>", 4, 1, 2, {1: Written(1, 7, 7), 0: Written(3, 5, 9)}, {"REQUEST_TIMED_OUT": 2}, 2.0)

    assert str(report).splitlines() == [
        "4 records acknowledged in <b>, in 2.0 s (2 per second). Late: 2. Duplicates: 1.",
        "Not acknowledged, REQUEST_TIMED_OUT: 2 records",
        "  partition 0: 3 records, offsets 5 to 9",
        "  partition 1: 1 record, offset 7",
    ]
    html = report._repr_html_()
    assert "<b>" not in html
    assert '<th scope="row">0</th><td>3</td><td>5</td><td>9</td>' in html
    assert "until it was stopped" in str(Report("t", is_stopped=True))


def test_progress_is_shown_when_it_takes_long(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    """One line that renews itself in a terminal, after two seconds and not more often than twice a second."""
    now = [0.0]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.delitem(__import__("sys").modules, "IPython", raising=False)
    showing = Showing("listens", 1_000, now=lambda: now[0])
    for tenth in range(31):
        now[0] = tenth / 10
        showing(tenth * 10)
    showing.close(1_000)

    lines = capsys.readouterr().err.split("\r")
    assert lines == ["", *(f"{count} of 1,000 records acknowledged in listens" for count in (200, 250, 300)),
                     "1,000 of 1,000 records acknowledged in listens\n"]  # fmt: skip
