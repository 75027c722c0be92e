"""What a connection may send before it has logged in, and what becomes of a login that fails."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.broker import Farewell, InvalidRequest, Peer
from kit.broker.clock import VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.security.credentials import CredentialStore, salted
from kit.broker.security.sasl import SaslListener, SaslLogin, guarded
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.unit.security.scram_client import ScramClient

METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
ALL = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
USERS = {"ann": salted("secret")}
DELAY_MS = 100
SERVED = [b"an answer of the broker"]
GENERIC = "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256"


class Entrance:
    """A listener with SASL, whose broker answers everything in the same way."""

    def __init__(self, mechanisms: tuple[str, ...] = ALL) -> None:
        self.clock = VirtualClock()
        self.store = CredentialStore(USERS)
        self.listener = SaslListener(mechanisms, self.store, self.clock, DELAY_MS)
        self.served: list[bytes] = []
        self._receive = guarded(self._serve)

    def _serve(self, frame: memoryview, _peer: Peer) -> list[bytes]:
        self.served.append(bytes(frame))
        return SERVED

    def connect(self) -> Client:
        """A new connection."""
        return Client(self)

    def receive(self, frame: bytes, peer: Peer) -> Any:
        """Hand a frame in."""
        return self._receive(memoryview(frame), peer)


class Client:
    """The other end of one connection."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self.peer = Peer("127.0.0.1", 50_000, "SASL_PLAINTEXT")
        self.came_in: list[bool] = []
        self.peer.login = SaslLogin(entrance.listener, lambda: self.came_in.append(True))

    def send(self, api_key: int, version: int, request: Any) -> Any:
        """Send a request; the decoded response, or what the broker answered, or a Deferred of a farewell."""
        frame = bytes(codec.encode_request(api_key, version, 7, "tests", request))[4:]
        return self._decoded(api_key, version, self._entrance.receive(frame, self.peer))

    def send_raw(self, frame: bytes) -> Any:
        """Send a frame as it is."""
        return self._entrance.receive(frame, self.peer)

    def handshake(self, mechanism: str, version: int = 1) -> Any:
        """Choose a mechanism."""
        return self.send(SASL_HANDSHAKE, version, m.SaslHandshakeRequest(mechanism=mechanism))

    def authenticate(self, token: bytes, version: int = 2) -> Any:
        """Send one message of the mechanism's."""
        return self.send(SASL_AUTHENTICATE, version, m.SaslAuthenticateRequest(auth_bytes=token))

    def farewell(self, api_key: int, version: int, answer: Any) -> tuple[Any, str]:
        """The response in a farewell (None for none) and its reason, once the delay is over."""
        assert isinstance(answer, Deferred)
        assert not answer.done
        self._entrance.clock.advance(DELAY_MS)
        farewell = answer.value
        assert isinstance(farewell, Farewell)
        return (self._decoded(api_key, version, farewell) if farewell else None), farewell.reason

    @staticmethod
    def _decoded(api_key: int, version: int, reply: Any) -> Any:
        if isinstance(reply, Deferred) or reply is SERVED:
            return reply
        frame = b"".join(bytes(chunk) for chunk in reply)
        assert struct.unpack_from(">i", frame) == (len(frame) - 4,)
        correlation_id, response = codec.decode_response(api_key, version, memoryview(frame)[4:])
        assert correlation_id == 7
        return response


@pytest.mark.parametrize("version", [0, 1, 2])
def test_plain_login(version: int) -> None:
    """ApiVersions, the mechanism, the password; then every request goes to the broker, and it knows who asks."""
    client = Entrance().connect()
    assert client.send(API_VERSIONS, 0, m.ApiVersionsRequest()) is SERVED
    shaken = client.handshake("PLAIN")
    assert (shaken.error_code, shaken.mechanisms) == (ErrorCode.NONE, list(ALL))
    assert client.peer.principal == "User:ANONYMOUS"
    answer = client.authenticate(b"\0ann\0secret", version)
    assert (answer.error_code, answer.auth_bytes, answer.session_lifetime_ms) == (ErrorCode.NONE, b"", 0)
    assert (client.peer.login, client.peer.principal, client.came_in) == (None, "User:ann", [True])
    assert client.send(METADATA, 1, m.MetadataRequest()) is SERVED


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram_login(mechanism: str) -> None:
    """Two messages of the client's, and nobody is in before the second."""
    client, scram = Entrance().connect(), ScramClient(mechanism, "ann", "secret")
    client.handshake(mechanism)
    first = client.authenticate(scram.first()).auth_bytes
    assert client.came_in == []
    assert scram.trusts(client.authenticate(scram.final(first)).auth_bytes)
    assert (client.peer.principal, client.came_in) == ("User:ann", [True])


def test_messages_without_frames_of_their_own_after_handshake_0() -> None:
    """Clients from before KIP-152 send the mechanism's messages as they are, and get them so."""
    entrance = Entrance()
    client, scram = entrance.connect(), ScramClient("SCRAM-SHA-256", "ann", "secret")
    client.handshake("SCRAM-SHA-256", version=0)
    (first,) = client.send_raw(scram.first())
    assert struct.unpack_from(">i", first) == (len(first) - 4,)
    (final,) = client.send_raw(scram.final(first[4:]))
    assert scram.trusts(final[4:])
    assert client.peer.login is None
    plain = entrance.connect()
    plain.handshake("PLAIN", version=0)
    assert plain.send_raw(b"\0ann\0secret") == [b"\0\0\0\0"]
    assert plain.peer.login is None


def test_failed_message_without_a_frame_has_no_answer() -> None:
    """There is no room for an error: the connection closes after the delay."""
    client = Entrance().connect()
    client.handshake("PLAIN", version=0)
    response, reason = client.farewell(0, 0, client.send_raw(b"\0ann\0wrong"))
    assert response is None
    assert "Invalid username or password" in reason


@pytest.mark.parametrize("token", [b"\0ann\0wrong", b"\0nobody\0secret"])
def test_wrong_password_costs_time_and_no_state(token: bytes) -> None:
    """The sentence of Kafka comes late, then the connection closes; nothing stays of it, and the next may try."""
    entrance = Entrance()
    client = entrance.connect()
    client.handshake("PLAIN")
    answer = client.authenticate(token)
    assert entrance.listener.num_failing == 1
    response, reason = client.farewell(SASL_AUTHENTICATE, 2, answer)
    assert response.error_code == ErrorCode.SASL_AUTHENTICATION_FAILED
    assert response.error_message == "Authentication failed: Invalid username or password"
    assert "ann" not in reason
    assert "wrong" not in reason
    assert entrance.listener.num_failing == 0
    again = entrance.connect()
    again.handshake("PLAIN")
    assert again.authenticate(b"\0ann\0secret").error_code == ErrorCode.NONE


def test_scram_failure_tells_nothing() -> None:
    """Kafka's one sentence for all reasons; the log has the reason."""
    client, scram = Entrance().connect(), ScramClient("SCRAM-SHA-256", "ann", "wrong")
    client.handshake("SCRAM-SHA-256")
    final = scram.final(client.authenticate(scram.first()).auth_bytes)
    response, reason = client.farewell(SASL_AUTHENTICATE, 2, client.authenticate(final))
    assert (response.error_code, response.error_message) == (ErrorCode.SASL_AUTHENTICATION_FAILED, GENERIC)
    assert "Invalid client credentials" in reason


def test_unsupported_mechanism_is_told_what_there_is() -> None:
    """The answer lists the mechanisms of this listener; one that is off here is as unknown as any."""
    for wanted in ("GSSAPI", "PLAIN", "", "scram-sha-256"):
        client = Entrance(("SCRAM-SHA-256",)).connect()
        response, reason = client.farewell(SASL_HANDSHAKE, 1, client.handshake(wanted))
        assert response.error_code == ErrorCode.UNSUPPORTED_SASL_MECHANISM
        assert response.mechanisms == ["SCRAM-SHA-256"]
        assert "Unsupported SASL mechanism" in reason


@pytest.mark.parametrize("api_key", [0, 1, METADATA, SASL_AUTHENTICATE])
def test_other_request_before_the_handshake_gets_no_answer(api_key: int) -> None:
    """It is not even decoded, nor shown to the broker."""
    entrance = Entrance()
    client = entrance.connect()
    head = struct.pack(">hhih", api_key, 1, 7, -1)
    response, reason = client.farewell(api_key, 1, client.send_raw(head + b"\xff" * 20))
    assert response is None
    assert f"Unexpected Kafka request of type {codec.api(api_key).name} during SASL handshake" in reason
    assert entrance.served == []


def test_other_request_during_authentication_is_illegal() -> None:
    """ILLEGAL_SASL_STATE in a response of that request's own kind."""
    entrance = Entrance()
    client = entrance.connect()
    client.handshake("PLAIN")
    topics = [m.MetadataRequestTopic(name="t")]
    response, _ = client.farewell(METADATA, 1, client.send(METADATA, 1, m.MetadataRequest(topics=topics)))
    assert [topic.error_code for topic in response.topics] == [ErrorCode.ILLEGAL_SASL_STATE]
    assert entrance.served == []


def test_more_after_a_failure_closes_at_once() -> None:
    """Who does not wait for the answer is not waited for either."""
    client = Entrance().connect()
    client.handshake("PLAIN")
    client.authenticate(b"\0ann\0wrong")
    with pytest.raises(InvalidRequest, match="failed"):
        client.authenticate(b"\0ann\0secret")


def test_many_failures_at_once_wait_longer() -> None:
    """However many connections guess, they get some ten guesses a second among them, and each waits at most 1 s."""
    entrance = Entrance()
    answers = []
    for _ in range(20):
        client = entrance.connect()
        client.handshake("PLAIN")
        answers.append(client.authenticate(b"\0ann\0wrong"))
    entrance.clock.advance(DELAY_MS)
    assert sum(answer.done for answer in answers) == 1
    entrance.clock.advance(400)
    assert sum(answer.done for answer in answers) == 5
    entrance.clock.advance(500)
    assert all(answer.done for answer in answers)
    assert entrance.listener.num_failing == 0


@given(st.lists(st.binary(max_size=60), max_size=4), st.sampled_from([None, *ALL]), st.sampled_from([0, 1]))
def test_random_frames_let_nobody_in(frames: list[bytes], mechanism: str | None, version: int) -> None:
    """In every state, random bytes are refused or lead nowhere; nothing else is raised, nothing reaches the broker."""
    entrance = Entrance()
    client = entrance.connect()
    if mechanism is not None:
        client.handshake(mechanism, version)
    for frame in frames:
        try:
            client.send_raw(frame)
        except InvalidRequest:
            break
    entrance.clock.advance(2_000)
    assert client.peer.login is not None
    assert client.came_in == []
    assert all(frame.startswith(b"\0\x12") for frame in entrance.served)
    assert entrance.listener.num_failing == 0
