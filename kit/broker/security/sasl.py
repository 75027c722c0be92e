"""One connection's way in at a listener with SASL: which requests it may send, and how it proves who it is.

    ApiVersions (once or never) -> SaslHandshake: the mechanism -> SaslAuthenticate, once or twice -> any request

Anything else ends the connection. A login that fails costs its client time and the broker nothing: the answer comes
late, then the connection closes, and no count of failures is kept. After SaslHandshake v0 the mechanism's messages
come as they are, without SaslAuthenticate around them. A login lasts as long as its connection: Kafka's default, with
``connections.max.reauth.ms`` 0, so session_lifetime_ms is 0 and a second login on it is refused (KIP-368).
Source: KIP-43, KIP-152, KIP-255; Kafka class ``SaslServerAuthenticator``, whose sentences clients get.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from kit.broker.broker import API_VERSIONS, Chunks, Farewell, InvalidRequest, Peer, Receive
from kit.broker.clock import Clock
from kit.broker.deferred import Deferred
from kit.broker.refusals import refusal
from kit.broker.security.credentials import CredentialStore
from kit.broker.security.mechanism import LoginRefused, Mechanism
from kit.broker.security.plain import PlainServer
from kit.broker.security.scram import ScramServer
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
_LONGEST_DELAY_MS = 1_000
_SIZE = struct.Struct(">i")
_TELLS_NOTHING = "Authentication failed during authentication due to invalid credentials with SASL mechanism "

Reply = Chunks | Deferred[Chunks | None] | None


class SaslListener:
    """What all logins at one listener of one broker share.

    Args:
        mechanisms: those that clients may use.
        delay_ms: ``connection.failed.authentication.delay.ms``. The more logins are failing at this moment the longer
            each of them waits, up to a second: however many connections guess passwords, they get about one guess per
            delay among them, and never much of the broker's time.
    """

    def __init__(self, mechanisms: Sequence[str], credentials: CredentialStore, clock: Clock, delay_ms: float) -> None:
        self.mechanisms = list(mechanisms)
        self._credentials = credentials
        self._clock = clock
        self._delay_ms = delay_ms
        self.num_failing = 0

    def mechanism(self, name: str) -> Mechanism:
        """A new login by one of the mechanisms."""
        if name == "PLAIN":
            return PlainServer(self._credentials)
        return ScramServer(name, self._credentials)

    def later(self, action: Callable[[], None]) -> None:
        """Carry out the end of a failed login when its time has come."""
        self.num_failing += 1

        def end() -> None:
            self.num_failing -= 1
            action()

        self._clock.call_later(min(self._delay_ms * self.num_failing, max(self._delay_ms, _LONGEST_DELAY_MS)), end)


class _State(Enum):
    HANDSHAKE = "SASL handshake"
    AUTHENTICATE = "SASL authentication"
    FAILED = "the end of a failed login"


class SaslLogin:
    """The login of one connection; its `Peer` has it until it has succeeded.

    Args:
        on_success: called when the client has proved who it is.
    """

    def __init__(self, listener: SaslListener, on_success: Callable[[], None] = lambda: None) -> None:
        self._listener = listener
        self._on_success = on_success
        self._state = _State.HANDSHAKE
        self._name = ""
        self._mechanism: Mechanism | None = None
        self._is_wrapped = False  # in SaslAuthenticate

    def receive(self, frame: memoryview, peer: Peer, serve: Receive) -> Reply:
        """Answer one frame of a client that has not logged in yet; ``serve`` answers ApiVersions.

        Raises:
            InvalidRequest: the connection must be closed.
        """
        if self._state is _State.FAILED:
            raise InvalidRequest("it sent more after its login had failed")
        if self._state is _State.AUTHENTICATE and not self._is_wrapped:
            return self._take_raw(bytes(frame), peer)
        try:
            header, body_offset = codec.decode_request_header(frame)
        except codec.DecodeError as error:
            raise InvalidRequest(f"a request during {self._state.value} cannot be decoded: {error}") from error
        if self._state is _State.HANDSHAKE and header.api_key == API_VERSIONS:
            return serve(frame, peer)
        if self._state is _State.HANDSHAKE and header.api_key != SASL_HANDSHAKE:
            return self._fail(None, self._unexpected(header.api_key))  # its body is not even looked at
        try:
            request = codec.decode_request(header.api_key, header.api_version, frame, body_offset)
        except codec.DecodeError as error:
            raise InvalidRequest(f"{codec.api(header.api_key).name} cannot be decoded: {error}") from error
        if self._state is _State.HANDSHAKE:
            return self._shake_hands(header, request)
        return self._authenticate(header, request, peer)

    def _shake_hands(self, header: codec.RequestHeader, request: m.SaslHandshakeRequest) -> Reply:
        response = m.SaslHandshakeResponse(mechanisms=self._listener.mechanisms)
        if request.mechanism not in self._listener.mechanisms:
            response.error_code = ErrorCode.UNSUPPORTED_SASL_MECHANISM
            return self._fail(_encoded(header, response), f"Unsupported SASL mechanism {request.mechanism[:100]!r}")
        self._name = request.mechanism
        self._mechanism = self._listener.mechanism(self._name)
        self._is_wrapped = header.api_version >= 1
        self._state = _State.AUTHENTICATE
        return _encoded(header, response)

    def _authenticate(self, header: codec.RequestHeader, request: Any, peer: Peer) -> Reply:
        if header.api_key != SASL_AUTHENTICATE:
            text = self._unexpected(header.api_key)
            refused = refusal(header.api_key, header.api_version, request, ErrorCode.ILLEGAL_SASL_STATE, text)
            return self._fail(_encoded(header, refused), text)
        try:
            token = self._answer(request.auth_bytes, peer)
        except LoginRefused as error:
            response = m.SaslAuthenticateResponse(
                error_code=ErrorCode.SASL_AUTHENTICATION_FAILED,
                error_message=error.for_client or _TELLS_NOTHING + self._name,
            )
            return self._fail(_encoded(header, response), str(error))
        return _encoded(header, m.SaslAuthenticateResponse(auth_bytes=token))

    def _take_raw(self, token: bytes, peer: Peer) -> Reply:
        try:
            answer = self._answer(token, peer)
        except LoginRefused as error:
            return self._fail(None, str(error))  # there is no room for a reason
        return [_SIZE.pack(len(answer)) + answer]

    def _answer(self, token: bytes, peer: Peer) -> bytes:
        if self._mechanism is None:
            raise LoginRefused(None, "no mechanism was chosen")
        answer = self._mechanism.answer(token)
        if self._mechanism.user is not None:
            peer.login, peer.user = None, self._mechanism.user
            self._on_success()
        return answer

    def _unexpected(self, api_key: int) -> str:
        return f"Unexpected Kafka request of type {codec.api(api_key).name} during {self._state.value}."

    def _fail(self, chunks: Chunks | None, reason: str) -> Deferred[Chunks | None]:
        self._state, self._mechanism = _State.FAILED, None
        answer: Deferred[Chunks | None] = Deferred()
        farewell = Farewell(chunks or (), reason=f"authentication failed: {reason}")
        self._listener.later(lambda: answer.resolve(farewell))
        return answer


def guarded(serve: Receive) -> Receive:
    """What answers frames of clients when some of them have to log in first."""

    def receive(frame: memoryview, peer: Peer) -> Reply:
        login = peer.login
        return serve(frame, peer) if login is None else login.receive(frame, peer, serve)

    return receive


def _encoded(header: codec.RequestHeader, response: Any) -> Chunks:
    return codec.encode_response(header.api_key, header.api_version, header.correlation_id, response)
