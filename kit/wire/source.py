"""Source text under construction: what the decoder's and the encoder's generators share.

Neighbouring fields of fixed size become one ``struct`` call; a struct inside a message is read and written in line, so
that a request costs few Python calls whatever its depth.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kit.wire import messages, primitives
from kit.wire.schema import Field, Message, Struct


class Source:
    """Lines of source with their indentation, and the names that they use."""

    def __init__(self, message_class: type[messages.Message], version: int) -> None:
        self.message: Message = message_class.SCHEMA
        self.version = version
        self.flexible = version in self.message.flexible
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "pack": struct.pack,
            "unpack_from": struct.unpack_from,
            "new": object.__new__,
            "to_string": str,
            "Message": message_class,
            "NULL_UUID": messages.NULL_UUID,
            "structs": {},  # for the source of defaults, as in constructors
        }
        for name in ("DecodeError", "EncodeError", "read_uvarint", "uvarint", "skip_tags", "put_records", "read_uuid"):
            self.names[name] = getattr(primitives, name)
        for name in self.message.structs:
            self.names[f"Struct_{name}"] = self.names["structs"][name] = getattr(message_class, name)
        self._depth = 0
        self._variables = 0

    def function(self, name: str) -> Any:
        """Compile what was added and return the function of that name."""
        where = f"<{name} {self.message.name} v{self.version}>"
        exec(compile("\n".join(self.lines), where, "exec"), self.names)
        return self.names[name]

    def add(self, *lines: str) -> None:
        """Add lines at the present indentation."""
        self.lines += ["    " * self._depth + line for line in lines]

    @contextmanager
    def block(self, line: str) -> Iterator[None]:
        """Add a line that opens a block; what is added in the ``with`` is inside."""
        self.add(line)
        self._depth += 1
        yield
        self._depth -= 1

    def variable(self, prefix: str) -> str:
        """A name that is not in use yet."""
        self._variables += 1
        return f"{prefix}{self._variables}"

    def nullable(self, field: Field) -> bool:
        """Whether the field may be null in this version."""
        return self.version in field.nullable

    def plain_fields(self, struct: Struct) -> list[Field]:
        """The fields that this version has in their place."""
        return [f for f in struct.fields if self.version in f.versions and self.version not in f.tagged]

    def tagged_fields(self, struct: Struct) -> list[Field]:
        """The fields that this version has as tagged fields, by tag."""
        fields = [f for f in struct.fields if self.version in f.versions and self.version in f.tagged]
        return sorted(fields, key=lambda field: field.tag or 0)

    def precompiled(self, formats: str, method: str) -> str:
        """The name of a bound method of one ``struct.Struct``."""
        name = f"{method}_{formats.replace('?', 'o')}"
        self.names.setdefault(name, getattr(struct.Struct(">" + formats), method))
        return name
