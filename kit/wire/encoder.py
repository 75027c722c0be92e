"""From a table to an encoder: straight-line Python source for one message in one version (see `source`).

Source: the protocol guide, "Protocol Primitive Types"; KIP-482 for tagged fields and compact lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit.wire import messages
from kit.wire.primitives import LONGEST_STRING_BYTES
from kit.wire.schema import FIXED, Field, Struct
from kit.wire.source import Source

Encoder = Callable[[Any, bytearray, list[Any]], None]


def compile_encoder(message_class: type[messages.Message], version: int) -> Encoder:
    """The function ``encode(message, out, chunks)``: appends to ``out``; see `primitives.put_records` for ``chunks``.

    Besides `EncodeError` it raises whatever packing a wrong value raises; `codec` makes one error of all.
    """
    return _EncoderSource(message_class, version).function("encode")  # type: ignore[no-any-return]


class _EncoderSource(Source):
    def __init__(self, message_class: type[messages.Message], version: int) -> None:
        super().__init__(message_class, version)
        self._pending: list[tuple[str, str]] = []  # (expression, struct format)
        self._out = "out"
        with self.block("def encode(o, out, chunks):"):
            self._struct(self.message, "o", self.message.name)
            self.add("return None")

    def _struct(self, of: Struct, source: str, path: str) -> None:
        for field in of.fields:
            if self.version not in field.versions and not field.ignorable:
                with self.block(f"if {self._differs(field, f'{source}.{field.name}')}:"):
                    text = f"{path}.{field.name} is set, but version {self.version} has no such field"
                    self.add(f"raise EncodeError({text!r})")
        for field in self.plain_fields(of):
            self._field(field, f"{source}.{field.name}", self.nullable(field))
        self._flush()
        if self.flexible:
            self._tags(self.tagged_fields(of), source)

    def _tags(self, tagged: list[Field], source: str) -> None:
        if not tagged:
            self.add(f"{self._out}.append(0)")
            return
        count, tags = self.variable("count"), self.variable("tags")
        self.add(f"{count} = 0", f"{tags} = bytearray()")
        outer = self._out
        for field in tagged:
            with self.block(f"if {self._differs(field, f'{source}.{field.name}')}:"):
                data = self._out = self.variable("data")
                self.add(f"{data} = bytearray()")
                self._field(field, f"{source}.{field.name}", self.nullable(field))
                self._flush()
                self.add(f"{count} += 1", f"{tags} += uvarint({field.tag}) + uvarint(len({data})) + {data}")
        self._out = outer
        self.add(f"{outer}.append({count})", f"{outer} += {tags}")

    def _differs(self, field: Field, source: str) -> str:
        """An expression: does the field's value differ from its default?"""
        if field.default is None:
            return f"{source} is not None"
        if field.array or field.type in {"bytes", "records"}:
            return f"({source} is None or len({source}))"
        if field.struct is None:
            return f"{source} != {messages.default_source(field)}"
        inner = " or ".join(self._differs(each, f"{source}.{each.name}") for each in field.struct.fields)
        return f"({source} is None or {inner})" if field.nullable else f"({inner or 'False'})"

    def _field(self, field: Field, source: str, nullable: bool) -> None:
        if field.array:
            self._array(field, source, nullable)
        elif field.struct is not None:
            self._nested(field.struct, source, nullable)
        elif field.type in FIXED:
            self._fixed(f"{source}.bytes" if field.type == "uuid" else source, FIXED[field.type])
        elif field.type == "records":
            self._records(source, nullable)
        else:
            self._sized(field.type, source, nullable)

    def _fixed(self, source: str, code: str) -> None:
        self._pending.append((source, code))

    def _flush(self) -> None:
        if self._pending:
            codes = "".join(code for _, code in self._pending)
            sources = ", ".join(source for source, _ in self._pending)
            self.add(f"{self._out} += {self.precompiled(codes, 'pack')}({sources})")
            self._pending.clear()

    def _length(self, length: str, code: str) -> None:
        if not self.flexible:
            self._fixed(length, code)
            self._flush()
            return
        self._flush()
        with self.block(f"if {length} < 127:"):
            self.add(f"{self._out}.append({length} + 1)")
        with self.block("else:"):
            self.add(f"{self._out} += uvarint({length} + 1)")

    def _sized(self, kind: str, source: str, nullable: bool) -> None:
        value, length = self.variable("v"), self.variable("n")
        self.add(f"{value} = {source}")
        if nullable:
            with self.block(f"if {value} is None:"):
                self.add(f"{length} = -1", f"{value} = b''")
            with self.block("else:"):
                self._to_bytes(kind, value, length)
        else:
            self._to_bytes(kind, value, length)
        self._length(length, "h" if kind == "string" else "i")
        self.add(f"{self._out} += {value}")

    def _to_bytes(self, kind: str, value: str, length: str) -> None:
        if kind == "string":
            self.add(f"{value} = {value}.encode()")
        self.add(f"{length} = len({value})")
        if kind == "string" and self.flexible:
            with self.block(f"if {length} > {LONGEST_STRING_BYTES}:"):
                self.add(f"raise EncodeError(f'a string of {{{length}}} bytes is too long')")

    def _records(self, source: str, nullable: bool) -> None:
        self._flush()
        if not nullable:
            self.add(f"put_records({source}, {self._out}, chunks, {self.flexible})")
            return
        with self.block(f"if {source} is None:"):
            self._length("-1", "i")
        with self.block("else:"):
            self.add(f"put_records({source}, {self._out}, chunks, {self.flexible})")

    def _array(self, field: Field, source: str, nullable: bool) -> None:
        items, length, item = self.variable("items"), self.variable("n"), self.variable("item")
        self.add(f"{items} = {source}")
        if nullable:
            self.add(f"{length} = -1 if {items} is None else len({items})")
        else:
            self.add(f"{length} = len({items})")
        self._length(length, "i")
        with self.block(f"if {length} > 0:"):
            if field.type in FIXED and field.type != "uuid":
                self.add(f"{self._out} += pack(f'>{{{length}}}{FIXED[field.type]}', *{items})")
                return
            with self.block(f"for {item} in {items}:"):
                if field.struct is not None:
                    self._struct(field.struct, item, f"{self.message.name}.{field.name}")
                elif field.type == "uuid":
                    self.add(f"{self._out} += {item}.bytes")
                else:
                    self._sized(field.type, item, nullable=False)

    def _nested(self, of: Struct, source: str, nullable: bool) -> None:
        self._flush()
        inner = self.variable("inner")
        self.add(f"{inner} = {source}")
        if not nullable:
            self._struct(of, inner, f"{self.message.name}.{of.name}")
            return
        with self.block(f"if {inner} is None:"):
            self.add(f"{self._out}.append(255)")
        with self.block("else:"):
            self.add(f"{self._out}.append(1)")
            self._struct(of, inner, f"{self.message.name}.{of.name}")
