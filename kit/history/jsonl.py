"""A history as JSON lines: one head line, then a line for each operation as it began.

A field that is None or empty is left out. ``ended`` is the operation's place among those that ended. Bytes are written
as ``{"base64": "..."}``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from kit.history.operation import FACTS, HistoryError, Operation

HEAD = {"format": "kafka-kit history", "version": 1}
_FIELDS = ("topic", "partition", "offset", "key", "value", "error", "start_ms", "end_ms")


def encode_value(value: Any) -> Any:
    """A key or value as JSON; ``HistoryError`` for what is neither text, number, bytes, truth value nor None."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise HistoryError(f"a value of type {type(value).__name__} cannot be written as JSON; record its bytes or text")


def _decode_value(value: Any) -> Any:
    if isinstance(value, dict):
        if list(value) != ["base64"] or not isinstance(value["base64"], str):
            raise ValueError(f"{value!r} is no value")
        return base64.b64decode(value["base64"], validate=True)
    if isinstance(value, list):
        raise ValueError(f"{value!r} is no value")
    return value


def as_json(operation: Operation, ended: int | None = None) -> dict[str, Any]:
    """One operation as what becomes its line."""
    line: dict[str, Any] = {"action": operation.action, "process": operation.process}
    for name in _FIELDS:
        content = getattr(operation, name)
        if content is not None:
            line[name] = encode_value(content)
    if operation.records:
        line["records"] = [
            record if isinstance(record, str) else [encode_value(part) for part in record]
            for record in operation.records
        ]
    if ended is not None:
        line["outcome"] = operation.outcome
        line["ended"] = ended
    return line


def save(path: str | Path, operations: Iterable[Operation], completions: Iterable[Operation]) -> None:
    """Write the file anew."""
    ended = {id(operation): place for place, operation in enumerate(completions)}
    with Path(path).open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(HEAD) + "\n")
        in_order = sorted(operations, key=lambda operation: operation.index)
        file.writelines(json.dumps(as_json(each, ended.get(id(each)))) + "\n" for each in in_order)


def load(path: str | Path) -> tuple[list[Operation], list[Operation]]:
    """The operations as they began, and as they ended."""
    operations: list[Operation] = []
    completions: list[Operation] = []
    by_end: dict[int, Operation] = {}
    number = 0
    with Path(path).open("rb") as file:
        for number, text in enumerate(file, 1):
            try:
                line = json.loads(text)
                if number == 1:
                    if line != HEAD:
                        raise ValueError(f"a history begins with {json.dumps(HEAD)}")
                    continue
                operations.append(_operation(line, len(operations), completions, by_end))
            except (ValueError, RecursionError) as error:
                raise HistoryError(f"{path}, line {number}: {_reason(text, error)}") from None
    if number == 0:
        raise HistoryError(f"{path} is empty; a history begins with {json.dumps(HEAD)}")
    completions.extend(by_end[place] for place in sorted(by_end))
    return operations, completions


def _reason(text: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "brackets are nested too deep"
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return f"not JSON ({error})" + ("" if text.endswith(b"\n") else "; the file breaks off here")
    return str(error)


def _operation(line: Any, index: int, completions: list[Operation], by_end: dict[int, Operation]) -> Operation:
    if not isinstance(line, dict):
        raise ValueError("an operation is an object in braces")
    left = dict(line)
    action = left.pop("action", None)
    if not isinstance(action, str) or action not in _PARTS:
        raise ValueError(f"action {action!r} is none of {', '.join(_PARTS)}")
    process = left.pop("process", None)
    if not (isinstance(process, str) or _is_count(process)):
        raise ValueError(f"process {process!r} is neither a name nor a number")
    operation = Operation(completions, index, process, action)
    for name, decode in _DECODERS.items():
        if name in left:
            setattr(operation, name, decode(name, left.pop(name)))
    operation.records = _records(action, left.pop("records", []))
    outcome, ended = left.pop("outcome", "pending"), left.pop("ended", None)
    if outcome not in ("pending", "ok", "fail", "unknown") or (outcome == "pending") != (ended is None):
        raise ValueError(f"outcome {outcome!r} with ended {ended!r} is no end of an operation")
    if left:
        raise ValueError(f"unknown field {min(left)!r}")
    operation.outcome = outcome
    if ended is not None:
        if not _is_count(ended) or ended in by_end:
            raise ValueError(f"ended {ended!r}: each operation has an own number, 0 or more")
        by_end[ended] = operation
    _check_place(operation)
    return operation


def _check_place(operation: Operation) -> None:
    """What the judges rely on, because `History` would not have recorded it otherwise."""
    is_send = operation.action in {"send", "send_batch"}
    if operation.topic is None and (is_send or operation.action in {"seek", "final_log"}):
        raise ValueError(f"a {operation.action} needs a topic")
    needs_partition = operation.action in {"seek", "final_log"} or (is_send and operation.outcome == "ok")
    if operation.partition is None and needs_partition:
        raise ValueError(f"this {operation.action} needs a partition")
    if operation.action in FACTS and operation.outcome != "ok":
        raise ValueError(f"a {operation.action} is a fact; its outcome is ok")
    if operation.action == "final_log":
        lowest = operation.offset or 0
        for offset, _value in operation.records:
            if offset < lowest:
                raise ValueError(f"offset {offset} where at least {lowest} must be")
            lowest = offset + 1


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _count(name: str, value: Any) -> int:
    if not _is_count(value):
        raise ValueError(f"{name} {value!r} is no number, 0 or more")
    number: int = value
    return number


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} {value!r} is no text")
    return value


def _time(name: str, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} {value!r} is no time")
    return value


def _any(_name: str, value: Any) -> Any:
    return _decode_value(value)


def _optional_count(name: str, value: Any) -> int | None:
    return None if value is None else _count(name, value)


_DECODERS: dict[str, Callable[[str, Any], Any]] = {
    "topic": _text,
    "partition": _count,
    "offset": _count,
    "key": _any,
    "value": _any,
    "error": _text,
    "start_ms": _time,
    "end_ms": _time,
}
# action -> the parts of one of its records
_PARTS: dict[str, tuple[Callable[[str, Any], Any], ...]] = {
    "send": (),
    "subscribe": (_text,),
    "seek": (),
    "poll": (_text, _count, _count, _any, _any),
    "send_batch": (_any, _any),
    "assign": (_text, _count, _optional_count),
    "commit": (_text, _count, _count),
    "final_log": (_count, _any),
}


def _records(action: str, content: Any) -> tuple[Any, ...]:
    if not isinstance(content, list):
        raise ValueError("records is no list")
    if action == "subscribe":
        return tuple(_text("topic", topic) for topic in content)
    parts = _PARTS[action]
    records = []
    for record in content:
        if not parts or not isinstance(record, list) or len(record) != len(parts):
            raise ValueError(f"{record!r} is no record of a {action}")
        records.append(tuple(decode("records", part) for decode, part in zip(parts, record, strict=True)))
    return tuple(records)
