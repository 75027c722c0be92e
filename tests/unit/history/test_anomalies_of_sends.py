"""Each anomaly of sends in the smallest history that has it, beside its nearest twin that has not."""

from __future__ import annotations

import pytest

from kit.history import History, check
from tests.support.histories import T, names, poll, send


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
