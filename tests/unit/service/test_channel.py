"""The control channel: whoever does not know the key, or sends rubbish, is let go, and others are still served."""

from __future__ import annotations

import json
import pickle
import secrets
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kit.errors import FaultError, NotSupportedError
from kit.service import channel
from kit.service.channel import ChannelError
from kit.service.server import Server

pytestmark = pytest.mark.portable

KEY = secrets.token_bytes(channel.KEY_BYTES)


def answer(command: str, arguments: dict[str, Any]) -> Any:
    """What the tests' service can do."""
    if command == "refuse":
        raise FaultError("There is no broker 9.")
    if command == "cannot":
        raise NotSupportedError("Only the embedded cluster can.")
    if command == "fail":
        raise ZeroDivisionError("ours")
    return [command, arguments]


@pytest.fixture
def ended() -> threading.Event:
    """Set when somebody told the service to end."""
    return threading.Event()


@pytest.fixture
def server(ended: threading.Event) -> Iterator[Server]:
    """A service without a cluster."""
    with closing(Server(KEY, answer, ended.set)) as made:
        yield made


def ask(server: Server, command: object, arguments: object = None) -> dict[str, Any]:
    """One question over a connection of its own."""
    with channel.call(server.door.address, KEY) as connection:
        channel.send(connection, {"command": command, "arguments": {} if arguments is None else arguments})
        return channel.receive(connection, 10)


def raw(server: Server) -> socket.socket:
    """A connection without the handshake."""
    if sys.platform == "win32":
        pytest.skip("a named pipe is no socket")
    address = server.door.address
    client = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    client.settimeout(10)
    client.connect(address)
    return client


def test_command_and_result_pass_both_ways(server: Server) -> None:
    """Names, numbers and texts arrive as they were."""
    assert ask(server, "kill", {"node_id": 2, "why": "für später"}) == {
        "result": ["kill", {"node_id": 2, "why": "für später"}]
    }


def test_several_questions_share_a_connection(server: Server) -> None:
    """Each has its own answer, in order."""
    with channel.call(server.door.address, KEY) as connection:
        for number in range(3):
            channel.send(connection, {"command": "count", "arguments": {"n": number}})

        assert [channel.receive(connection, 10)["result"][1]["n"] for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("command", "arguments", "text", "kind"),
    [
        ("refuse", {}, "There is no broker 9.", "FaultError"),
        ("cannot", {}, "Only the embedded cluster can.", "NotSupportedError"),
        ("fail", {}, "fail failed: ZeroDivisionError: ours", "KitError"),
        (None, {}, "A command is a name and an object of arguments.", "KitError"),
        ("kill", [1], "A command is a name and an object of arguments.", "KitError"),
    ],
)
def test_refusal_is_a_sentence_and_its_class(
    server: Server, command: object, arguments: object, text: str, kind: str
) -> None:
    """Whatever goes wrong in a command is told to who asked, and stops nothing."""
    assert ask(server, command, arguments) == {"error": text, "kind": kind}
    assert ask(server, "state")["result"] == ["state", {}]


def test_close_is_answered_before_the_service_ends(server: Server, ended: threading.Event) -> None:
    """Who ends the service learns that it was heard."""
    assert ask(server, "close") == {"result": None}
    assert ended.wait(10)


def test_caller_with_another_key_is_let_go(server: Server) -> None:
    """Knowing the address is not enough, and the next caller is served."""
    with pytest.raises(ChannelError):
        channel.call(server.door.address, secrets.token_bytes(channel.KEY_BYTES))

    assert ask(server, "state")["result"] == ["state", {}]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack("!i", 20) + b"x" * 20,
        struct.pack("!i", -1) + struct.pack("!Q", 1 << 60),
        b"\x00\x00",
        pickle.dumps({"command": "close"}),
    ],
)
def test_rubbish_before_the_handshake_stops_nothing(server: Server, ended: threading.Event, rubbish: bytes) -> None:
    """Whatever bytes come first, others are served meanwhile and afterwards."""
    with raw(server) as client:
        client.sendall(rubbish)
        assert ask(server, "state")["result"] == ["state", {}]

    assert ask(server, "state")["result"] == ["state", {}]
    assert not ended.is_set()


@pytest.mark.parametrize(
    "rubbish", [pickle.dumps({"command": "close"}), b"{", b"[]", b"[" * 100_000, json.dumps("close").encode()]
)
def test_rubbish_of_a_caller_who_knows_the_key_ends_only_his_connection(
    server: Server, ended: threading.Event, rubbish: bytes
) -> None:
    """A message that is no JSON object is never loaded as anything else."""
    with channel.call(server.door.address, KEY) as connection:
        connection.send_bytes(rubbish)
        with pytest.raises(ChannelError):
            channel.receive(connection, 10)

    assert ask(server, "state")["result"] == ["state", {}]
    assert not ended.is_set()


def test_silent_callers_keep_nobody_waiting(server: Server) -> None:
    """Many who connect and say nothing are no reason to wait."""
    silent = [raw(server) for _ in range(10)]
    try:
        assert ask(server, "state")["result"] == ["state", {}]
    finally:
        for client in silent:
            client.close()


def test_service_that_is_gone_is_an_error(server: Server) -> None:
    """After the end there is neither an answer nor a socket's folder."""
    address = server.door.address
    server.close()

    with pytest.raises(ChannelError):
        channel.call(address, KEY)
    assert not (isinstance(address, str) and Path(address).parent.exists())


def test_socket_is_no_longer_than_the_system_allows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the folder for temporary files has a long name, another place is found."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    with closing(Server(KEY, answer, lambda: None)) as server:
        assert ask(server, "state")["result"] == ["state", {}]
        assert list(deep.iterdir()) == []


def test_discard_removes_nothing_that_is_not_ours(tmp_path: Path) -> None:
    """An address that somebody wrote into the file leads to no removal of other folders."""
    for folder in (tmp_path / "precious", tmp_path / "kkit-x"):
        folder.mkdir()
    channel.discard(str(tmp_path / "precious" / "s"))
    channel.discard(str(tmp_path / "kkit-x" / "other"))
    channel.discard(["127.0.0.1", 1])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["kkit-x", "precious"]
