"""Recording: what is refused, what is kept, and the file it is kept in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kit
from kit.history import History, HistoryError, Operation, check
from kit.history.jsonl import HEAD

T = "t"


def test_history_is_one_of_the_kits_names() -> None:
    """``kit.history`` is the package, without an import of its own."""
    assert kit.history.History is History


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda h: h.invoke("p", "sent", T), "nothing begins with 'sent'; try one of send, send_batch, poll, commit"),
        (lambda h: h.invoke("p", "send"), "process p: a send needs a topic"),
        (lambda h: h.invoke("p", "send", T).ok(offset=1), "it went to partition None, and the answer says None"),
        (lambda h: h.invoke("p", "send", T, 1).ok(partition=2), "went to partition 1, and the answer says 2"),
        (lambda h: h.invoke("p", "send", T, 0).ok(records=[]), "only a poll returns records"),
        (
            lambda h: h.invoke("p", "poll").ok(records=[(T, 0, 1)]),
            r"a record is \(topic, partition, offset, key, value",
        ),
        (lambda h: h.invoke("p", "send", T, 0).ok(offset="3"), "partition 0 and offset '3' should be whole numbers"),
        (lambda h: h.invoke("p", "send", T).ok(partition="0"), "partition '0' and offset None should be whole"),
        (lambda h: h.invoke("p", "poll").ok(records=5), "records is a list; a record is"),
        (lambda h: h.invoke("p", "poll").ok(records=[5]), "records is a list; a record is"),
        (
            lambda h: h.invoke("p", "poll").ok(records=[(T, 0, "1", None, "a")]),
            "with a number for partition and offset",
        ),
        (lambda h: h.invoke("p", "send_batch", T, records=["a"]), r"send_batch: each is \(key, value\), .* not 'a'"),
        (lambda h: h.invoke("p", "commit", records="a"), r"commit: each is \(topic, partition, offset\), .* not 'a'"),
        (
            lambda h: h.assign("c", ["t"]),
            r"assigned partitions: each is \(topic, partition, offset or None\).* not 't'",
        ),
        (lambda h: h.assign("c", [("t", 0)]), r"not \('t', 0\)"),
        (lambda h: h.assign("c", [("t", 0, "1")]), "offset '1' should be a whole number"),
        (lambda h: h.assign("c", None), "in a list, not None"),
        (lambda h: h.subscribe("c", "plays"), "topics is a list of names, not 'plays'"),
        (lambda h: h.subscribe("c", 5), "topics is a list of names, not 5"),
        (lambda h: h.seek("c", T, 0, "5"), "process c: a seek: offset '5' should be a whole number"),
        (lambda h: h.seek("c", T, None, 5), "partition None should be a whole number"),
        (lambda h: h.final_log(T, 0, ["a"]), r"final log of t-0: records: each is \(offset, value\), .* not 'a'"),
        (lambda h: h.final_log(T, 0, [("0", "a")]), "final log of t-0: offset '0' should be a whole number"),
        (lambda h: h.invoke("p", "poll").ok().fail(), "ended as 'ok' already, and cannot end as 'fail' too"),
        (lambda h: h.final_log(T, 0, [(2, "a"), (2, "b")]), "final log of t-0: offset 2 where at least 3 must be"),
        (lambda h: h.final_log(T, 0, [(2, "a")], log_start_offset=3), "offset 2 where at least 3 must be"),
    ],
)
def test_recorder_refuses_what_cannot_be(act: Callable[[History], object], sentence: str) -> None:
    """One sentence that says what is wrong."""
    with pytest.raises(HistoryError, match=sentence):
        act(History())


def test_operation_keeps_its_times_and_its_reason() -> None:
    """Times are the caller's; an error without text is known by its type."""
    operation = History().invoke("p", "send", T, time_ms=10).unknown(TimeoutError(), time_ms=25)

    assert (operation.start_ms, operation.end_ms, operation.error) == (10, 25, "TimeoutError")
    assert repr(operation) == "<operation 0 (send of process p, unknown)>"


def everything() -> History:
    """One of each operation, with values of every kind."""
    history = History()
    late = history.invoke("p", "send", T, None, b"\x00\xff", "ü\n", time_ms=1)
    history.invoke(7, "send", T, 0, None, b"a").fail("too large", time_ms=3)
    history.invoke("p", "send_batch", T, 0, records=[(None, 1.5), (b"k", True)]).ok(offset=3)
    history.invoke("p", "send", T, 0, None, None)
    history.subscribe("c", [T])
    history.assign("c", [(T, 0, None), (T, 1, 4)])
    history.seek("c", T, 0, 2)
    history.invoke("c", "poll").ok(records=[(T, 0, 2, None, b"a")])
    history.invoke("c", "commit", records=[(T, 0, 3)]).unknown("timeout")
    late.ok(partition=0, offset=9, time_ms=30)
    history.final_log(T, 0, [(2, b"a"), (9, "ü\n")], log_start_offset=1, observer="broker 1")
    return history


def fields(operation: Operation) -> list[object]:
    """All that an operation holds, except its history."""
    return [getattr(operation, name) for name in Operation.__slots__ if name != "_completions"]


def test_file_keeps_everything(tmp_path: Path) -> None:
    """Each field of each operation is read as it was, in both orders."""
    history = everything()
    history.save(tmp_path / "h.jsonl")
    again = History.load(tmp_path / "h.jsonl")

    assert [fields(each) for each in again] == [fields(each) for each in history]
    assert [each.index for each in again.completions] == [each.index for each in history.completions]
    assert again.invoke("p", "poll").ok().index == len(history)
    assert again.completions[-1].index == len(history)


def test_value_that_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    """Say which type, and what to do."""
    history = History()
    history.invoke("p", "send", T, 0, None, (1, 2))

    with pytest.raises(HistoryError, match="type tuple cannot be written as JSON; record its bytes or text"):
        history.save(tmp_path / "h.jsonl")


GOOD = {"action": "send", "process": "p", "topic": T, "partition": 0, "value": "a", "outcome": "ok", "ended": 0}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("\n", "not JSON"),
        ("{", "not JSON .*breaks off here"),
        ("\xff", "not JSON"),
        ("[" * 100_000, "not JSON|nested too deep"),
        ("[]", "an operation is an object"),
        ({"action": "sent"}, "action 'sent' is none of"),
        ({"action": []}, r"action \[\] is none of"),
        ({"process": None}, "process None is neither"),
        ({"topic": 3}, "topic 3 is no text"),
        ({"topic": None}, "topic None is no text"),
        ({"partition": -1}, "partition -1 is no number"),
        ({"partition": True}, "partition True is no number"),
        ({"offset": 1.5}, "offset 1.5 is no number"),
        ({"value": [1]}, r"\[1\] is no value"),
        ({"value": {"bytes": ""}}, "is no value"),
        ({"value": {"base64": "!"}}, "base64"),
        ({"value": {"base64": 1}}, "is no value"),
        ({"error": 5}, "error 5 is no text"),
        ({"start_ms": "now"}, "start_ms 'now' is no time"),
        ({"records": {}}, "records is no list"),
        ({"records": [1]}, "1 is no record of a send"),
        ({"action": "poll", "records": [["t", 0, 1, None]]}, "is no record of a poll"),
        ({"action": "subscribe", "records": [3]}, "topic 3 is no text"),
        ({"outcome": "good"}, "outcome 'good' with ended 0 is no end"),
        ({"outcome": []}, r"outcome \[\] with ended 0 is no end"),
        ({"outcome": "pending"}, "outcome 'pending' with ended 0"),
        ({"ended": None}, "outcome 'ok' with ended None"),
        ({"ended": 5.0}, "ended 5.0: each operation has an own number"),
        ({"ended": 7}, "ended 7: each operation has an own number"),
        ({"colour": "red"}, "unknown field 'colour'"),
        ({"action": "seek", "outcome": "fail"}, "a seek is a fact"),
        ({"action": "final_log", "records": [[4, "a"], [4, "b"]]}, "offset 4 where at least 5 must be"),
    ],
)
def test_bad_line_is_refused_with_its_number(tmp_path: Path, line: str | dict[str, object], sentence: str) -> None:
    """Nothing half-read: the file, the line and what is wrong with it."""
    path = tmp_path / "h.jsonl"
    bad = line if isinstance(line, str) else json.dumps({**GOOD, **line})
    good = json.dumps({**GOOD, "value": "b", "ended": 7})
    path.write_bytes(f"{json.dumps(HEAD)}\n{good}\n{bad}".encode("latin-1"))

    with pytest.raises(HistoryError, match=rf"h\.jsonl, line 3: .*({sentence})"):
        History.load(path)


@pytest.mark.parametrize("missing", ["topic", "partition"])
def test_acknowledged_send_without_a_place_is_refused(tmp_path: Path, missing: str) -> None:
    """The judges could not use it."""
    path = tmp_path / "h.jsonl"
    line = {name: content for name, content in GOOD.items() if name != missing}
    path.write_text(f"{json.dumps(HEAD)}\n{json.dumps(line)}\n")

    with pytest.raises(HistoryError, match=f"line 2: .*needs a {missing}"):
        History.load(path)


@pytest.mark.parametrize("content", ["", "{}\n", '{"format": "kafka-kit history", "version": 2}\n'])
def test_file_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    """The head line says what a history is."""
    path = tmp_path / "h.jsonl"
    path.write_text(content)

    with pytest.raises(HistoryError, match="a history begins with"):
        History.load(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x, max_size=5)
)


@given(
    st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys([*GOOD, "records", "offset", "key"], JSON)), max_size=3)
)
def test_any_line_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, changes: list[dict[str, object]]
) -> None:
    """Whatever a line holds: a history that can be judged, or one `HistoryError`."""
    path = tmp_path_factory.mktemp("lines") / "h.jsonl"
    lines = [HEAD, *({**GOOD, "value": f"v{place}", "ended": place, **each} for place, each in enumerate(changes))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    try:
        check(History.load(path))
    except HistoryError as error:
        assert str(error)  # noqa: PT017 (refusing is one of two good ends)
