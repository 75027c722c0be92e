"""What a poll's topic says: the same for everybody who reads it from the beginning, whatever is in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import PollError
from kit.polls.poll_view import shown
from kit.polls.records import (
    Closed,
    Entry,
    Hidden,
    PollQuestion,
    Revealed,
    Vote,
    check_student,
    decode,
    encode,
    topic_of,
)
from kit.polls.tally import NO_SUCH_OPTION, TOO_EARLY, TOO_LATE, UNREADABLE, Tally

ASKED = PollQuestion("Which?", (("1", "this"), ("2", "that"), ("3", "neither")))

texts = st.text(min_size=1, max_size=20).filter(str.strip)
entries = st.one_of(
    st.just(ASKED),
    st.builds(Vote, st.sampled_from(["ana", "ben", "zoë"]), st.sampled_from(["1", "2", "3", "4"])),
    st.builds(Closed, st.booleans()),
    st.builds(Revealed, st.sampled_from([("1",), ("2", "3"), ("7",)]), st.just("because")),
    st.builds(Hidden, st.integers(0, 20), st.booleans()),
)


def tally_of(*records: Entry | tuple[bytes | None, bytes | None]) -> Tally:
    """The tally of these records, at the offsets from 0."""
    tally = Tally()
    for offset, record in enumerate(records):
        key, value = record if isinstance(record, tuple) else encode(record)
        tally.apply(offset, 1_000 + offset, key, value)
    return tally


@given(st.one_of(entries, st.builds(PollQuestion, texts), st.builds(Vote, st.just("ana"), texts)))
def test_entry_is_the_same_after_encoding_and_decoding(entry: Entry) -> None:
    """Keys and values hold all of it."""
    assert decode(*encode(entry)) == entry


def test_poll_starts_at_zero() -> None:
    """Before the first vote there is 0 % everywhere, and no division by nobody."""
    state = shown(tally_of(ASKED))

    assert [(option["percent"], option["votes"]) for option in state["options"]] == [(0, 0)] * 3
    assert (state["phase"], state["said"]) == ("open", "Nobody has voted yet.")


def test_last_vote_of_each_student_counts() -> None:
    """Whoever votes again has changed the vote."""
    tally = tally_of(ASKED, Vote("ana", "1"), Vote("ben", "1"), Vote("ana", "3"))

    assert tally.counts() == {"1": 1, "2": 0, "3": 1}
    assert [option["percent"] for option in shown(tally)["options"]] == [50, 0, 50]


def test_votes_that_do_not_count_change_nothing_and_are_told() -> None:
    """Too early, too late, for nothing that exists; an earlier good vote of the same student stays."""
    tally = tally_of(
        Vote("ana", "1"), ASKED, Vote("ana", "2"), Vote("ana", "9"), Closed(), Vote("ana", "1"), Vote("ben", "1"),
        Closed(is_open=True), Vote("ben", "3"),
    )  # fmt: skip

    assert tally.counts() == {"1": 0, "2": 1, "3": 1}
    assert tally.num_refused == {NO_SUCH_OPTION: 1, TOO_LATE: 2}
    assert shown(tally)["refused"] == (
        "3 records do not count: 2 came after voting was closed, 1 named an option that does not exist."
    )


def test_vote_before_the_question_is_told_so() -> None:
    """Until the question comes nobody can know what an answer means."""
    assert tally_of(Vote("ana", "1")).num_refused == {TOO_EARLY: 1}
    assert tally_of(Vote("ana", "1"), ASKED).votes == {}


def test_reveal_ends_the_voting_for_good() -> None:
    """Nobody votes for what was revealed, and reopening does not help."""
    late = Vote("ben", "3")
    tally = tally_of(ASKED, Vote("ana", "1"), Revealed(("3",), "so it is"), late, Closed(is_open=True), late)
    state = shown(tally)

    assert (tally.counts()["3"], state["phase"], state["why"]) == (0, "revealed", "so it is")
    assert [option["right"] for option in state["options"]] == [False, False, True]


def test_new_question_begins_a_new_round() -> None:
    """Votes belong to the question before them."""
    tally = tally_of(ASKED, Vote("ana", "1"), Revealed(("1",)), PollQuestion("Words?"), Vote("ana", "some"))

    assert (tally.phase, list(tally.votes)) == ("open", ["ana"])
    assert tally.votes["ana"].answer == "some"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b'{"kind": "vote", "answer": "1"}'),
        (b"ana", None),
        (b"", b'{"kind": "vote", "answer": "1"}'),
        (b"\xff", b'{"kind": "vote", "answer": "1"}'),
        (b"ana", b"1"),
        (b"ana", b"{"),
        (b"ana", b"\xff\x00"),
        (b"ana", b'{"kind": "vote"}'),
        (b"ana", b'{"kind": "vote", "answer": 1}'),
        (b"ana", b'{"kind": "vote", "answer": " "}'),
        (b"ana", b'{"kind": "close"}'),
        (b"ana", b"[" * 40_000),
        (b"a" * 61, b'{"kind": "vote", "answer": "1"}'),
        (b"ana", b'{"kind": "vote", "answer": "' + b"x" * 60_000 + b'"}'),
        (b"#boss", b'{"kind": "close"}'),
        (b"#state", b'{"kind": "open"}'),
        (b"#question", b'{"kind": "question", "text": "?", "options": [{"id": "1"}]}'),
        (b"#question", b'{"kind": "question", "text": "?", "options": "12"}'),
        (b"#question", b'{"kind": "question", "text": "?", "options": [{"id":"1","text":"a"},{"id":"1","text":"b"}]}'),
        (b"#question", b'{"kind": "question"}'),
        (b"#reveal", b'{"kind": "reveal", "right": "1"}'),
        (b"#hide", b'{"kind": "hide", "offset": "1"}'),
    ],
)
def test_record_that_is_none_of_a_polls_changes_nothing(key: bytes | None, value: bytes | None) -> None:
    """Anybody can send anything to a topic."""
    tally = tally_of(ASKED, Vote("ana", "2"), (key, value))

    assert tally.num_refused == {UNREADABLE: 1}
    assert (tally.phase, tally.counts()) == ("open", {"1": 0, "2": 1, "3": 0})


@given(st.binary(max_size=50), st.one_of(st.none(), st.binary(max_size=200)))
def test_no_bytes_make_the_tally_fail(key: bytes, value: bytes | None) -> None:
    """Whatever arrives, the view goes on."""
    assert tally_of(ASKED, (key, value)).next_offset == 2


@given(st.lists(entries, max_size=25))
def test_reading_again_ends_in_the_same_state(records: list[Entry]) -> None:
    """A kernel that starts anew shows what the old one showed, and nobody is counted twice."""
    tally = tally_of(*records)

    assert tally_of(*records) == tally
    assert sum(tally.counts().values()) == (len(tally.votes) if tally.question else 0) <= 3


def test_long_text_is_cut() -> None:
    """A view gets a thousand characters of each, at most."""
    tally = tally_of(PollQuestion("Words?"), (b"ana", json.dumps({"kind": "vote", "answer": "x" * 5_000}).encode()))

    assert len(tally.votes["ana"].answer) == 1_001


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 61, "-x", 5, None, "a/b"])
def test_name_that_no_poll_can_have_is_a_sentence(name: object) -> None:
    """It becomes a topic's name, with Kafka's rules."""
    with pytest.raises(PollError, match="cannot be the name of a poll"):
        topic_of(name)


@pytest.mark.parametrize("student", ["", "#state", "x" * 61, "a\nb", 5])
def test_name_that_no_student_can_have_is_a_sentence(student: object) -> None:
    """Keys that begin with # are the instructor's."""
    with pytest.raises(PollError, match="cannot be a student's name"):
        check_student(student)
