"""Which value of a message cannot be sent, in words. Slow, and only called after encoding has failed."""

from __future__ import annotations

import uuid
from typing import Any

from kit.wire import schema
from kit.wire.primitives import LONGEST_STRING_BYTES

_INTEGERS = {
    "int8": (-(1 << 7), (1 << 7) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "uint16": (0, (1 << 16) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
}
_CLASSES: dict[str, tuple[type, ...]] = {
    "bool": (bool, int),
    "float64": (float, int),
    "uuid": (uuid.UUID,),
    "string": (str,),
    "bytes": (bytes, bytearray, memoryview),
    "records": (object,),
}


def bad_value(message: Any, version: int) -> str | None:
    """The first field whose value does not fit its type: its path, what is there, what should be."""
    return _in_struct(message.SCHEMA, message, version, type(message).__name__)


def _in_struct(struct: schema.Struct, value: Any, version: int, path: str) -> str | None:
    for field in struct.fields:
        if version not in field.versions:
            continue
        if not hasattr(value, field.name):
            return f"{path} is {value!r}, expected a {struct.name}"
        found = _in_field(field, getattr(value, field.name), version, f"{path}.{field.name}")
        if found:
            return found
    return None


def _in_field(field: schema.Field, value: Any, version: int, path: str) -> str | None:
    if value is None:
        return None if version in field.nullable else f"{path} is None, but version {version} has no null for it"
    if not field.array:
        return _in_value(field, value, version, path)
    if not isinstance(value, list | tuple):
        return f"{path} is {value!r}, expected a list"
    for index, element in enumerate(value):
        found = _in_value(field, element, version, f"{path}[{index}]")
        if found:
            return found
    return None


def _in_value(field: schema.Field, value: Any, version: int, path: str) -> str | None:
    if field.struct is not None:
        return _in_struct(field.struct, value, version, path)
    if field.type in _INTEGERS:
        low, high = _INTEGERS[field.type]
        if isinstance(value, int) and low <= value <= high:
            return None
        return f"{path} is {value!r}, expected an {field.type}: {low} to {high}"
    if isinstance(value, str) and field.type == "string":
        size = len(value.encode())
        return (
            f"{path} has {size} bytes, a string can have {LONGEST_STRING_BYTES}"
            if size > LONGEST_STRING_BYTES
            else None
        )
    return None if isinstance(value, _CLASSES[field.type]) else f"{path} is {value!r}, expected {field.type}"
