"""The outputs of a notebook's cells, made from what a kernel says, of which nothing is believed and not all is kept."""

from __future__ import annotations

import json
import math
from typing import Any

Json = dict[str, Any]

_MOST_OUTPUTS = 1_000  # of one cell
_SMALL_BYTES = 4_096  # results and errors of this size are kept even when the budget is spent: marks may rest on them
_MOST_DEPTH = 40
_MOST_COUNT = 1_000_000_000
_MOST_DIGITS = 300  # of a whole number: any sum or quotient of a few of them is still a number for a float
_TOO_LARGE = 10**_MOST_DIGITS
_CUT = "[autograder: the rest of the output was left out]\n"


class TooLargeError(ValueError):
    """A number that nobody's work needs, and that stops who calculates with it or shows it."""

    def __init__(self) -> None:
        super().__init__(f"a number has more than {_MOST_DIGITS} digits, or no end")


class Outputs:
    """The outputs of one notebook.

    Args:
        most_bytes: of all of them, as JSON.
    """

    def __init__(self, most_bytes: int) -> None:
        self._left_bytes = most_bytes
        self._cell: Json = {}
        self._outputs: list[Json] = []
        self._displays: dict[str, list[Json]] = {}
        self._clear_next = False
        self._saved_small = 0
        self.was_cut = False

    def begin(self, cell: Json) -> None:
        """What comes now belongs to this cell."""
        self._cell = cell
        self._outputs = cell["outputs"] = []
        self._clear_next = False
        self._saved_small = 0
        self.was_cut = False

    def take(self, message: Json) -> None:
        """Add what a kernel's message says to the cell; a message of no known shape adds nothing."""
        kind, content = message.get("type"), message.get("content")
        if not isinstance(kind, str) or not isinstance(content, dict):
            return
        if kind == "execute_reply":
            self._count(content)
        elif kind == "cut":
            self._cut()
        elif kind == "clear_output":
            self._clear_next = content.get("wait") is True
            if not self._clear_next:
                self._outputs.clear()
        elif kind == "update_display_data":
            self._update(content)
        elif kind in _MAKERS:
            self._count(content)
            self._add(kind, content)

    def _count(self, content: Json) -> None:
        count = content.get("execution_count")
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MOST_COUNT:
            self._cell["execution_count"] = count

    def _add(self, kind: str, content: Json) -> None:
        try:
            made = _MAKERS[kind](content)
        except (TypeError, ValueError, KeyError):
            return
        size = len(json.dumps(made))
        if not self._has_room(kind, size):
            self._cut()
            return
        self._left_bytes -= size
        if self._clear_next:
            self._outputs.clear()
            self._clear_next = False
        self._append(made)
        shown = content.get("transient")
        if isinstance(shown, dict) and isinstance(shown.get("display_id"), str):
            self._displays.setdefault(shown["display_id"], []).append(made)

    def _append(self, made: Json) -> None:
        last = self._outputs[-1] if self._outputs else {}
        if made["output_type"] == last.get("output_type") == "stream" and last["name"] == made["name"]:
            last["text"] += made["text"]
        else:
            self._outputs.append(made)

    def _has_room(self, kind: str, size: int) -> bool:
        if not self.was_cut and size <= self._left_bytes and len(self._outputs) < _MOST_OUTPUTS:
            return True
        if kind in {"error", "execute_result"} and size <= _SMALL_BYTES and self._saved_small < 2:
            self._saved_small += 1
            return True
        return False

    def _cut(self) -> None:
        if not self.was_cut:
            self.was_cut = True
            self._append({"output_type": "stream", "name": "stdout", "text": _CUT})

    def _update(self, content: Json) -> None:
        shown = content.get("transient")
        name = shown.get("display_id") if isinstance(shown, dict) else None
        if not isinstance(name, str) or name not in self._displays:
            return
        try:
            made = _display(content)
        except (TypeError, ValueError, KeyError):
            return
        self._left_bytes -= len(json.dumps(made))
        if self._left_bytes < 0:
            self._cut()
            return
        for each in self._displays[name]:
            each["data"], each["metadata"] = made["data"], made["metadata"]


def _stream(content: Json) -> Json:
    if content["name"] not in {"stdout", "stderr"}:
        raise ValueError("no such stream")
    return {"output_type": "stream", "name": content["name"], "text": text_of(content["text"])}


def _display(content: Json) -> Json:
    return {"output_type": "display_data", **_bundle(content)}


def _result(content: Json) -> Json:
    count = content.get("execution_count")
    known = isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MOST_COUNT
    return {"output_type": "execute_result", "execution_count": count if known else None, **_bundle(content)}


def _error(content: Json) -> Json:
    traceback = content["traceback"]
    if not isinstance(traceback, list):
        raise TypeError("a traceback is a list of lines")
    lines = [text_of(line) for line in traceback]
    if sum(map(len, lines)) > _SMALL_BYTES // 2:
        lines = _shortened(lines)
    name, value = text_of(content["ename"])[:200], text_of(content["evalue"])[:1000]
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": lines}


def _shortened(lines: list[str]) -> list[str]:
    """The first and the last of a long traceback: a few thousand characters."""
    joined = "\n".join(lines)
    return joined.split("\n") if len(joined) <= 8000 else [joined[:2000], "...", joined[-6000:]]


def _bundle(content: Json) -> Json:
    data: Json = {}
    for kind, value in dict(content["data"]).items():
        if kind.endswith("json"):
            data[text_of(kind)] = cleaned(value)
        elif isinstance(value, list):
            data[text_of(kind)] = "".join(map(text_of, value))
        else:
            data[text_of(kind)] = text_of(value)
    metadata = content.get("metadata")
    return {"data": data, "metadata": cleaned(metadata) if isinstance(metadata, dict) else {}}


_MAKERS = {"stream": _stream, "display_data": _display, "execute_result": _result, "error": _error}


def text_of(value: object) -> str:
    """Text that every file can hold: without halves of characters.

    Raises:
        TypeError: it is no text.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected text, not {type(value).__name__}")
    return value.encode("utf-8", "replace").decode()


def cleaned(value: Any, depth: int = 0) -> Any:
    """JSON that every file can hold, not too deep, without numbers that are too large (1e999 is one, too).

    Raises:
        TooLargeError: a number is.
        ValueError: it is deeper than anything honest.
    """
    if depth > _MOST_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, list):
        return [cleaned(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {text_of(key): cleaned(each, depth + 1) for key, each in value.items()}
    if (isinstance(value, int) and abs(value) >= _TOO_LARGE) or (isinstance(value, float) and not math.isfinite(value)):
        raise TooLargeError
    return value
