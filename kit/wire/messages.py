"""One class per message and struct, made from the tables when it is first asked for.

``m.ProduceRequest`` is a message; its structs are ``m.ProduceRequest.TopicProduceData`` and so on. A struct whose name
occurs once in all tables is reachable as ``m.TopicProduceData`` too; for the others the message must be named.
A class serves all versions: keyword arguments, Kafka's default for each one left out. The types are in
``messages.pyi``, which ``python -m kit.wire.stubs`` writes.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any, ClassVar

from kit.wire import schema

NULL_UUID = uuid.UUID(int=0)
_OMITTED: Any = object()
_LONGEST_SHOWN = 60  # characters of one value in a repr


class Struct:
    """What all message and struct classes share."""

    __slots__: tuple[str, ...] = ()
    SCHEMA: ClassVar[schema.Struct]
    __hash__ = None  # type: ignore[assignment]  # two equal messages can become different

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        """Only what differs from the defaults; long byte strings as their size."""
        default = type(self)()
        shown = [(name, getattr(self, name)) for name in self.__slots__]
        fields = ", ".join(f"{name}={_short(value)}" for name, value in shown if value != getattr(default, name))
        return f"{type(self).__name__}({fields})"


class Message(Struct):
    """A request, a response, or what is written into a record."""

    __slots__ = ()
    SCHEMA: ClassVar[schema.Message]


def __getattr__(name: str) -> Any:
    """Make the class on first use (PEP 562)."""
    # The import system asks for names such as __path__; those must not cost a look at all tables.
    places = None if name.startswith("_") else _index().get(name)
    if places is None:
        raise AttributeError(f"Kafka has no message or struct {name!r}, or kit/wire/apis has no table for it")
    if len(places) > 1:
        choices = ", ".join(f"m.{message}.{name}" for message, _ in places)
        raise AttributeError(f"several messages have a struct {name}; choose one of {choices}")
    message, filename = places[0]
    found = _classes(filename)[message]
    if message != name:
        found = getattr(found, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(name for name, places in _index().items() if len(places) == 1)


def message_names() -> list[str]:
    """The names of all messages, structs left out."""
    return sorted(name for name, places in _index().items() if places[0][0] == name)


@cache
def _index() -> dict[str, list[tuple[str, str]]]:
    """For each class name the messages that have it, each with its table's file name."""
    index: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(schema.FOLDER.glob("*.txt")):
        for message, structs in schema.names_in(path.read_text(encoding="utf-8")):
            for name in (message, *structs):
                index.setdefault(name, []).append((message, path.name))
    return index


@cache
def _classes(filename: str) -> dict[str, type[Message]]:
    text = (schema.FOLDER / filename).read_text(encoding="utf-8")
    return {message.name: _message_class(message) for message in schema.parse(text, filename)}


def _message_class(message: schema.Message) -> type[Message]:
    structs: dict[str, Any] = {}
    for name, struct in message.structs.items():  # inner ones come after the outer ones that use them
        structs[name] = _class(struct, Struct, f"{message.name}.{name}", structs)
    found: type[Message] = _class(message, Message, message.name, structs)
    for name, struct_class in structs.items():
        setattr(found, name, struct_class)
    if message.kind == "record":
        found.api_key = message.api_key  # type: ignore[attr-defined]
    return found


def _class(struct: schema.Struct, base: type, qualified_name: str, structs: dict[str, Any]) -> Any:
    names = tuple(field.name for field in struct.fields)
    return type(
        struct.name,
        (base,),
        {
            "__slots__": names,
            "__init__": _constructor(struct, structs),
            "__doc__": _docstring(struct),
            "__module__": __name__,
            "__qualname__": qualified_name,
            "SCHEMA": struct,
        },
    )


def _constructor(struct: schema.Struct, structs: dict[str, Any]) -> Any:
    """``__init__`` as straight-line source: messages are made for every record batch that passes."""
    parameters, body = [], []
    for field in struct.fields:
        fresh = fresh_default(field)
        if fresh is None:
            parameters.append(f"{field.name}={default_source(field)}")
            body.append(f"self.{field.name} = {field.name}")
        else:
            parameters.append(f"{field.name}=_OMITTED")
            body.append(f"self.{field.name} = {fresh} if {field.name} is _OMITTED else {field.name}")
    source = f"def __init__(self{', *' if parameters else ''}{''.join(', ' + each for each in parameters)}):\n    "
    namespace = {"_OMITTED": _OMITTED, "NULL_UUID": NULL_UUID, "structs": structs}
    exec(source + ("\n    ".join(body) or "pass"), namespace)
    return namespace["__init__"]


def fresh_default(field: schema.Field) -> str | None:
    """Source of a default that each message needs its own copy of: an empty list or a struct of defaults."""
    if field.default is None:
        return None
    if field.array:
        return "[]"
    return None if field.struct is None else f"structs[{field.type!r}]()"


def default_source(field: schema.Field) -> str:
    """Source of the default of a field whose values cannot change: a scalar, a string, bytes or null."""
    if field.default is None:
        return "None"
    if field.type == "uuid":
        return "NULL_UUID"
    if field.type in {"bytes", "records"}:
        return "b''"
    return repr(field.default)


def _docstring(struct: schema.Struct) -> str:
    fields = "".join(f"\n    {field.name}: {field.about}" for field in struct.fields)
    return f"{struct.about or struct.name}\n\nFields:{fields or ' none'}"


def _short(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview) and len(value) > _LONGEST_SHOWN:
        return f"<{len(value)} bytes>"
    return repr(value)


def classes_in(filename: str) -> list[type[Message]]:
    """The message classes of one table."""
    return list(_classes(filename).values())
