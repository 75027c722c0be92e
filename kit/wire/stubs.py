"""Writes ``messages.pyi``, the types of what `messages` makes: ``python -m kit.wire.stubs``.

The tables are the source; a test fails when the stub is out of step with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kit.wire import messages, schema

STUB = schema.FOLDER.with_name("messages.pyi")

_HEAD = """\
# Written by `python -m kit.wire.stubs` from the tables in apis/. Do not edit.
from typing import Any, ClassVar, dataclass_transform
from uuid import UUID

from kit.wire import schema

NULL_UUID: UUID

def message_names() -> list[str]: ...
def classes_in(filename: str) -> list[type[Message]]: ...
def fresh_default(field: schema.Field) -> str | None: ...
def default_source(field: schema.Field) -> str: ...

@dataclass_transform(kw_only_default=True, eq_default=True)
class Struct:
    __slots__: tuple[str, ...] = ...
    SCHEMA: ClassVar[schema.Struct]

class Message(Struct):
    SCHEMA: ClassVar[schema.Message]
"""
_TYPES = {
    "bool": "bool",
    "float64": "float",
    "uuid": "UUID",
    "string": "str",
    "bytes": "bytes",
    "records": "Any",  # bytes-like, a list of such, or a range of a file
}


def stub() -> str:
    """The text of ``messages.pyi``."""
    schemas = [getattr(messages, name).SCHEMA for name in messages.message_names()]
    uses = Counter(name for message in schemas for name in (message.name, *message.structs))
    blocks = [_HEAD]
    for message in schemas:
        blocks.append("\n".join(_message(message)) + "\n")
        blocks.append("".join(f"{name} = {message.name}.{name}\n" for name in message.structs if uses[name] == 1))
    return "\n".join(block for block in blocks if block)


def _message(message: schema.Message) -> Iterator[str]:
    yield f"class {message.name}(Message):"
    if message.kind == "record":
        yield "    api_key: ClassVar[int]"
    elif not message.fields:
        yield "    ..."
    for struct in message.structs.values():
        yield f"    class {struct.name}(Struct):"
        yield from ("        " + line for line in _fields(struct, message.name))
        yield ""
    yield from ("    " + line for line in _fields(message, message.name))


def _fields(struct: schema.Struct, message_name: str) -> Iterator[str]:
    for field in struct.fields:
        yield f"{field.name}: {_type(field, message_name)} = ..."


def _type(field: schema.Field, message_name: str) -> str:
    name = _TYPES.get(field.type, "int") if field.struct is None else f"{message_name}.{field.type}"
    if field.array:
        name = f"list[{name}]"
    return f"{name} | None" if field.nullable else name


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8", newline="\n")
