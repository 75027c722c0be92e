"""From a table to a decoder and an encoder: straight-line Python source for one message in one version.

Neighbouring fields of fixed size become one ``struct`` call; a struct inside a message is read and written in line, so
that a request costs few Python calls whatever its depth. `codec` keeps what is compiled here and turns every low-level
error into its own.

Source: the protocol guide, "Protocol Primitive Types"; KIP-482 for tagged fields and compact lengths.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from kit.wire import messages
from kit.wire.primitives import (
    LONGEST_STRING_BYTES,
    DecodeError,
    EncodeError,
    put_records,
    read_uuid,
    read_uvarint,
    skip_tags,
    uvarint,
)
from kit.wire.schema import FIXED, FIXED_BYTES, Field, Message, Struct

Decoder = Callable[[memoryview, int], tuple[Any, int]]
Encoder = Callable[[Any, bytearray, list[Any]], None]


def compile_decoder(message_class: type[messages.Message], version: int) -> Decoder:
    """The function ``decode(buffer, position) -> (message, position after it)``."""
    return _build(_DecoderSource(message_class, version), "decode")  # type: ignore[no-any-return]


def compile_encoder(message_class: type[messages.Message], version: int) -> Encoder:
    """The function ``encode(message, out, chunks)``: appends to ``out``; see `put_records` for ``chunks``."""
    return _build(_EncoderSource(message_class, version), "encode")  # type: ignore[no-any-return]


def _build(source: _Source, name: str) -> Any:
    exec(compile("\n".join(source.lines), f"<{name} {source.message.name} v{source.version}>", "exec"), source.names)
    return source.names[name]


class _Source:
    """Lines of source with their indentation, and the names that they use."""

    def __init__(self, message_class: type[messages.Message], version: int) -> None:
        self.message: Message = message_class.SCHEMA
        self.version = version
        self.flexible = version in self.message.flexible
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "DecodeError": DecodeError, "EncodeError": EncodeError, "read_uvarint": read_uvarint, "uvarint": uvarint,
            "skip_tags": skip_tags, "put_records": put_records, "read_uuid": read_uuid, "pack": struct.pack,
            "unpack_from": struct.unpack_from, "new": object.__new__, "NULL_UUID": messages.NULL_UUID,
            "structs": {name: getattr(message_class, name) for name in self.message.structs},
            "new_string": str, "Message": message_class,
        }  # fmt: skip
        for name in self.message.structs:
            self.names[f"Struct_{name}"] = getattr(message_class, name)
        self._indent = 0
        self._variables = 0

    def add(self, *lines: str) -> None:
        self.lines += ["    " * self._indent + line for line in lines]

    def block(self, line: str) -> _Indented:
        self.add(line)
        return _Indented(self)

    def variable(self, prefix: str) -> str:
        self._variables += 1
        return f"{prefix}{self._variables}"

    def nullable(self, field: Field) -> bool:
        return self.version in field.nullable

    def plain_fields(self, struct: Struct) -> list[Field]:
        return [f for f in struct.fields if self.version in f.versions and self.version not in f.tagged]

    def tagged_fields(self, struct: Struct) -> list[Field]:
        fields = [f for f in struct.fields if self.version in f.versions and self.version in f.tagged]
        return sorted(fields, key=lambda field: field.tag or 0)

    def precompiled(self, formats: str, method: str) -> str:
        """The name of a bound method of one ``struct.Struct``."""
        name = f"{method}_{formats.replace('?', 'o')}"
        self.names.setdefault(name, getattr(struct.Struct(">" + formats), method))
        return name


class _Indented:
    """``with source.block("if x:"):`` indents what is added inside."""

    def __init__(self, source: _Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        self._source._indent += 1  # noqa: SLF001  # two halves of one thing

    def __exit__(self, *_: object) -> None:
        self._source._indent -= 1  # noqa: SLF001


class _DecoderSource(_Source):
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
            "string": "new_string(buf[pos:end], 'utf-8')",
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


class _EncoderSource(_Source):
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
