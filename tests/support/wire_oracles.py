"""Two foreign codecs to compare with: kafka-python's and kio's. Each turns our messages into its own and back.

Both know the same messages under nearly the same names; what differs is listed here and nowhere else.
"""

from __future__ import annotations

import datetime as dt
import io
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import cache
from typing import Any

import kafka.protocol.admin
import kafka.protocol.consumer
import kafka.protocol.metadata
import kafka.protocol.producer
import kafka.protocol.sasl
from kafka.protocol.api_message import ApiMessage
from kio import index as kio_index
from kio.schema.errors import ErrorCode
from kio.schema.index import api_key_map, schema_name_map
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

from kit.wire import messages

_EPOCH = dt.datetime.fromtimestamp(0, tz=dt.UTC)
_MS = dt.timedelta(milliseconds=1)


class Oracle(ABC):
    """A foreign codec."""

    name: str

    @abstractmethod
    def versions(self, message_class: type[messages.Message]) -> Iterable[int]:
        """The versions of the message that it has; none if it does not have the message."""

    @abstractmethod
    def encode(self, message: Any, version: int) -> bytes:
        """The body as the foreign codec writes it."""

    @abstractmethod
    def decode(self, message_class: type[messages.Message], version: int, body: bytes) -> Any:
        """Our message, with what the foreign codec reads in ``body``."""


class KafkaPython(Oracle):
    """kafka-python; it leaves out most of what brokers say to each other, and KIP-848."""

    name = "kafka-python"
    _PACKAGES = (
        kafka.protocol.admin,
        kafka.protocol.consumer,
        kafka.protocol.metadata,
        kafka.protocol.producer,
        kafka.protocol.sasl,
    )
    # It has its own name for these, and shows them as sets of bits.
    _BIT_FIELDS: typing.ClassVar = {
        ("MetadataResponse", "cluster_authorized_operations"): "authorized_operations",
        ("MetadataResponseTopic", "topic_authorized_operations"): "authorized_operations",
        ("DescribeClusterResponse", "cluster_authorized_operations"): "authorized_operations",
        ("DescribedGroup", "authorized_operations"): "authorized_operations",
    }
    _NO_BITS: typing.ClassVar = {31}  # Kafka's "not asked for", which kafka-python shows as None

    def versions(self, message_class: type[messages.Message]) -> Iterable[int]:
        """From the lowest to the highest version of its schema."""
        found = self._class(message_class.__name__)
        if found is None:
            return ()
        low, high = found.valid_versions
        return range(low, high + 1)

    def encode(self, message: Any, version: int) -> bytes:
        """By the encoder that its clients use."""
        return bytes(self._to_foreign(message, version, self._class(type(message).__name__)).encode(version=version))

    def decode(self, message_class: type[messages.Message], version: int, body: bytes) -> Any:
        """By its general decoder: ApiVersionsResponse has one of its own, which reads any error as v0 (KIP-511)."""
        foreign_class = self._class(message_class.__name__)
        foreign = ApiMessage.decode.__func__(foreign_class, body, version=version)
        return self._to_ours(foreign, version, message_class, message_class)

    def _class(self, name: str) -> Any:
        return next((getattr(package, name) for package in self._PACKAGES if hasattr(package, name)), None)

    def _to_foreign(self, message: Any, version: int, foreign_class: Any) -> Any:
        default = type(message)()
        values = {}
        for field in message.SCHEMA.fields:
            value = getattr(message, field.name)
            if version not in field.versions or (field.tag is not None and value == getattr(default, field.name)):
                continue
            name = self._BIT_FIELDS.get((type(message).__name__, field.name))
            if name is not None:
                values[name] = self._bits(value)
                continue
            if field.struct is not None and value is not None:
                inner = getattr(foreign_class, field.type)
                one = [self._to_foreign(each, version, inner) for each in (value if field.array else [value])]
                value = one if field.array else one[0]
            values[field.name] = value
        return foreign_class(version=version, **values)

    def _to_ours(self, foreign: Any, version: int, our_class: Any, message_class: Any) -> Any:
        values = {}
        for field in our_class.SCHEMA.fields:
            if version not in field.versions:
                continue
            name = self._BIT_FIELDS.get((our_class.__name__, field.name))
            if name is not None:
                values[field.name] = self._integer(getattr(foreign, name))
                continue
            value = getattr(foreign, field.name)
            if value is None and version not in field.nullable:
                continue  # a tagged field that was not sent
            if field.struct is not None and value is not None:
                inner = getattr(message_class, field.type)
                one = [
                    self._to_ours(each, version, inner, message_class) for each in (value if field.array else [value])
                ]
                value = one if field.array else one[0]
            values[field.name] = value
        return our_class(**values)

    def _bits(self, value: int) -> set[int] | None:
        bits = {bit for bit in range(32) if value >> bit & 1}
        return None if bits == self._NO_BITS else bits

    def _integer(self, bits: set[int] | None) -> int:
        unsigned = sum(1 << bit for bit in (self._NO_BITS if bits is None else bits))
        return unsigned - (1 << 32) if unsigned >> 31 else unsigned


class Kio(Oracle):
    """kio: one dataclass per version; times are timedeltas and datetimes, error codes an enum, the null id None."""

    name = "kio"

    def versions(self, message_class: type[messages.Message]) -> Iterable[int]:
        """The versions that Kafka 4.3 has."""
        return schema_name_map.get(api_key_map.get(message_class.SCHEMA.api_key, ""), {})

    def encode(self, message: Any, version: int) -> bytes:
        """By its Python encoder."""
        foreign_class = _kio_class(type(message), version)
        out = io.BytesIO()
        entity_writer(foreign_class)(out, self._to_foreign(message, foreign_class))
        return out.getvalue()

    def decode(self, message_class: type[messages.Message], version: int, body: bytes) -> Any:
        """By its native decoder."""
        foreign, size = entity_reader(_kio_class(message_class, version))(body, 0)
        assert size == len(body)
        return self._to_ours(foreign, message_class, message_class)

    def _to_foreign(self, message: Any, foreign_class: Any) -> Any:
        values = {}
        for name, (ours, kafka_type, inner) in _kio_fields(foreign_class, type(message)).items():
            value = getattr(message, ours)
            if isinstance(value, list):
                values[name] = tuple(self._value_to_foreign(each, kafka_type, inner) for each in value)
            else:
                values[name] = self._value_to_foreign(value, kafka_type, inner)
        return foreign_class(**values)

    def _value_to_foreign(self, value: Any, kafka_type: str | None, inner: Any) -> Any:
        if value is None:
            return None
        if inner is not None:
            return self._to_foreign(value, inner)
        if kafka_type == "uuid":
            return None if value == messages.NULL_UUID else value
        if kafka_type == "error_code":
            return ErrorCode(value)
        if kafka_type in {"timedelta_i32", "timedelta_i64"}:
            return value * _MS
        if kafka_type == "datetime_i64":
            return None if value == -1 else _EPOCH + value * _MS
        return value

    def _to_ours(self, foreign: Any, our_class: Any, message_class: Any) -> Any:
        values = {}
        for name, (ours, kafka_type, inner) in _kio_fields(type(foreign), our_class).items():
            value = getattr(foreign, name)
            our_inner = None if inner is None else getattr(message_class, inner.__name__)
            if value is None and ours in _arrays(our_class):
                values[ours] = None
            elif isinstance(value, tuple):
                values[ours] = [self._value_to_ours(each, kafka_type, our_inner, message_class) for each in value]
            else:
                values[ours] = self._value_to_ours(value, kafka_type, our_inner, message_class)
        return our_class(**values)

    def _value_to_ours(self, value: Any, kafka_type: str | None, our_inner: Any, message_class: Any) -> Any:
        if kafka_type == "datetime_i64":
            return -1 if value is None else (value - _EPOCH) // _MS
        if value is None:
            return messages.NULL_UUID if kafka_type == "uuid" else None
        if our_inner is not None:
            return self._to_ours(value, our_inner, message_class)
        if kafka_type == "error_code":
            return value.value
        return value // _MS if kafka_type in {"timedelta_i32", "timedelta_i64"} else value


@cache
def _kio_class(message_class: type[messages.Message], version: int) -> Any:
    kind = EntityType[message_class.SCHEMA.kind]
    module = kio_index.load_payload_module(message_class.SCHEMA.api_key, version, kind)
    return getattr(module, message_class.__name__)


@cache
def _kio_fields(foreign_class: Any, our_class: Any) -> dict[str, tuple[str, str | None, Any]]:
    """For each field of a kio class: our name (kio drops the unit ``_ms``), its type, the class of a struct."""
    found = {}
    hints = typing.get_type_hints(foreign_class)
    for name, field in foreign_class.__dataclass_fields__.items():
        if name not in hints or name.startswith("__"):
            continue
        ours = name if name in our_class.__slots__ else f"{name}_ms"
        kafka_type = field.metadata.get("kafka_type")
        found[name] = (ours, kafka_type, None if kafka_type else _class_in(hints[name]))
    return found


@cache
def _arrays(our_class: Any) -> set[str]:
    return {field.name for field in our_class.SCHEMA.fields if field.array}


def _class_in(hint: Any) -> Any:
    if hasattr(hint, "__dataclass_fields__"):
        return hint
    return next((inner for each in typing.get_args(hint) if (inner := _class_in(each)) is not None), None)


ORACLES: tuple[Oracle, ...] = (KafkaPython(), Kio())
