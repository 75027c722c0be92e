"""Logins message by message, right and wrong: Apache Kafka and the embedded broker answer in the same words.

Where they do not, on purpose, there is a line in docs/reference/differences.md and no dialogue here.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import kit
from kit.wire import messages as m
from tests.support.apache_broker import USERS, apache_broker
from tests.support.raw_client import ConnectionClosed, RawClient
from tests.unit.security.scram_client import ScramClient

pytestmark = [pytest.mark.clients, pytest.mark.slow]

Connect = Callable[[], RawClient]
CLOSED = "closed"
OPEN = "open"
TELLS_NOTHING = "58 Authentication failed during authentication due to invalid credentials with SASL mechanism "
SHAKEN = ["0", "0"]  # what ApiVersions and SaslHandshake come to
TOKEN = b"\0alice\0alice-secret"


class TlsRawClient(RawClient):
    """A connection with TLS."""

    def __init__(self, port: int, ca: str) -> None:
        super().__init__("localhost", port)
        context = ssl.create_default_context(cafile=ca)
        self._stream.close()
        self._socket = context.wrap_socket(self._socket, server_hostname="localhost")
        self._stream = self._socket.makefile("rb")


@pytest.fixture(scope="module", params=["apache", "embedded"])
def connect(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """Give what connects to a listener with SASL_SSL and all mechanisms, of one broker or the other."""
    if request.param == "apache":
        with apache_broker(tmp_path_factory.mktemp("apache")) as broker:
            yield lambda: TlsRawClient(broker.ports["SASL_SSL"], str(broker.ca_pem))
        return
    with kit.start(brokers=1, listeners=[kit.Listener("SASL_SSL", users=USERS)]) as cluster:
        ca = cluster.client_settings["ssl_cafile"]
        yield lambda: TlsRawClient(cluster.brokers[0].port, ca)


def versions() -> tuple[Any, int]:
    """ApiVersions."""
    return m.ApiVersionsRequest(client_software_name="tests", client_software_version="1"), 3


def handshake(mechanism: str = "PLAIN", version: int = 1) -> tuple[Any, int]:
    """SaslHandshake."""
    return m.SaslHandshakeRequest(mechanism=mechanism), version


def authenticate(token: bytes, version: int = 2) -> tuple[Any, int]:
    """SaslAuthenticate."""
    return m.SaslAuthenticateRequest(auth_bytes=token), version


def metadata() -> tuple[Any, int]:
    """Metadata."""
    return m.MetadataRequest(topics=[]), 9


def raw(frame: bytes) -> bytes:
    """A frame that is no request."""
    return struct.pack(">i", len(frame)) + frame


def shown(answer: Any) -> str:
    """What an answer comes to: its error, and its text if it has one."""
    if isinstance(answer, m.MetadataResponse):
        return "metadata"
    text = getattr(answer, "error_message", None)
    return f"{answer.error_code} {text}" if text else str(answer.error_code)


def outcome(client: RawClient, *steps: tuple[Any, int] | bytes) -> list[str]:
    """What each step comes to; at the end whether the connection is still open, by asking once more."""
    said = []
    try:
        for step in steps:
            if isinstance(step, bytes):
                client.send_bytes(step)
                said.append(f"{len(client.receive_frame())} bytes")
            else:
                said.append(shown(client.ask(*step)))
        client.ask(*versions())
    except ConnectionClosed:
        return [*said, CLOSED]
    return [*said, OPEN]


DIALOGUES: dict[str, tuple[list[Any], list[str]]] = {
    "password": ([versions(), handshake(), authenticate(TOKEN), metadata()], [*SHAKEN, "0", "metadata", OPEN]),
    "acting as oneself": ([versions(), handshake(), authenticate(b"alice" + TOKEN)], [*SHAKEN, "0", OPEN]),
    "wrong password": (
        [versions(), handshake(), authenticate(b"\0alice\0wrong")],
        [*SHAKEN, "58 Authentication failed: Invalid username or password", CLOSED],
    ),
    "unknown user": (
        [versions(), handshake(), authenticate(b"\0nobody\0alice-secret", 0)],
        [*SHAKEN, "58 Authentication failed: Invalid username or password", CLOSED],
    ),
    "bytes that are no text": (
        [versions(), handshake(), authenticate(b"\0alice\0\xff")],
        [*SHAKEN, "58 Authentication failed: Invalid username or password", CLOSED],
    ),
    "too few parts": (
        [versions(), handshake(), authenticate(b"\0alice")],
        [*SHAKEN, "58 Invalid SASL/PLAIN response: expected 3 tokens, got 2", CLOSED],
    ),
    "no name": (
        [versions(), handshake(), authenticate(b"\0\0alice-secret")],
        [*SHAKEN, "58 Authentication failed: username not specified", CLOSED],
    ),
    "no password": (
        [versions(), handshake(), authenticate(b"\0alice\0")],
        [*SHAKEN, "58 Authentication failed: password not specified", CLOSED],
    ),
    "acting as another": (
        [versions(), handshake(), authenticate(b"admin" + TOKEN)],
        [
            *SHAKEN,
            "58 Authentication failed: Client requested an authorization id that is different from username",
            CLOSED,
        ],
    ),
    "unsupported mechanism": ([versions(), handshake("GSSAPI")], ["0", "33", CLOSED]),
    "no handshake": ([metadata()], [CLOSED]),
    "authentication before the handshake": ([authenticate(TOKEN)], [CLOSED]),
    "another request in the middle": ([handshake(), metadata()], ["0", "metadata", CLOSED]),
    "a second handshake": ([handshake(), handshake()], ["0", "34", CLOSED]),
    "ApiVersions in the middle": ([handshake(), versions()], ["0", "34", CLOSED]),
    "a handshake of the future": ([raw(struct.pack(">hhih", 17, 9, 7, -1) + b"\0\5PLAIN")], [CLOSED]),
    "logging in again": ([handshake(), authenticate(TOKEN), handshake()], ["0", "0", "34", OPEN]),
    "authenticating again": (
        [handshake(), authenticate(TOKEN), authenticate(TOKEN)],
        ["0", "0", "34 SaslAuthenticate request received after successful authentication", OPEN],
    ),
    "before KIP-152": ([handshake(version=0), raw(TOKEN), metadata()], ["0", "0 bytes", "metadata", OPEN]),
    "before KIP-152, wrong": ([handshake(version=0), raw(b"\0alice\0wrong")], ["0", CLOSED]),
    "no SCRAM": (
        [handshake("SCRAM-SHA-256"), authenticate(b"hello")],
        ["0", TELLS_NOTHING + "SCRAM-SHA-256", CLOSED],
    ),
    "channel binding": (
        [handshake("SCRAM-SHA-512"), authenticate(b"p=tls-unique,,n=alice,r=abc")],
        ["0", TELLS_NOTHING + "SCRAM-SHA-512", CLOSED],
    ),
    "random bytes": ([raw(b"\xff" * 40)], [CLOSED]),
    "a negative size": ([struct.pack(">i", -5)], [CLOSED]),
    "a size beyond reason": ([struct.pack(">i", 2**31 - 1)], [CLOSED]),
}


@pytest.mark.parametrize("what", DIALOGUES)
def test_dialogue(connect: Connect, what: str) -> None:
    """Each step comes to the same, and the connection stays or closes likewise."""
    steps, expected = DIALOGUES[what]
    with connect() as client:
        assert outcome(client, *steps) == expected


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize(
    ("password", "false", "expected"),
    [
        ("alice-secret", {}, ["0", OPEN]),
        ("wrong", {}, [TELLS_NOTHING, CLOSED]),
        ("alice-secret", {"nonce": "another"}, [TELLS_NOTHING, CLOSED]),
    ],
)
def test_scram(connect: Connect, mechanism: str, password: str, false: dict[str, str], expected: list[str]) -> None:
    """The right proof comes in, a wrong one and one for another nonce do not; the server proves itself too."""
    scram = ScramClient(mechanism, "alice", password)
    with connect() as client:
        client.ask(*handshake(mechanism))
        final = scram.final(client.ask(*authenticate(scram.first())).auth_bytes, **false)
        answer = client.ask(*authenticate(final))
        said = [shown(answer), *outcome(client)]
    assert said == [text + mechanism if text == TELLS_NOTHING else text for text in expected]
    assert scram.trusts(answer.auth_bytes) == (expected[-1] == OPEN)
