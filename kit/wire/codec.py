"""Frames and records to messages and back.

A frame is an int32 size, a header and a body. The functions that decode take it without the size, as the server reads
it. `DecodeError` is the one exception for bytes that make no sense, whatever is wrong with them; the functions are
compiled from the tables when a message and version is first used (see `decoder` and `encoder`).

Source: the protocol guide, "Common Request and Response Structure"; KIP-482 (flexible headers); KIP-511 (ApiVersions).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, NoReturn, TypeVar

from kit.wire import messages, schema
from kit.wire.decoder import Decoder, compile_decoder
from kit.wire.encoder import Encoder, compile_encoder
from kit.wire.messages import NULL_UUID, Message
from kit.wire.primitives import DecodeError, EncodeError, chunk_bytes, read_uvarint, skip_tags, uvarint

__all__ = [
    "NULL_UUID", "Api", "DecodeError", "EncodeError", "RequestHeader", "UnknownApi", "UnsupportedVersion",
    "api", "apis", "decode", "decode_metadata_record", "decode_request", "decode_request_header", "decode_response",
    "decode_versioned", "encode", "encode_metadata_record", "encode_request", "encode_response", "encode_versioned",
]  # fmt: skip

_API_VERSIONS = 18
_METADATA_FRAME_VERSION = 1
_HEADER = struct.Struct(">hhih")  # api_key, api_version, correlation_id, length of client_id
_RESPONSE_START = struct.Struct(">ii")  # size, correlation_id
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
# What reading and packing raise when bytes or values do not fit; none of them may reach a caller.
_BAD_BYTES = (struct.error, IndexError, ValueError, OverflowError)
_BAD_VALUES = (struct.error, AttributeError, TypeError, ValueError, OverflowError)

_M = TypeVar("_M", bound=Message)


class UnknownApi(DecodeError, LookupError):
    """No table has this api_key."""


class UnsupportedVersion(DecodeError):
    """The table of this message does not have the version."""


class RequestHeader(NamedTuple):
    """The header of a request, version 1 or (with tagged fields, which are skipped) 2."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None


@dataclass(frozen=True, slots=True)
class Api:
    """One API of the protocol. ``flexible_from`` is its first flexible version, None if it has none."""

    key: int
    name: str
    min_version: int
    max_version: int
    flexible_from: int | None

    @property
    def request(self) -> type[Message]:
        """The class of its requests."""
        return getattr(messages, f"{self.name}Request")  # type: ignore[no-any-return]

    @property
    def response(self) -> type[Message]:
        """The class of its responses."""
        return getattr(messages, f"{self.name}Response")  # type: ignore[no-any-return]

    def is_flexible(self, api_version: int) -> bool:
        """Whether this version has compact lengths and tagged fields."""
        return self.flexible_from is not None and api_version >= self.flexible_from

    def response_header_is_flexible(self, api_version: int) -> bool:
        """The same for the response's header: never for ApiVersions, which any client must be able to read."""
        return self.key != _API_VERSIONS and self.is_flexible(api_version)


@cache
def apis() -> dict[int, Api]:
    """All APIs that have a table, by api_key."""
    found = {}
    for _, head in schema.read_heads():
        flexible_from = head.flexible.start if head.flexible else None
        found[head.key] = Api(head.key, head.name, head.versions.start, head.versions.stop - 1, flexible_from)
    return found


def api(api_key: int) -> Api:
    """The API with this number.

    Raises:
        UnknownApi: there is none.
    """
    try:
        return apis()[api_key]
    except KeyError:
        raise UnknownApi(f"no API has the number {api_key}") from None


# -- frames ----------------------------------------------------------------------------------------------------------


def decode_request_header(frame: memoryview) -> tuple[RequestHeader, int]:
    """The header of a request frame (without its size), and where the body starts.

    Raises:
        DecodeError: the frame is too short, or the client id no UTF-8.
        UnknownApi: then the header's own version is unknown too.
    """
    try:
        api_key, api_version, correlation_id, length = _HEADER.unpack_from(frame)
        end = _HEADER.size + max(length, 0)  # length -1: no client id; it stays an int16 in header version 2
        if end > len(frame):
            raise DecodeError("the client id is cut off")
        client_id = None if length < 0 else str(frame[_HEADER.size : end], "utf-8")
        if api(api_key).is_flexible(api_version):
            end = skip_tags(frame, end, frame[end], len(frame))
    except UnknownApi:
        raise
    except _BAD_BYTES as error:
        _refuse_bytes("request header", error)
    return RequestHeader(api_key, api_version, correlation_id, client_id), end


def decode_request(api_key: int, api_version: int, frame: memoryview, body_offset: int) -> Any:
    """The request in a frame; its ``records`` fields are views into the frame.

    Bytes behind the request are ignored, as Kafka does: librdkafka 2.16 sends three too many when it asks for the
    Metadata of all topics.

    Raises:
        DecodeError: the bytes are not such a request.
    """
    return _decode_start(api(api_key).request, api_version, frame, body_offset)[0]


def encode_response(api_key: int, api_version: int, correlation_id: int, response: Message) -> list[Any]:
    """A response frame as chunks for one vectored send: bytes, and each ``records`` value as it is.

    Raises:
        EncodeError: the message does not fit the version.
    """
    out = bytearray(_RESPONSE_START.pack(0, correlation_id))
    if api(api_key).response_header_is_flexible(api_version):
        out.append(0)
    return _frame(out, response, api_version)


def encode_request(
    api_key: int, api_version: int, correlation_id: int, client_id: str | None, request: Message
) -> bytes:
    """A request frame, with its size.

    Raises:
        EncodeError: the message does not fit the version, or its records are in a file.
    """
    name = b"" if client_id is None else client_id.encode()
    length = -1 if client_id is None else len(name)
    out = bytearray(4) + _HEADER.pack(api_key, api_version, correlation_id, length) + name
    if api(api_key).is_flexible(api_version):
        out.append(0)
    return _join(_frame(out, request, api_version), request)


def decode_response(api_key: int, api_version: int, frame: memoryview, offset: int = 0) -> tuple[int, Any]:
    """The correlation id and the message of a response frame without its size.

    Raises:
        DecodeError: the bytes are not such a response.
    """
    found = api(api_key)
    try:
        (correlation_id,) = _INT32.unpack_from(frame, offset)
        offset += _INT32.size
        if found.response_header_is_flexible(api_version):
            offset = skip_tags(frame, offset, frame[offset], len(frame))
    except _BAD_BYTES as error:
        _refuse_bytes("response header", error)
    return correlation_id, _decode(found.response, api_version, frame, offset)


# -- bodies and records ----------------------------------------------------------------------------------------------


def encode(message: Message, version: int) -> bytes:
    """The body alone.

    Raises:
        EncodeError: the message does not fit the version, or its records are in a file.
    """
    out, chunks = bytearray(), list[Any]()
    _encode(message, version, out, chunks)
    return _join([*chunks, out], message)


def decode(message_class: type[_M], version: int, buf: bytes | bytearray | memoryview) -> _M:
    """The message whose body is all of ``buf``.

    Raises:
        DecodeError: it is not.
    """
    return _decode(message_class, version, memoryview(buf), 0)


def encode_versioned(message: Message, version: int) -> bytes:
    """The version as int16, then the body: keys and values of ``__consumer_offsets``.

    Raises:
        EncodeError: the message does not fit the version.
    """
    return _INT16.pack(version) + encode(message, version)


def decode_versioned(message_class: type[_M], buf: bytes | memoryview) -> tuple[int, _M]:
    """The opposite of `encode_versioned`: the version and the message.

    Raises:
        DecodeError: the bytes are something else, or of a version without table.
    """
    view = memoryview(buf)
    if len(view) < _INT16.size:
        raise DecodeError(f"{message_class.__name__}: no version in {len(view)} bytes")
    (version,) = _INT16.unpack_from(view)
    return version, _decode(message_class, version, view, _INT16.size)


def encode_metadata_record(record: Any, version: int | None = None) -> bytes:
    """A record's value in ``__cluster_metadata``: three varints (frame version, api key, version), then the body.

    Args:
        version: None for the highest.

    Raises:
        EncodeError: the message does not fit the version.

    Source: Kafka's ``AbstractApiMessageSerde``.
    """
    if version is None:
        version = record.SCHEMA.versions.stop - 1
    prefix = uvarint(_METADATA_FRAME_VERSION) + uvarint(record.api_key) + uvarint(version)
    return prefix + encode(record, version)


def decode_metadata_record(buf: bytes | memoryview) -> Any:
    """The opposite of `encode_metadata_record`.

    Raises:
        DecodeError: the bytes are something else, or a record without table.
    """
    view = memoryview(buf)
    try:
        frame_version, pos = read_uvarint(view, 0)
        api_key, pos = read_uvarint(view, pos)
        version, pos = read_uvarint(view, pos)
    except IndexError:
        raise DecodeError("metadata record: cut off before its body") from None
    if frame_version != _METADATA_FRAME_VERSION:
        raise DecodeError(f"metadata record: frame version {frame_version}, only {_METADATA_FRAME_VERSION} is known")
    if api_key not in _metadata_records():
        raise DecodeError(f"metadata record: no record has the number {api_key}")
    return _decode(_metadata_records()[api_key], version, view, pos)


@cache
def _metadata_records() -> dict[int, type[Message]]:
    return {found.SCHEMA.api_key: found for found in messages.classes_in("records_metadata.txt")}


# -- the compiled functions ------------------------------------------------------------------------------------------


_DECODERS: dict[tuple[type[Message], int], Decoder] = {}
_ENCODERS: dict[tuple[type[Message], int], Encoder] = {}


def _make_decoder(message_class: type[Message], version: int) -> Decoder:
    _check_version(message_class, version, UnsupportedVersion)
    made = _DECODERS[message_class, version] = compile_decoder(message_class, version)
    return made


def _make_encoder(message_class: type[Message], version: int) -> Encoder:
    _check_version(message_class, version, EncodeError)
    made = _ENCODERS[message_class, version] = compile_encoder(message_class, version)
    return made


def _check_version(message_class: type[Message], version: int, error: type[Exception]) -> None:
    versions = message_class.SCHEMA.versions
    if version not in versions:
        raise error(f"{message_class.__name__} has versions {versions[0]} to {versions[-1]}, not {version}")


def _decode(message_class: type[_M], version: int, frame: memoryview, offset: int) -> _M:
    message, end = _decode_start(message_class, version, frame, offset)
    if end != len(frame):
        raise DecodeError(f"{message_class.__name__} v{version}: {len(frame) - end} bytes are left over")
    return message


def _decode_start(message_class: type[_M], version: int, frame: memoryview, offset: int) -> tuple[_M, int]:
    """The message at an offset, and where it ends."""
    decoder = _DECODERS.get((message_class, version)) or _make_decoder(message_class, version)
    try:
        return decoder(frame, offset)
    except _BAD_BYTES as error:
        _refuse_bytes(f"{message_class.__name__} v{version}", error)


def _refuse_bytes(what: str, error: Exception) -> NoReturn:
    reason = "the bytes end in the middle of a field" if isinstance(error, struct.error | IndexError) else str(error)
    raise DecodeError(f"{what}: {reason}") from error


def _encode(message: Message, version: int, out: bytearray, chunks: list[Any]) -> None:
    encoder = _ENCODERS.get((type(message), version)) or _make_encoder(type(message), version)
    try:
        encoder(message, out, chunks)
    except EncodeError:
        raise
    except _BAD_VALUES as error:
        from kit.wire.explain import bad_value

        found = bad_value(message, version)
        raise EncodeError(f"{type(message).__name__} v{version}: {found or error}") from error


def _frame(out: bytearray, message: Message, version: int) -> list[Any]:
    chunks: list[Any] = []
    _encode(message, version, out, chunks)
    if not chunks:
        _INT32.pack_into(out, 0, len(out) - 4)
        return [bytes(out)]
    size = sum(chunk_bytes(chunk) for chunk in chunks) + len(out) - 4
    chunks[0] = _INT32.pack(size) + chunks[0][4:]
    if out:
        chunks.append(bytes(out))
    return chunks


def _join(chunks: list[Any], message: Message) -> bytes:
    try:
        return b"".join(chunks)
    except TypeError as error:
        raise EncodeError(f"{type(message).__name__}: its records are in a file, not in memory") from error
