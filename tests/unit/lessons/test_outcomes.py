"""What producers were told against the log: kept, lost, refused, unknown."""

from __future__ import annotations

import pytest

from kit.history import History, HistoryError
from kit.lessons.outcomes import KEPT, LOST, REFUSED, UNKNOWN, in_words, outcomes

T = "t"


def sent(history: History, value: str, offset: int | None = None, error: str | None = None) -> None:
    """Note a send: acknowledged at an offset, or answered with an error; neither leaves it pending."""
    operation = history.invoke("p", "send", T, 0, None, value)
    if offset is not None:
        operation.ok(offset=offset)
    elif error is not None:
        operation.unknown(error)


def test_each_kind_of_end_has_its_word() -> None:
    """Acknowledged or not, there or not: four words, in the order of the sends."""
    history = History()
    sent(history, "kept", offset=0)
    sent(history, "lost", offset=1)
    sent(history, "refused", error="NotEnoughReplicasError")
    sent(history, "there all the same", error="RequestTimedOutError")
    sent(history, "pending")
    log = {0: [(0, "kept"), (1, "there all the same"), (2, "of somebody else")], 1: []}

    judged = outcomes(history, T, log)

    assert [each.word for each in judged] == [KEPT, LOST, REFUSED, UNKNOWN, UNKNOWN]
    assert [each.at for each in judged] == [(0, 0), None, None, (0, 1), None]
    assert all(each.why.endswith(".") for each in judged)
    assert in_words(judged) == "1 kept, 1 lost, 1 refused, 2 unknown"


def test_silence_is_no_refusal() -> None:
    """With acks=0 nobody was told anything, so a record that is not there is unknown and not refused."""
    history = History()
    sent(history, "gone", error="acks=0: nobody acknowledged it")
    sent(history, "there", error="acks=0: nobody acknowledged it")

    judged = outcomes(history, T, {0: [(0, "there")]})

    assert [each.word for each in judged] == [UNKNOWN, KEPT]


def test_other_topics_and_earlier_logs_do_not_count() -> None:
    """A history with sends elsewhere, and one that was judged before, gives the same words again."""
    history = History()
    sent(history, "kept", offset=0)
    history.invoke("p", "send", "other", 0, None, "elsewhere").ok(offset=0)
    history.final_log(T, 0, [])

    for _ in range(2):
        assert [each.word for each in outcomes(history, T, {0: [(0, "kept")]})] == [KEPT]


def test_a_value_sent_twice_cannot_be_judged() -> None:
    """By its value a record is known; the history says so in its own sentence."""
    history = History()
    sent(history, "same", offset=0)
    sent(history, "same", offset=1)

    with pytest.raises(HistoryError, match="same"):
        outcomes(history, T, {0: [(0, "same")]})


def test_nothing_sent_is_said() -> None:
    """An empty history has no outcomes, and words for that."""
    assert outcomes(History(), T, {}) == []
    assert in_words([]) == "nothing was sent"
