"""From a table to a decoder: straight-line Python source for one message in one version (see `source`).

Source: the protocol guide, "Protocol Primitive Types"; KIP-482 for tagged fields and compact lengths.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from kit.wire import messages
from kit.wire.primitives import LONGEST_STRING_BYTES
from kit.wire.schema import FIXED, FIXED_BYTES, Field, Struct
from kit.wire.source import Source

Decoder = Callable[[memoryview, int], tuple[Any, int]]


def compile_decoder(message_class: type[messages.Message], version: int) -> Decoder:
    """The function ``decode(buffer, position) -> (message, position after it)``.

    Besides `DecodeError` it raises whatever reading beyond the buffer raises; `codec` makes one error of all.
    """
    return _DecoderSource(message_class, version).function("decode")  # type: ignore[no-any-return]


class _DecoderSource(Source):
    def __init__(self, message_class: type[messages.Message], version: int) -> None:
        super().__init__(message_class, version)
        self._pending: list[tuple[str, str]] = []  # (assignment target, struct format)
        with self.block("def decode(buf, pos):"):
            self.add("size = len(buf)")
            self._struct(self.message, "o", "Message", self.message.name)
            self.add("return o, pos")

    def _struct(self, of: Struct, target: str, class_name: str, path: str) -> None:
        self.add(f"{target} = new({class_name})")
        plain, tagged = self.plain_fields(of), self.tagged_fields(of)
        for field in of.fields:
            if field not in plain:
                default = messages.fresh_default(field) or messages.default_source(field)
                self.add(f"{target}.{field.name} = {default}")
        for field in plain:
            self._field(field, f"{target}.{field.name}", self.nullable(field), f"{path}.{field.name}")
        self._flush()
        if self.flexible:
            self._tags(tagged, target, path)

    def _tags(self, tagged: list[Field], target: str, path: str) -> None:
        self.add("n = buf[pos]")
        if not tagged:
            self.add("pos = skip_tags(buf, pos, n, size) if n else pos + 1")
            return
        count, tag, end = self.variable("count"), self.variable("tag"), self.variable("end")
        self.add(f"{count}, pos = read_uvarint(buf, pos)")
        with self.block(f"for _ in range({count}):"):
            self.add(f"{tag}, pos = read_uvarint(buf, pos)", f"{end}, pos = read_uvarint(buf, pos)", f"{end} += pos")
            with self.block(f"if {end} > size:"):
                self._fail(f"{path}: a tagged field is longer than what is left")
            for word, field in zip(["if"] + ["elif"] * len(tagged), tagged, strict=False):
                with self.block(f"{word} {tag} == {field.tag}:"):
                    self._field(field, f"{target}.{field.name}", self.nullable(field), f"{path}.{field.name}")
                    self._flush()
                    with self.block(f"if pos != {end}:"):
                        self._fail(f"{path}.{field.name}: the tagged field's size is wrong")
            with self.block("else:"):
                self.add(f"pos = {end}")

    def _field(self, field: Field, target: str, nullable: bool, path: str) -> None:
        if field.array:
            self._array(field, target, nullable, path)
        elif field.struct is not None:
            self._nested(field, target, nullable, path)
        elif field.type == "uuid":
            raw = self.variable("raw")
            self._fixed(raw, "16s")
            self._flush()
            self.add(f"{target} = read_uuid({raw})")
        elif field.type in FIXED:
            self._fixed(target, FIXED[field.type])
        else:
            self._sized(field.type, target, nullable, path)

    def _fixed(self, target: str, code: str) -> None:
        self._pending.append((target, code))

    def _flush(self) -> None:
        if self._pending:
            codes = "".join(code for _, code in self._pending)
            size = struct.calcsize(">" + codes)
            targets = ", ".join(target for target, _ in self._pending)
            self.add(f"{targets}, = {self.precompiled(codes, 'unpack_from')}(buf, pos)", f"pos += {size}")
            self._pending.clear()

    def _fail(self, text: str) -> None:
        self.add(f"raise DecodeError({text!r} + f' at byte {{pos}}')")

    def _length(self, code: str) -> str:
        """A length, -1 for null, in a new variable."""
        length = self.variable("n")
        if self.flexible:
            self._flush()
            self.add(f"{length} = buf[pos]", "pos += 1")
            with self.block(f"if {length} > 127:"):
                self.add(f"{length}, pos = read_uvarint(buf, pos - 1)")
            self.add(f"{length} -= 1")
        else:
            self._fixed(length, code)  # often one struct call together with the fields before it
            self._flush()
        return length

    def _null(self, length: str, target: str, nullable: bool, path: str) -> None:
        with self.block(f"if {length} < 0:"):
            if nullable:
                self.add(f"{target} = None")
            else:
                self._fail(f"{path}: null or a negative length, which this field cannot have,")

    def _sized(self, kind: str, target: str, nullable: bool, path: str) -> None:
        length = self._length("h" if kind == "string" else "i")
        self.add(f"end = pos + {length}")
        self._null(length, target, nullable, path)
        with self.block("elif end > size:"):
            self._fail(f"{path}: cut off")
        if kind == "string" and self.flexible:
            with self.block(f"elif {length} > {LONGEST_STRING_BYTES}:"):
                self._fail(f"{path}: a string of more than {LONGEST_STRING_BYTES} bytes")
        read = {
            "string": "to_string(buf[pos:end], 'utf-8')",
            "bytes": "bytes(buf[pos:end])",
            "records": "buf[pos:end]",
        }
        with self.block("else:"):
            self.add(f"{target} = {read[kind]}", "pos = end")

    def _array(self, field: Field, target: str, nullable: bool, path: str) -> None:
        length = self._length("i")
        self._null(length, target, nullable, path)
        smallest = self._smallest_element_bytes(field)
        with self.block(f"elif {length} * {smallest} > size - pos:"):
            self._fail(f"{path}: more elements than there are bytes left")
        with self.block("else:"):
            if field.type in FIXED and field.type != "uuid":
                code = FIXED[field.type]
                self.add(f"{target} = list(unpack_from(f'>{{{length}}}{code}', buf, pos))")
                self.add(f"pos += {length} * {FIXED_BYTES[field.type]}")
                return
            items, item = self.variable("items"), self.variable("item")
            self.add(f"{items} = {target} = []")
            with self.block(f"for _ in range({length}):"):
                if field.struct is not None:
                    self._struct(field.struct, item, f"Struct_{field.type}", path)
                elif field.type == "uuid":
                    self.add(f"{item} = read_uuid(bytes(buf[pos:pos + 16]))", "pos += 16")
                else:
                    self._sized(field.type, item, nullable=False, path=path)
                self.add(f"{items}.append({item})")

    def _nested(self, field: Field, target: str, nullable: bool, path: str) -> None:
        assert field.struct is not None
        self._flush()
        inner = self.variable("inner")
        if not nullable:
            self._struct(field.struct, inner, f"Struct_{field.type}", path)
            self.add(f"{target} = {inner}")
            return
        self._fixed("n", "b")  # a nullable struct starts with -1 or 1
        self._flush()
        with self.block("if n < 0:"):
            self.add(f"{target} = None")
        with self.block("else:"):
            self._struct(field.struct, inner, f"Struct_{field.type}", path)
            self.add(f"{target} = {inner}")

    def _smallest_element_bytes(self, field: Field) -> int:
        if field.struct is None:
            return FIXED_BYTES.get(field.type) or self._smallest_length(field.type)
        return self._smallest_struct_bytes(field.struct)

    def _smallest_struct_bytes(self, of: Struct) -> int:
        total = 1 if self.flexible else 0
        for field in self.plain_fields(of):
            if field.array:
                total += self._smallest_length("array")
            elif field.struct is not None:
                total += 1 if self.nullable(field) else self._smallest_struct_bytes(field.struct)
            else:
                total += FIXED_BYTES.get(field.type) or self._smallest_length(field.type)
        return max(total, 1)

    def _smallest_length(self, kind: str) -> int:
        return 1 if self.flexible else 2 if kind == "string" else 4
