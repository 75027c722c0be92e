"""The answer to a request of any API that says the same error about everything that was asked for.

Kafka has one such method for each API; here it follows from the tables. A response says its errors as deep as it can:
beside each partition, topic, group or key of the request, and at its top only where the request names none of them.
Source: Kafka's ``AbstractRequest.getErrorResponse`` and what overrides it.
"""

from __future__ import annotations

from typing import Any

from kit.wire import codec, messages
from kit.wire.errors import ErrorCode

_ABOUT_THE_ERROR = {"error_code", "error_message", "throttle_time_ms"}
_INDEXES = ("partition_index", "index", "partition")  # what different messages call the number of a partition


def refusal(api_key: int, api_version: int, request: Any, error: ErrorCode, text: str | None = None) -> Any:
    """A response to ``request`` with nothing but this error in it, and ``text`` where there is room for one."""
    return _Refusal(api_version, error, text).of(codec.api(api_key).response(), request)


class _Refusal:
    def __init__(self, version: int, error: ErrorCode, text: str | None) -> None:
        self._version = version
        self._error = error
        self._text = text

    def of(self, result: Any, asked: Any) -> Any:
        """Put the error into a response, or into a part of one, that is about ``asked``."""
        has_parts = False
        for field in self._fields(result):
            if field.array and field.struct is not None and self._has_errors(field.struct):
                parts = [self._part(_class_of(result, field), each) for each in _asked(asked, field.name)]
                setattr(result, field.name, parts)
                has_parts = has_parts or bool(parts)
        if not has_parts and any(field.name == "error_code" for field in self._fields(result)):
            result.error_code = int(self._error)
            if self._text is not None and any(field.name == "error_message" for field in self._fields(result)):
                result.error_message = self._text
        return result

    def _part(self, part_class: Any, asked: Any) -> Any:
        part = part_class()
        names = [field.name for field in self._fields(part)]
        if not hasattr(asked, "SCHEMA"):  # a name or a number is all that was asked with
            setattr(part, next(name for name in names if name not in _ABOUT_THE_ERROR), asked)
        for name in names:
            _copy(part, asked, name)
        return self.of(part, asked)

    def _fields(self, struct: Any) -> list[Any]:
        return [field for field in struct.SCHEMA.fields if self._version in field.versions]

    def _has_errors(self, struct: Any) -> bool:
        return any(
            field.name == "error_code" or (field.array and field.struct is not None and self._has_errors(field.struct))
            for field in struct.fields
            if self._version in field.versions
        )


def _copy(part: Any, asked: Any, name: str) -> None:
    """Answer under the name or number that was asked with."""
    found = next((each for each in (_INDEXES if name in _INDEXES else (name,)) if hasattr(asked, each)), None)
    if found is not None and not isinstance(getattr(asked, found), list):
        setattr(part, name, getattr(asked, found))


def _asked(asked: Any, name: str) -> list[Any]:
    """What the results of the array ``name`` are about: the request's array of that name, or else its first."""
    if not hasattr(asked, "SCHEMA"):
        return []
    arrays = {field.name: getattr(asked, field.name) for field in asked.SCHEMA.fields if field.array}
    return arrays.get(name) or next((array for array in arrays.values() if array), [])


def _class_of(result: Any, field: Any) -> Any:
    """The class of the elements of an array, which the class of the whole message has."""
    return getattr(getattr(messages, type(result).__qualname__.partition(".")[0]), field.type)
