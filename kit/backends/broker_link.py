"""One connection to a broker of an existing cluster, from the name look-up to the login, step by step.

kafka-python tries again and again and tells little of why it could not connect. This connection goes each step once, so
that `kit.backends.link_causes` can say which one failed and why; afterwards it answers what little the kit asks itself.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Self

from kit.backends.sasl_login import LoginRefused, login
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from kit.wire.messages import Message

API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
LIST_OFFSETS, METADATA, DESCRIBE_QUORUM = 2, 3, 55

_SIZE = struct.Struct(">i")
_MAX_ANSWER_BYTES = 100_000_000
_CLIENT_ID = "kit-connect"


class Step(IntEnum):
    """How far a connection came; a later failure says more about a cluster than an earlier one."""

    LOOK_UP = 0
    CONNECT = 1
    TLS = 2
    GREET = 3
    LOG_IN = 4
    ASK = 5


class LinkError(Exception):
    """A step of a connection failed.

    Attributes:
        step: which one.
        cause: the exception behind it, if there is one.
        code: the broker's error code, if it gave one.
        offered: the mechanisms that the broker offers, when it does not have the one that it was asked for.
        said: what came instead of an answer.
    """

    def __init__(
        self,
        step: Step,
        *,
        cause: BaseException | None = None,
        code: int = 0,
        offered: tuple[str, ...] = (),
        said: bytes = b"",
    ) -> None:
        super().__init__(step.name)
        self.step, self.cause, self.code, self.offered, self.said = step, cause, code, offered, said


class BrokerLink:
    """An open connection, logged in where that is asked for; not for several threads at once.

    Args:
        settings: of the client, in kafka-python's names, already checked.
        context: for TLS; None for plain text.
        give_up_s: the time of `time.monotonic` at which any step has failed.

    Raises:
        LinkError: it cannot be opened.
    """

    def __init__(
        self, host: str, port: int, settings: Mapping[str, Any], context: ssl.SSLContext | None, give_up_s: float
    ) -> None:
        self._give_up_s = give_up_s
        self._step = Step.CONNECT
        self._correlation_id = 0
        self._versions: dict[int, tuple[int, int]] = {}
        self._socket = connected(host, port, give_up_s)
        try:
            if context is not None:
                self._secure(host, context)
            self._greet()
            if settings["security_protocol"].startswith("SASL"):
                self._log_in(settings)
        except BaseException:
            self.close()
            raise
        self._step = Step.ASK

    def close(self) -> None:
        """Close the connection; harmless when called again."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def has(self, api_key: int) -> bool:
        """Whether the broker has an API in a version that the kit knows."""
        return self._version(api_key) is not None

    def ask(self, api_key: int, request: Message, give_up_s: float | None = None) -> Any:
        """The answer to a request, in the newest version that both sides know.

        Raises:
            LinkError: there is none.
        """
        if give_up_s is not None:
            self._give_up_s = give_up_s
        version = self._version(api_key)
        if version is None:
            raise LinkError(self._step, code=ErrorCode.UNSUPPORTED_VERSION)
        return self._exchange(api_key, version, request)

    def mechanisms(self, wanted: str) -> tuple[int, tuple[str, ...]]:
        """The broker's error code for a mechanism, and which ones it offers."""
        answer = self.ask(SASL_HANDSHAKE, m.SaslHandshakeRequest(mechanism=wanted))
        return answer.error_code, tuple(answer.mechanisms)

    # -- steps -------------------------------------------------------------------------------------------------------

    def _secure(self, host: str, context: ssl.SSLContext) -> None:
        self._step = Step.TLS
        try:
            self._socket.settimeout(_time_left_s(self._give_up_s))
            self._socket = context.wrap_socket(self._socket, server_hostname=host.rstrip("."))
        except (OSError, ValueError) as error:
            raise LinkError(Step.TLS, cause=error) from error

    def _greet(self) -> None:
        self._step = Step.GREET
        answer = self._exchange(API_VERSIONS, 0, m.ApiVersionsRequest())
        self._versions = {each.api_key: (each.min_version, each.max_version) for each in answer.api_keys}

    def _log_in(self, settings: Mapping[str, Any]) -> None:
        self._step = Step.LOG_IN
        mechanism = settings["sasl_mechanism"]
        code, offered = self.mechanisms(mechanism)
        if code:
            raise LinkError(Step.LOG_IN, code=code, offered=offered)
        steps = login(mechanism, settings["sasl_plain_username"], settings["sasl_plain_password"])
        try:
            message = next(steps)
            while True:
                answer = self.ask(SASL_AUTHENTICATE, m.SaslAuthenticateRequest(auth_bytes=message))
                if answer.error_code:
                    raise LinkError(Step.LOG_IN, code=answer.error_code)
                message = steps.send(bytes(answer.auth_bytes))
        except StopIteration:
            return
        except (LoginRefused, ValueError) as error:
            raise LinkError(Step.LOG_IN, cause=error) from error

    # -- bytes -------------------------------------------------------------------------------------------------------

    def _version(self, api_key: int) -> int | None:
        lowest, highest = self._versions.get(api_key, (0, -1))
        known = codec.api(api_key)
        version = min(highest, known.max_version)
        return version if version >= max(lowest, known.min_version) else None

    def _exchange(self, api_key: int, version: int, request: Message) -> Any:
        self._correlation_id += 1
        try:
            frame = codec.encode_request(api_key, version, self._correlation_id, _CLIENT_ID, request)
        except codec.EncodeError as error:  # the broker is too old for what is asked
            raise LinkError(self._step, cause=error, code=ErrorCode.UNSUPPORTED_VERSION) from error
        try:
            self._socket.settimeout(_time_left_s(self._give_up_s))
            self._socket.sendall(frame)
            start = self._received(_SIZE.size)
            (size,) = _SIZE.unpack(start)
            if not 0 < size <= _MAX_ANSWER_BYTES:
                raise LinkError(self._step, said=start)
            correlation_id, answer = codec.decode_response(api_key, version, memoryview(self._received(size)))
        except (OSError, codec.DecodeError) as error:
            raise LinkError(self._step, cause=error) from error
        if correlation_id != self._correlation_id:
            raise LinkError(self._step, said=start)
        return answer

    def _received(self, num_bytes: int) -> bytes:
        chunks = bytearray()
        while len(chunks) < num_bytes:
            self._socket.settimeout(_time_left_s(self._give_up_s))
            chunk = self._socket.recv(min(num_bytes - len(chunks), 65_536))
            if not chunk:
                raise ConnectionResetError("the broker has closed the connection")
            chunks += chunk
        return bytes(chunks)


def connected(host: str, port: int, give_up_s: float) -> socket.socket:
    """A TCP connection.

    Raises:
        LinkError: there is no such computer, or nobody listens.
    """
    addresses = _looked_up(host, port, give_up_s)
    failure: OSError | None = None
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_time_left_s(give_up_s) / (len(addresses) - number))
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise LinkError(Step.CONNECT, cause=failure)


def _looked_up(host: str, port: int, give_up_s: float) -> list[Any]:
    """The addresses of a name. The look-up itself cannot be hurried, so it gets a thread that may be left alone."""
    found: list[Any] = []

    def look() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    thread = threading.Thread(target=look, name=f"look-up of {host}", daemon=True)
    thread.start()
    thread.join(_time_left_s(give_up_s))
    if not found:
        raise LinkError(Step.LOOK_UP)
    return list(found)


def _time_left_s(give_up_s: float) -> float:
    """What is left, never nothing: a socket without a timeout would wait for ever."""
    return max(give_up_s - time.monotonic(), 0.001)
