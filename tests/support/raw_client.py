"""A client that sends exactly the requests it is told to, right or wrong: one connection, one broker.

What the libraries never send (a stale generation, a wrong replica id, a damaged batch) can only be asked this way.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import struct
from typing import Any, Self

from kit.wire import codec
from kit.wire import messages as m

_SIZE = struct.Struct(">i")
_TIMEOUT_S = 30.0  # far above what an answer needs: only a failure ever reaches it


@functools.cache
def api_key_of(request: type[m.Message]) -> int:
    """The number of a request's API."""
    return next(api.key for api in codec.apis().values() if f"{api.name}Request" == request.__name__)


class ConnectionClosed(Exception):
    """The broker closed the connection instead of answering."""


class RawClient:
    """One connection to one broker.

    Args:
        host, port: of the broker.
        client_id: what the broker is told about who asks.
    """

    def __init__(self, host: str, port: int, client_id: str = "contract") -> None:
        self._client_id = client_id
        self._socket = socket.create_connection((host, port), timeout=_TIMEOUT_S)
        self._stream = self._socket.makefile("rb")
        self._pending: list[tuple[int, int]] = []
        self._versions: dict[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self._socket.close()

    # -- requests --------------------------------------------------------------------------------------------------

    def ask(self, request: m.Message, version: int | None = None) -> Any:
        """Send a request and return its answer.

        Args:
            version: of the API; None for the newest that both sides know.

        Raises:
            ConnectionClosed: that was the answer.
        """
        self.send(request, version)
        return self.receive()

    def send(self, request: m.Message, version: int | None = None) -> None:
        """Send a request whose answer `receive` returns later, in the order of sending."""
        key = api_key_of(type(request))
        version = self.newest(key) if version is None else version
        self._pending.append((key, version))
        self._send(codec.encode_request(key, version, len(self._pending), self._client_id, request))

    def receive(self) -> Any:
        """The answer to the oldest request that has none yet.

        Raises:
            ConnectionClosed: there is none to come.
        """
        key, version = self._pending.pop(0)
        return codec.decode_response(key, version, memoryview(self.receive_frame()))[1]

    def newest(self, api_key: int) -> int:
        """The newest version of an API that the broker and our tables know."""
        if self._versions is None:
            with RawClient(*self._socket.getpeername()[:2], client_id=self._client_id) as other:  # in no one's way
                answer = other.ask(m.ApiVersionsRequest(client_software_name="x", client_software_version="1"), 3)
            self._versions = {each.api_key: each.max_version for each in answer.api_keys}
        return min(codec.api(api_key).max_version, self._versions[api_key])

    # -- bytes -----------------------------------------------------------------------------------------------------

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._send(data)

    def receive_frame(self) -> bytes:
        """The next frame, without its size.

        Raises:
            ConnectionClosed: there is none to come.
        """
        try:
            (size,) = _SIZE.unpack(self._exactly(_SIZE.size))
            return self._exactly(size)
        except ConnectionError as error:
            raise ConnectionClosed("the broker closed the connection") from error

    def _exactly(self, num_bytes: int) -> bytes:
        data = self._stream.read(num_bytes)
        if len(data) < num_bytes:
            raise ConnectionResetError
        return data

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # it was closed; receive tells
            self._socket.sendall(data)
