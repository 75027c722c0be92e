"""Each anomaly in the smallest history that has it, beside its nearest twin that has not."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.history import NAMES, History, HistoryError, Operation, check

T = "t"


def send(history: History, process: str, value: str, offset: int | None, partition: int = 0) -> Operation:
    """A send that was acknowledged."""
    return history.invoke(process, "send", T, partition, None, value).ok(offset=offset)


def poll(history: History, process: str, *seen: tuple[int, str], partition: int = 0) -> Operation:
    """A poll that returned these (offset, value)."""
    records = [(T, partition, offset, None, value) for offset, value in seen]
    return history.invoke(process, "poll").ok(records=records)


def names(history: History, **options: Any) -> list[str]:
    """What is an error in the history."""
    return sorted({finding.name for finding in check(history, **options).errors})


def test_acknowledged_record_that_the_log_lacks_is_lost() -> None:
    """The final log decides: named are the send and the log, not the records that are there."""
    history = History()
    lost = send(history, "p", "a", 0)
    send(history, "p", "b", 1)
    log = history.final_log(T, 0, [(1, "b")])

    [finding] = check(history).errors

    assert (finding.name, finding.topic, finding.partition) == ("lost-write", T, 0)
    assert finding.operations == (lost, log)
    assert finding.text == "'a' was acknowledged to process p at t-0 offset 0, and the log at the end lacks it."
    assert finding.data == {"value": "a", "offset": 0}


@pytest.mark.parametrize(
    ("log_start_offset", "records", "errors"),
    [(0, [(0, "a"), (1, "b")], []), (1, [(1, "b")], []), (2, [], []), (0, [(1, "b")], ["lost-write"])],
)
def test_record_that_retention_deleted_is_not_lost(
    log_start_offset: int, records: list[tuple[int, str]], errors: list[str]
) -> None:
    """Below the log's start offset nothing has to be there."""
    history = History()
    send(history, "p", "a", 0)
    send(history, "p", "b", 1)
    history.final_log(T, 0, records, log_start_offset=log_start_offset)

    assert names(history) == errors


def test_acknowledgement_without_offset_is_judged_by_its_value() -> None:
    """A retry can be acknowledged without an offset; once retention has deleted something nobody can tell."""
    history = History()
    send(history, "p", "a", -1)
    other = History()
    send(other, "p", "a", -1)
    history.final_log(T, 0, [])
    other.final_log(T, 0, [], log_start_offset=3)

    assert names(history) == ["lost-write"]
    assert names(other) == []


def test_record_acknowledged_after_the_final_log_is_not_lost() -> None:
    """A log taken too early proves nothing about what came later."""
    history = History()
    late = history.invoke("p", "send", T, 0, None, "a")
    history.invoke("p", "send", T, 0, None, "b").unknown("timeout")
    history.final_log(T, 0, [])
    late.ok(offset=0)
    poll(history, "c", (0, "a"), (1, "b"))

    assert names(history) == []


def test_record_that_was_read_and_is_gone_is_lost_whatever_its_send_knows() -> None:
    """What a consumer has seen was committed; a send without an answer does not excuse its loss."""
    history = History()
    sent = history.invoke("p", "send", T, 0, None, "a").unknown("timeout")
    read = poll(history, "c", (0, "a"))
    log = history.final_log(T, 0, [])

    [finding] = check(history).errors

    assert finding.name == "lost-write"
    assert finding.operations == (sent, read, log)


def test_unknown_send_may_be_there_or_not() -> None:
    """No answer is no promise."""
    for records in ([], [(0, "a")]):
        history = History()
        history.invoke("p", "send", T, None, None, "a").unknown("timeout")
        history.final_log(T, 0, records)

        assert names(history) == []


def test_without_a_log_a_record_that_readers_passed_is_lost() -> None:
    """As in Jepsen: one offset further was read, and the record by nobody."""
    history = History()
    lost = send(history, "p", "b", 1)
    poll(history, "c", (0, "a"))
    further = poll(history, "d", (2, "c"))

    findings = check(history).errors

    assert [(finding.name, finding.operations) for finding in findings] == [("lost-write", (lost, further))]


def test_without_a_log_a_record_outside_what_was_read_is_not_lost() -> None:
    """Before the first reader's start and after the last read there is no claim."""
    history = History()
    send(history, "p", "a", 0)
    send(history, "p", "c", 2)
    poll(history, "c", (1, "b"))

    report = check(history)

    assert report.ok
    assert report.counts == {"unseen": 2}


def test_reader_that_started_at_an_offset_should_have_read_it() -> None:
    """A known start widens the claim to records before the first one read."""
    history = History()
    twin = History()
    for each in (history, twin):
        send(each, "p", "a", 0)
    history.assign("c", [(T, 0, 0)])
    twin.seek("c", T, 0, 0)
    for each in (history, twin):
        poll(each, "c", (1, "b"))

        assert names(each) == ["lost-write", "poll-skip"]


def test_unseen_is_an_error_only_for_readers_that_caught_up() -> None:
    """In the log and read by nobody: readers are slow, or something is wrong if they say that they are at the end."""
    history = History()
    sent = send(history, "p", "a", 0)
    history.final_log(T, 0, [(0, "a")])

    [finding] = check(history).findings

    assert (finding.name, finding.operations) == ("unseen", (sent,))
    assert names(history) == []
    assert names(history, caught_up=True) == ["unseen"]
    poll(history, "c", (0, "a"))
    assert check(history, caught_up=True).counts == {}


def test_value_at_two_offsets_is_a_duplicate() -> None:
    """One send, two places; an error unless the producer may repeat itself."""
    history = History()
    sent = send(history, "p", "a", 0)
    log = history.final_log(T, 0, [(0, "a"), (1, "a")])

    [finding] = check(history).errors

    assert (finding.name, finding.operations) == ("duplicate", (sent, log))
    assert finding.data["places"] == [[0, 0], [0, 1]]
    assert names(history, allow_duplicates=True) == []
    assert check(history, allow_duplicates=True).counts == {"duplicate": 1, "unseen": 1}


def test_value_in_two_partitions_is_a_duplicate_and_in_two_topics_is_not() -> None:
    """Values are unique within a topic."""
    history, twin = History(), History()
    for each in (history, twin):
        send(each, "p", "a", 0)
    poll(history, "c", (5, "a"), partition=1)
    twin.invoke("p", "send", "u", 0, None, "a").ok(offset=5)
    twin.invoke("c", "poll").ok(records=[("u", 0, 5, None, "a")])

    assert names(history) == ["duplicate"]
    assert names(twin) == []


def test_reading_a_record_again_is_no_duplicate() -> None:
    """The same offset in two polls is one record."""
    history = History()
    send(history, "p", "a", 0)
    poll(history, "c", (0, "a"))
    poll(history, "d", (0, "a"))

    assert names(history) == []


def test_two_values_at_one_offset_are_inconsistent() -> None:
    """Named are the first observer and the one that disagrees."""
    history = History()
    first = poll(history, "c", (3, "a"))
    poll(history, "d", (3, "a"))
    other = poll(history, "e", (3, "b"))

    [finding] = check(history).errors

    assert (finding.name, finding.operations) == ("inconsistent-offsets", (first, other))
    assert finding.data == {"offset": 3, "values": ["a", "b"]}


def test_acknowledged_record_whose_offset_holds_another_is_lost() -> None:
    """Without a log, a poll of the very offset is enough; and one finding says it, not two."""
    history = History()
    send(history, "p", "a", 1)
    poll(history, "c", (1, "b"))

    assert check(history).counts == {"lost-write": 1, "inconsistent-offsets": 1}


def test_record_read_after_another_at_its_offset_is_read() -> None:
    """The first poll of an offset does not hide what the second one has."""
    history = History()
    send(history, "p", "a", 1)
    poll(history, "c", (1, "b"))
    poll(history, "d", (1, "a"))

    assert check(history).counts == {"inconsistent-offsets": 1}


def test_two_sends_at_one_offset_are_out_of_order_too() -> None:
    """An offset belongs to one record."""
    history = History()
    send(history, "p", "a", 0)
    send(history, "p", "b", 0)

    assert names(history) == ["inconsistent-offsets", "nonmonotonic-send"]


def test_followers_log_is_compared_with_the_leaders() -> None:
    """Only the first final log decides what is lost; every one is an observer."""
    history = History()
    send(history, "p", "a", 0)
    send(history, "p", "b", 1)
    poll(history, "c", (0, "a"), (1, "b"))
    leader = history.final_log(T, 0, [(0, "a"), (1, "b")], observer="broker 1")
    history.final_log(T, 0, [(0, "a")], observer="broker 2")
    assert names(history) == []

    follower = history.final_log(T, 0, [(0, "a"), (1, "x")], observer="broker 3")
    [finding] = check(history).errors

    assert (finding.name, finding.operations[1]) == ("inconsistent-offsets", follower)
    assert leader not in finding.operations
    assert "the log at the end (broker 3)" in finding.text


@pytest.mark.parametrize("outcome", ["fail", "unknown", "pending"])
def test_read_of_a_failed_send_is_an_aborted_read(outcome: str) -> None:
    """Only a certain failure makes the read an error."""
    history = History()
    sent = history.invoke("p", "send", T, 0, None, "a")
    if outcome != "pending":
        getattr(sent, outcome)("MessageSizeTooLarge")
    read = poll(history, "c", (0, "a"))

    errors = check(history).errors

    if outcome == "fail":
        assert [(finding.name, finding.operations) for finding in errors] == [("aborted-read", (sent, read))]
        assert "failed (MessageSizeTooLarge)" in errors[0].text
    else:
        assert errors == []


def test_aborted_read_that_is_gone_is_no_lost_write() -> None:
    """What failed may go; that it was read is the anomaly."""
    history = History()
    history.invoke("p", "send", T, 0, None, "a").fail("too large")
    poll(history, "c", (0, "a"))
    history.final_log(T, 0, [])

    assert check(history).counts == {"aborted-read": 1}


def test_failed_send_that_is_in_no_log_is_fine() -> None:
    """That is what failing means."""
    history = History()
    history.invoke("p", "send", T, 0, None, "a").fail("MessageSizeTooLarge")
    history.final_log(T, 0, [])

    assert names(history) == []


def test_later_send_at_a_lower_offset_is_nonmonotonic() -> None:
    """Within one process and one partition, offsets grow in the order of sending, not of acknowledging."""
    history, twin = History(), History()
    first = history.invoke("p", "send", T, 0, None, "a")
    second = history.invoke("p", "send", T, 0, None, "b")
    second.ok(offset=0)
    first.ok(offset=1)
    late = twin.invoke("p", "send", T, 0, None, "a")
    twin.invoke("p", "send", T, 0, None, "b").ok(offset=1)
    late.ok(offset=0)

    [finding] = check(history).errors

    assert (finding.name, finding.operations) == ("nonmonotonic-send", (first, second))
    assert names(history, send_order=None) == []
    assert names(twin) == []


@pytest.mark.parametrize(("process", "partition"), [("q", 0), ("p", 1)])
def test_sends_of_two_processes_or_to_two_partitions_have_no_order(process: str, partition: int) -> None:
    """Kafka orders one producer's records in one partition, and no others."""
    history = History()
    send(history, "p", "a", 1)
    send(history, process, "b", 0, partition)

    assert names(history) == []


def test_unknown_sends_keep_their_order_only_when_all_are_promised() -> None:
    """An idempotent producer promises the order of all that is in the log."""
    history = History()
    first = history.invoke("p", "send", T, None, None, "a").unknown("timeout")
    second = send(history, "p", "b", 0)
    history.final_log(T, 0, [(0, "b"), (1, "a")])

    assert names(history) == []
    [finding] = check(history, send_order="all").errors
    assert (finding.name, finding.operations) == ("nonmonotonic-send", (first, second))


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
