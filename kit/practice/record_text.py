"""Records as text: a line becomes key, value and headers, and a record becomes lines; pure functions of bytes.

Source: the Confluent CLI's formats without a schema. Its integers are 4 bytes without a sign and its doubles 8 bytes,
both with the lowest byte first; serializers of Java put the highest byte first.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kit.practice.errors import CliError

FORMATS = ("string", "avro", "double", "integer", "jsonschema", "protobuf")
_SCHEMA_FORMATS = ("avro", "jsonschema", "protobuf")

_UINT32_MAX = 2**32 - 1
_SIZES = {"integer": 4, "double": 8}

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """What is shown of a consumed record, in kafka-python's names."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def check_format(name: str) -> None:
    """Refuse a format of keys and values that does not work without a Schema Registry.

    Raises:
        CliError: it does not.
    """
    if name in _SCHEMA_FORMATS:
        raise CliError(
            f'the format "{name}" needs a Schema Registry, and the practice CLI has none',
            'Use "string", "integer" or "double"; JSON text can be written as "string".',
        )


# -- lines that are produced -------------------------------------------------------------------------------------------


def check_delimiter(delimiter: str) -> None:
    """Refuse what a shell hands on as a backslash and a letter where a tab was meant.

    Raises:
        CliError: it is such a one; the text says how a tab is typed.
    """
    if delimiter in ("\\t", "\\n"):
        raise CliError(
            f"the delimiter is the two characters {delimiter}, and not what they stand for in programs",
            "In bash and zsh a tab is written $'\\t', with a dollar sign: `--delimiter $'\\t'`. In PowerShell: \"`t\".",
            "Consuming, leave `--delimiter` out: it is a tab already.",
        )


def split_key(line: bytes, delimiter: bytes) -> tuple[bytes, bytes]:
    """Key and value of a line, at its first delimiter, without the spaces around them.

    Raises:
        CliError: the line has no delimiter.
    """
    key, found, value = line.partition(delimiter)
    if not found:
        raise CliError("missing key or value in message")
    return key.strip(), value.strip()


def parse_headers(texts: Sequence[str], delimiter: str) -> list[tuple[str, bytes]]:
    """Headers of a command line, each name and value with the delimiter between them.

    Raises:
        CliError: one has no delimiter, or no name.
    """
    headers = []
    for text in texts:
        name, found, value = text.partition(delimiter)
        if not found or not name.strip():
            raise CliError(f"invalid header format, headers should be in the format (key{delimiter}value)")
        headers.append((name.strip(), value.strip().encode("utf-8", "surrogateescape")))
    return headers


def serialize(text: bytes, format_name: str) -> bytes:
    """What a key or value that was typed is in a record.

    Raises:
        CliError: it is not a number of this format.
    """
    if format_name == "string":
        return text
    shown = text.decode("utf-8", "backslashreplace")
    if format_name == "integer":
        if not (text.isdigit() and int(text) <= _UINT32_MAX):
            raise CliError(f'"{shown}" is no integer: whole numbers from 0 to {_UINT32_MAX} can be sent')
        return struct.pack("<I", int(text))
    try:
        return struct.pack("<d", float(text))
    except ValueError:
        raise CliError(f'"{shown}" is no double: write a number such as 12.5') from None


# -- records that are consumed -----------------------------------------------------------------------------------------


def deserialize(data: bytes | None, format_name: str, what: str) -> bytes:
    """What a key or value looks like; nothing at all for null and for no bytes.

    Args:
        what: "key" or "value", for the error.

    Raises:
        CliError: it has not as many bytes as a number of this format.
    """
    if not data or format_name == "string":
        return data or b""
    if len(data) != _SIZES[format_name]:
        raise CliError(
            f"the {format_name} {what} is invalid: it has {len(data)} bytes, not {_SIZES[format_name]}",
            f"Leave `--{what}-format` out to see it as text.",
        )
    number = struct.unpack("<I" if format_name == "integer" else "<d", data)[0]
    return (f"{number}" if format_name == "integer" else f"{number:f}").encode()


@dataclass(frozen=True, slots=True)
class Layout:
    """What is shown of records, and how.

    Args:
        print_key: the key and the delimiter come first; "null" for no key, and as in the real CLI for an empty one.
        print_offset, timestamp: the place and time, before the value.
        full_header: headers are not cut off.
        delimiter: between key and value.
        key_format, value_format: what their bytes are.
    """

    print_key: bool = False
    print_offset: bool = False
    timestamp: bool = False
    full_header: bool = False
    delimiter: str = "\t"
    key_format: str = "string"
    value_format: str = "string"


def lines_of(record: Record, layout: Layout) -> bytes:
    """A record as it is printed, with the end of its last line.

    Raises:
        CliError: its key or value is not of the layout's format.
    """
    text = b""
    if layout.print_key:
        key = deserialize(record.key, layout.key_format, "key") or b"null"
        text = key + layout.delimiter.encode("utf-8", "surrogateescape")
    places = [f"Timestamp:{record.timestamp}"] if layout.timestamp else []
    if layout.print_offset:
        places += [f"Partition:{record.partition}", f"Offset:{record.offset}"]
    if places:
        text += f"{' '.join(places)}\t".encode()
    text += deserialize(record.value, layout.value_format, "value") + b"\n"
    if record.headers:
        shown = " ".join(_header_text(name, value, full=layout.full_header) for name, value in record.headers)
        text += f"% Headers: [{shown}]\n".encode("utf-8", "surrogateescape")
    return text


_LONGEST_HEADER_BYTES = 65
_CUT_HEADER_BYTES = 50


def _header_text(name: str, value: bytes | None, *, full: bool) -> str:
    """One header. Source: Header.String of confluent-kafka-go, and the CLI's own text for whole ones."""
    if value is None:
        return f"{name}=nil"
    if not value:
        return f"{name}=<empty>"
    if full:
        return f'{name}="{value.decode("utf-8", "surrogateescape")}"'
    if len(value) <= _LONGEST_HEADER_BYTES:
        return f"{name}={_quoted(value)}"
    return f"{name}={_quoted(value[:_CUT_HEADER_BYTES])}({len(value) - _CUT_HEADER_BYTES} more bytes)"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
            "\v": "\\v"}  # fmt: skip


def _quoted(data: bytes) -> str:
    """Text between quotation marks, everything that cannot be printed escaped. Source: Go's strconv.Quote."""
    return '"' + "".join(map(_quoted_character, data.decode("utf-8", "surrogateescape"))) + '"'


def _quoted_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable():
        return character
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}"


def on_screen(data: bytes) -> str:
    """Bytes as a terminal can show them: what would move its cursor, ring its bell or change its colours is escaped."""
    text = data.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(map(_shown_character, text))


def _shown_character(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) != "Cc":
        return character
    return f"\\x{ord(character):02x}"
