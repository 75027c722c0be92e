"""The table language: what a file in ``apis/`` says, and how it is read.

A table describes one message per block. Indentation (four spaces a level) nests; text after ``#`` is the meaning::

    api 0 Produce, versions 3-13, flexible 9+     # a request and a response with the same versions
    request
        acks: int16                               # in every version
        topic_data: []TopicProduceData            # an array; the lines below it are the fields of the struct
            name: string, 0-12, ignorable         # only in versions 0 to 12
            partition_data: []PartitionProduceData
                records: records?                 # may be null
    response
        ...
    data OffsetCommitValue, versions 0-4, flexible 4+      # no API: what Kafka writes into a record of its own
        leader_epoch: int32, 3+, ignorable = -1            # its default is -1
    record 3 PartitionRecord, versions 0-2, flexible 0+    # a record of the cluster's metadata, with its number

* Scalars: bool int8 int16 uint16 int32 uint32 int64 float64 uuid string bytes records. ``[]`` before a type: an array.
* ``?`` may be null in all its versions; ``?2+`` from version 2 on.
* ``3+`` (or ``0-12``, ``4``): the versions that have the field. Without it: all that the struct around it has.
* ``tag 0``: a tagged field (KIP-482), sent only when it differs from its default. ``tag 0 8+``: tagged from version 8.
* ``ignorable``: in a version without the field its value is dropped; otherwise a value there is an error.
* ``= x``: the default. Without it zero, false, "", no elements; null for records that may be null.
* ``struct Name``: a struct that several fields share. A field that names it has no lines of its own.
* ``flexible 9+``: from version 9 on lengths are varints and every struct ends with tagged fields; ``flexible none``.

Source: the message definitions of Apache Kafka, ``clients/src/main/resources/common/message/README.md``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

FOLDER = Path(__file__).with_name("apis")
LAST_VERSION = 32767
NO_VERSIONS = range(0)

FIXED = {  # the struct format character of each type
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "float64": "d",
    "uuid": "16s",
}
FIXED_BYTES = {name: struct.calcsize(">" + code) for name, code in FIXED.items()}
SIZED = ("string", "bytes", "records")

# Patterns as text: `re` compiles and keeps them when the first table is read, not when this module is imported.
_BLOCK = (
    r"(?P<kind>api|data|record)(?: (?P<key>\d+))? (?P<name>\w+), versions (?P<versions>[\d\-]+), "
    r"flexible (?P<flexible>none|\d+\+)"
)
_FIELD = (
    r"(?P<name>[a-z]\w*): (?P<array>\[\])?(?P<type>\w+)(?P<null>\?(?P<null_versions>\d+\+)?)?(?P<options>(?:, [^=]+?)?)"
    r"(?: = (?P<default>\S+))?"
)
_NAMES = (
    r"^(?P<block>api|data|record)(?: \d+)? (?P<name>\w+),|^(?P<side>request|response)$"
    r"|^ +(?:\w+: (?:\[\])?|struct )(?P<struct>[A-Z]\w*)"
)

Default = bool | int | float | str | None


class SchemaError(ValueError):
    """A table breaks the rules of the language. The text names file and line."""


@dataclass(slots=True)
class Field:
    """One field of a struct. ``versions``, ``nullable`` and ``tagged`` hold the versions in which it is so.

    ``default`` is the scalar's default; for an array or a struct it is None (null) or "" (empty).
    """

    name: str
    type: str
    array: bool
    struct: Struct | None
    versions: range
    nullable: range
    tag: int | None
    tagged: range
    ignorable: bool
    default: Default
    about: str


@dataclass(slots=True)
class Struct:
    """Fields in the order in which they are sent."""

    name: str
    versions: range
    fields: list[Field] = field(default_factory=list)
    about: str = ""


@dataclass(slots=True)
class Message(Struct):
    """A struct with a life of its own: a request, a response, or what is written into a record.

    ``api_key`` is the API's or metadata record's number, -1 for other data. ``flexible`` holds the flexible versions.
    ``structs`` has every struct below it by name.
    """

    kind: Literal["request", "response", "data", "record"] = "data"
    api_key: int = -1
    flexible: range = NO_VERSIONS
    structs: dict[str, Struct] = field(default_factory=dict)


class Head(NamedTuple):
    """The first line of a block."""

    kind: str
    key: int
    name: str
    versions: range
    flexible: range
    about: str


class Line(NamedTuple):
    """One line of a table, its meaning split off."""

    number: int
    depth: int
    text: str
    about: str


def parse(text: str, filename: str = "table") -> list[Message]:
    """Read a table.

    Raises:
        SchemaError: a line cannot be understood.
    """
    return _Parser(text, filename).messages()


def read_heads() -> Iterator[tuple[Path, Head]]:
    """The first line of every API's table, without reading the rest of it."""
    for path in sorted(FOLDER.glob("api_*.txt")):
        with path.open(encoding="utf-8") as file:
            first, _, about = file.readline().partition("#")
        yield path, parse_head(first.strip(), about.strip(), f"{path.name}:1")


def names_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each message of a table with the names of its structs; quick, and without checking anything."""
    block = message = ""
    structs: dict[str, None] = {}  # each once, in order
    for match in re.finditer(_NAMES, text, re.MULTILINE):
        if match["struct"]:
            structs[match["struct"]] = None
            continue
        if message:
            yield message, list(structs)
        structs = {}
        block = match["name"] or block
        message = block + match["side"].title() if match["side"] else "" if match["block"] == "api" else block
    if message:
        yield message, list(structs)


def parse_head(text: str, about: str, where: str) -> Head:
    """Read the first line of a block.

    Raises:
        SchemaError: it is not one.
    """
    match = re.fullmatch(_BLOCK, text)
    if match is None:
        raise SchemaError(f"{where}: expected '<kind> [number] Name, versions a-b, flexible c+', found {text!r}")
    versions = _versions(match["versions"])
    flexible = NO_VERSIONS if match["flexible"] == "none" else _cut(_versions(match["flexible"]), versions)
    return Head(match["kind"], int(match["key"] or -1), match["name"], versions, flexible, about)


class _Parser:
    def __init__(self, text: str, filename: str) -> None:
        self._filename = filename
        self._lines = list(_split(text))
        self._next = 0
        self._message = Message("", NO_VERSIONS)

    def messages(self) -> list[Message]:
        found: list[Message] = []
        while (line := self._peek()) is not None:
            self._next += 1
            head = parse_head(line.text, line.about, self._where(line))
            if head.kind == "api":
                found += [self._block(head, "request"), self._block(head, "response")]
            else:
                found.append(self._block(head, "record" if head.kind == "record" else "data"))
        return found

    def _block(self, head: Head, kind: Literal["request", "response", "data", "record"]) -> Message:
        name = head.name
        if kind in {"request", "response"}:
            line = self._peek()
            if line is None or line.text != kind:
                raise SchemaError(f"{self._filename}: {head.name} has no block '{kind}'")
            self._next += 1
            name += kind.title()
        message = Message(name, head.versions, about=head.about, kind=kind, api_key=head.key, flexible=head.flexible)
        self._message = message
        self._fill(message, depth=1)
        return message

    def _fill(self, struct: Struct, depth: int) -> None:
        while (line := self._peek()) is not None and line.depth >= depth:
            if line.depth > depth:
                raise SchemaError(f"{self._where(line)}: indented too far")
            self._next += 1
            if line.text.startswith("struct "):
                self._fill(self._struct(line.text[7:], struct.versions, line), depth + 1)
            else:
                struct.fields.append(self._field(line, struct.versions))

    def _struct(self, name: str, versions: range, line: Line) -> Struct:
        if name in self._message.structs:
            raise SchemaError(f"{self._where(line)}: {self._message.name} has two structs {name}")
        struct = self._message.structs[name] = Struct(name, versions, about=line.about)
        return struct

    def _field(self, line: Line, outer: range) -> Field:
        match = re.fullmatch(_FIELD, line.text)
        if match is None:
            raise SchemaError(f"{self._where(line)}: expected 'name: type, options = default', found {line.text!r}")
        versions, tag, tagged, ignorable = self._options(match["options"], outer, line)
        nullable = NO_VERSIONS
        if match["null"]:
            nullable = _cut(_versions(match["null_versions"]), versions) if match["null_versions"] else versions
        struct = None
        if match["type"] not in FIXED and match["type"] not in SIZED:
            struct = self._struct_of(match["type"], versions, line)
        array = bool(match["array"])
        return Field(
            match["name"], match["type"], array, struct, versions, nullable, tag, tagged, ignorable,
            _default("array" if array else match["type"], bool(nullable), match["default"]), line.about,
        )  # fmt: skip

    def _options(self, text: str, outer: range, line: Line) -> tuple[range, int | None, range, bool]:
        versions, tag, tagged, ignorable = outer, None, "", False
        for option in text.split(", ")[1:]:
            word, _, rest = option.partition(" ")
            if option == "ignorable":
                ignorable = True
            elif word == "tag":
                number, _, tagged = rest.partition(" ")
                tag = int(number)
            elif option[0].isdigit():
                versions = _cut(_versions(option), outer)
            else:
                raise SchemaError(f"{self._where(line)}: unknown option {option!r}")
        if tag is None:
            return versions, None, NO_VERSIONS, ignorable
        return versions, tag, _cut(_versions(tagged), versions) if tagged else versions, ignorable

    def _struct_of(self, name: str, versions: range, line: Line) -> Struct:
        following = self._peek()
        if following is None or following.depth <= line.depth:
            if name not in self._message.structs:
                raise SchemaError(f"{self._where(line)}: {name} is no type, and no struct above this line")
            return self._message.structs[name]
        struct = self._struct(name, versions, line)
        self._fill(struct, line.depth + 1)
        return struct

    def _peek(self) -> Line | None:
        return self._lines[self._next] if self._next < len(self._lines) else None

    def _where(self, line: Line) -> str:
        return f"{self._filename}:{line.number}"


def _split(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        content, _, about = line.partition("#")
        stripped = content.strip()
        if stripped:
            depth = (len(content) - len(content.lstrip())) // 4
            yield Line(number, depth, stripped, about.strip())


def _versions(text: str) -> range:
    if text.endswith("+"):
        return range(int(text[:-1]), LAST_VERSION + 1)
    low, _, high = text.partition("-")
    return range(int(low), int(high or low) + 1)


def _cut(inner: range, outer: range) -> range:
    return range(max(inner.start, outer.start), min(inner.stop, outer.stop))


def _default(kind: str, nullable: bool, text: str | None) -> Default:
    if text == "null" or (text is None and kind == "records" and nullable):
        return None
    if kind not in FIXED or kind == "uuid":
        return (text or "").strip('"')
    if kind == "bool":
        return text == "true"
    return float(text or 0) if kind == "float64" else int(text or 0)
