"""The child's end of the control channel: lines in, messages out."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from kit.broker.deferred import Deferred
from kit.broker.faults import FaultError
from kit.broker.process.control import ControlChannel, Failure


class Played:
    """A channel whose parent and cluster the test plays."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.num_closed = 0
        self.later: Deferred[Any] = Deferred()
        self.stopping: list[int] = []
        self.channel = ControlChannel(lambda message: self.sent.append(json.loads(json.dumps(message))), self.close)
        self.channel.serve({"kill": self.kill, "stop": self.stop, "fail": self.fail})

    def close(self) -> None:
        """Count."""
        self.num_closed += 1

    def kill(self, node_id: int, *, hard: bool = False) -> dict[str, Any]:
        """Refuse node 9."""
        if node_id == 9:
            raise FaultError("There is no node 9.")
        return {"killed": node_id, "hard": hard}

    def stop(self, node_id: int) -> Deferred[Any]:
        """Take until the test says so."""
        self.stopping.append(node_id)
        return self.later

    def fail(self) -> None:
        """Break in a way that nobody thought of."""
        raise ZeroDivisionError("our mistake")

    def receive(self, **message: Any) -> list[dict[str, Any]]:
        """Hand a message in; returns what was sent since the last time."""
        self.channel.receive(json.dumps(message).encode() + b"\n")
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def played() -> Played:
    """A channel with three commands."""
    return Played()


def test_command_is_answered_with_its_result(played: Played) -> None:
    """Under the number that it came with."""
    assert played.receive(id=7, command="kill", args={"node_id": 2}) == [
        {"id": 7, "result": {"killed": 2, "hard": False}}
    ]
    assert played.receive(id=8, command="kill", args={"node_id": 2, "hard": True})[0]["result"]["hard"] is True


def test_refused_command_is_answered_with_the_reason(played: Played) -> None:
    """A sentence for the student, and a name to tell it from a failure."""
    assert played.receive(id=1, command="kill", args={"node_id": 9}) == [
        {"id": 1, "error": "There is no node 9.", "kind": "FaultError"}
    ]


def test_result_that_comes_later_is_sent_then(played: Played) -> None:
    """Other commands are answered meanwhile."""
    assert played.receive(id=1, command="stop", args={"node_id": 2}) == []
    assert [answer["id"] for answer in played.receive(id=2, command="kill", args={"node_id": 2})] == [2]

    played.later.resolve(None)
    assert played.sent == [{"id": 1, "result": None}]


def test_refusal_that_comes_later_is_a_refusal(played: Played) -> None:
    """A restart can turn out to be impossible after seconds."""
    played.receive(id=1, command="stop", args={"node_id": 2})
    played.later.resolve(Failure(FaultError("No majority.")))

    assert played.sent == [{"id": 1, "error": "No majority.", "kind": "FaultError"}]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"id": 1, "command": "dance"}, "no command 'dance', only fail, kill, stop"),
        ({"id": 1}, "no command None"),
        ({"id": 1, "command": ["kill"]}, "no command ['kill']"),
        ({"id": 1, "command": "kill"}, "kill: missing a required argument: 'node_id'"),
        ({"id": 1, "command": "kill", "args": {"node": 1}}, "kill: missing"),
        ({"id": 1, "command": "kill", "args": {"node_id": 1, "soft": True}}, "kill: got an unexpected"),
        ({"id": 1, "command": "kill", "args": [1]}, "kill: args must be an object"),
    ],
)
def test_unknown_command_or_argument_is_refused(played: Played, message: dict[str, Any], reason: str) -> None:
    """Nothing is carried out, and the channel goes on."""
    (answer,) = played.receive(**message)

    assert (answer["id"], answer["kind"]) == (1, "InvalidCommand")
    assert reason in answer["error"]
    assert played.receive(id=2, command="kill", args={"node_id": 1})[0]["id"] == 2


@pytest.mark.parametrize("line", [b"{\n", b"7\n", b'"kill"\n', b"\xff\xfe\n", b"[]\n"])
def test_line_that_is_no_message_is_refused(played: Played, line: bytes) -> None:
    """It has no number to be answered under."""
    played.channel.receive(line)

    assert [(answer["id"], answer["kind"]) for answer in played.sent] == [(None, "InvalidCommand")]
    assert played.num_closed == 0


def test_failure_of_a_command_is_answered_and_logged(played: Played, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for ever because of a mistake of ours."""
    with caplog.at_level(logging.ERROR):
        (answer,) = played.receive(id=3, command="fail")

    assert answer == {"id": 3, "error": "ZeroDivisionError: our mistake", "kind": "ZeroDivisionError"}
    assert "Traceback" in caplog.text


@pytest.mark.parametrize("line", [b"", b"\n", b"  \r\n", b'{"command": "close"}\n'])
def test_parent_ends_the_child(played: Played, line: bytes) -> None:
    """By the word, by a blank line, and by going away."""
    played.channel.receive(line)

    assert (played.num_closed, played.sent) == (1, [])


def test_hook_is_asked_and_its_verdict_comes_back(played: Played) -> None:
    """Each call has a number of its own, so answers may cross; one that nobody waits for is passed over."""
    first = played.channel.ask_hook(1, {"api": "Produce"})
    second = played.channel.ask_hook(1, {"api": "Fetch"})
    assert played.sent == [
        {"hook": 1, "call": 1, "request": {"api": "Produce"}},
        {"hook": 1, "call": 2, "request": {"api": "Fetch"}},
    ]

    for message in [{"call": 2, "verdict": "drop"}, {"call": 2, "verdict": None}, {"call": "x"}, {"call": 99}]:
        played.receive(**message)
    assert second.value == "drop"
    assert not first.done
    played.receive(call=1)
    assert first.value is None
