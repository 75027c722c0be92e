"""Random messages for the tests of the codec, made from the tables."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kit.wire import codec, messages, schema

INTEGERS = {
    "int8": (-(1 << 7), (1 << 7) - 1),
    "int16": (-(1 << 15), (1 << 15) - 1),
    "uint16": (0, (1 << 16) - 1),
    "int32": (-(1 << 31), (1 << 31) - 1),
    "uint32": (0, (1 << 32) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
}
LAST_ERROR_CODE = 120
_TIMES = st.sampled_from([0, 1, 60_000, 1_700_000_000_123])  # what every codec can say as a date or a duration


def every_message() -> list[type[messages.Message]]:
    """All message classes: requests, responses and what goes into records."""
    return [getattr(messages, name) for name in messages.message_names()]


def api_messages() -> list[type[messages.Message]]:
    """Request and response classes, by api_key."""
    return [found for _, api in sorted(codec.apis().items()) for found in (api.request, api.response)]


def filled(message_class: type[messages.Message]) -> st.SearchStrategy[Any]:
    """Messages with a value in every field of every version; `for_version` cuts them to one version."""
    return _struct(message_class, message_class.SCHEMA)


def _struct(message_class: type[messages.Message], struct: schema.Struct) -> st.SearchStrategy[Any]:
    made = message_class if struct is message_class.SCHEMA else getattr(message_class, struct.name)
    return st.builds(made, **{field.name: _field(message_class, field) for field in struct.fields})


def _field(message_class: type[messages.Message], field: schema.Field) -> st.SearchStrategy[Any]:
    one = _scalar(field) if field.struct is None else _struct(message_class, field.struct)
    values = st.lists(one, max_size=3) if field.array else one
    if field.nullable:
        values = st.none() | values
    if not field.array and field.struct is None:
        return values | st.just(default(message_class, field))  # tagged fields behave differently at their default
    return values


def _scalar(field: schema.Field) -> st.SearchStrategy[Any]:
    if field.type in INTEGERS:
        low, high = INTEGERS[field.type]
        if field.name.endswith("error_code"):
            return st.integers(-1, LAST_ERROR_CODE)
        if field.type == "int64" and (field.name.endswith(("_ms", "timestamp")) or field.name == "duration_filter"):
            return _TIMES
        return st.sampled_from([low, -1 if low else 1, 0, high]) | st.integers(low, high)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "bool": st.booleans(),
        "float64": st.floats(allow_nan=False),
        "uuid": st.just(messages.NULL_UUID) | st.uuids(),
        "string": st.text(max_size=5) | st.just("ä" * 100),  # the second has more than 127 bytes
        "bytes": st.binary(max_size=5) | st.just(b"\x00" * 200),
        "records": st.binary(max_size=5) | st.just(b"\xff" * 20_000),
    }
    return simple[field.type]


def default(message_class: type[messages.Message], field: schema.Field) -> Any:
    """The value of the field in a message that was made without arguments."""
    for owner in (message_class, *(getattr(message_class, name) for name in message_class.SCHEMA.structs)):
        if any(field is own for own in owner.SCHEMA.fields):
            return getattr(owner(), field.name)
    raise LookupError(field.name)


def for_version(message: Any, version: int) -> Any:
    """A copy with only what the version can carry: other fields and forbidden nulls get their defaults."""
    values = {}
    for field in message.SCHEMA.fields:
        value = getattr(message, field.name)
        if version not in field.versions or (value is None and version not in field.nullable):
            continue
        if field.struct is not None and value is not None:
            value = [for_version(each, version) for each in value] if field.array else for_version(value, version)
        values[field.name] = value
    return type(message)(**values)
