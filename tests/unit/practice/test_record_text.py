"""Lines become records, and records become lines, as in the Confluent CLI."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kit.practice.errors import CliError
from kit.practice.record_text import (
    Layout,
    check_format,
    deserialize,
    lines_of,
    on_screen,
    parse_headers,
    serialize,
    split_key,
)


@dataclass
class FakeRecord:
    """A record as kafka-python gives it."""

    partition: int = 3
    offset: int = 41
    timestamp: int = 1_700_000_000_123
    key: bytes | None = b"alice"
    value: bytes | None = b"tea"
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (Layout(), b"tea\n"),
        (Layout(print_key=True), b"alice\ttea\n"),
        (Layout(print_key=True, delimiter=": "), b"alice: tea\n"),
        (Layout(print_offset=True), b"Partition:3 Offset:41\ttea\n"),
        (Layout(timestamp=True), b"Timestamp:1700000000123\ttea\n"),
        (
            Layout(print_key=True, print_offset=True, timestamp=True),
            b"alice\tTimestamp:1700000000123 Partition:3 Offset:41\ttea\n",
        ),
    ],
)
def test_layout_decides_what_is_shown_of_a_record(layout: Layout, expected: bytes) -> None:
    """Key, place and time come before the value, in this order."""
    assert lines_of(FakeRecord(), layout) == expected


def test_null_key_and_empty_key_are_shown_as_null() -> None:
    """As in the real CLI, an empty key looks like no key."""
    assert lines_of(FakeRecord(key=None, value=None), Layout(print_key=True)) == b"null\t\n"
    assert lines_of(FakeRecord(key=b""), Layout(print_key=True)) == b"null\ttea\n"


def test_headers_follow_on_a_line_of_their_own() -> None:
    """Go's way to print them: quotation marks, escapes, and words for null and nothing."""
    headers: list[tuple[str, bytes | None]] = [("k", b"v"), ("q", b'"\n\xff\x01\xc3\xa9'), ("n", None), ("e", b"")]

    assert lines_of(FakeRecord(headers=headers), Layout()).decode() == (
        'tea\n% Headers: [k="v" q="\\"\\n\\xff\\x01é" n=nil e=<empty>]\n'
    )


def test_long_headers_are_cut_off_unless_they_are_asked_for() -> None:
    """65 bytes are shown whole, of more only the first 50."""
    short, long = b"s" * 65, b"l" * 66
    record = FakeRecord(headers=[("a", short), ("b", long)])

    assert lines_of(record, Layout()) == (
        b'tea\n% Headers: [a="' + short + b'" b="' + long[:50] + b'"(16 more bytes)]\n'
    )
    assert lines_of(record, Layout(full_header=True)) == b'tea\n% Headers: [a="' + short + b'" b="' + long + b'"]\n'


@pytest.mark.parametrize(
    ("text", "format_name", "data"),
    [
        (b"42", "integer", b"\x2a\0\0\0"),
        (b"4294967295", "integer", b"\xff\xff\xff\xff"),
        (b"1.5", "double", b"\0\0\0\0\0\0\xf8\x3f"),
        (b"\xff", "string", b"\xff"),
    ],
)
def test_serialize_writes_the_bytes_of_a_format(text: bytes, format_name: str, data: bytes) -> None:
    """Numbers have their lowest byte first."""
    assert serialize(text, format_name) == data


def test_deserialize_reads_what_serialize_wrote() -> None:
    """Doubles are shown with six decimal places."""
    assert deserialize(b"\x2a\0\0\0", "integer", "value") == b"42"
    assert deserialize(b"\0\0\0\0\0\0\xf8\x3f", "double", "value") == b"1.500000"
    assert deserialize(None, "integer", "key") == b""


@pytest.mark.parametrize(
    ("text", "format_name"),
    [(b"-1", "integer"), (b"4294967296", "integer"), (b"1_0", "integer"), (b"", "integer"), (b"x\xff", "double")],
)
def test_serialize_refuses_what_is_no_number(text: bytes, format_name: str) -> None:
    """One sentence says what can be sent."""
    with pytest.raises(CliError, match="is no "):
        serialize(text, format_name)


def test_deserialize_refuses_another_number_of_bytes() -> None:
    """The error says how many there are, and what to try."""
    with pytest.raises(CliError, match="the integer key is invalid: it has 5 bytes, not 4") as raised:
        deserialize(b"alice", "integer", "key")

    assert raised.value.suggestions == ("Leave `--key-format` out to see it as text.",)


def test_split_key_splits_at_the_first_delimiter_and_trims() -> None:
    """The value may contain the delimiter."""
    assert split_key(b" alice : tea: green \t", b":") == (b"alice", b"tea: green")
    with pytest.raises(CliError, match=r"^missing key or value in message$"):
        split_key(b"alice tea", b":")


def test_parse_headers_splits_at_the_delimiter_and_refuses_nameless_ones() -> None:
    """The delimiter is the one between key and value."""
    assert parse_headers(["a: 1", "b:c:d"], ":") == [("a", b"1"), ("b", b"c:d")]
    for text in ("a", ":1", " :1"):
        with pytest.raises(CliError, match=r"\(key:value\)"):
            parse_headers([text], ":")


def test_formats_with_schemas_are_refused_with_the_reason() -> None:
    """There is no Schema Registry; plain formats pass."""
    check_format("string")
    with pytest.raises(CliError, match="Schema Registry"):
        check_format("avro")


def test_on_screen_leaves_nothing_that_a_terminal_obeys() -> None:
    """Escape sequences, bells and bytes that are no text are shown as their codes; text in any script stays."""
    assert on_screen("Grüße 👩‍💻\tتحية\n".encode()) == "Grüße 👩‍💻\tتحية\n"
    assert on_screen(b"\x1b[31mred\x07\r\xff\xc2\x9b2J\0\n") == "\\x1b[31mred\\x07\\x0d\\xff\\x9b2J\\x00\n"
