"""Words that the checks of several labs use in their results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kit.checks.evidence import SeenRecord


def clipped(text: str, most: int) -> str:
    """At most so many characters of a text, an ellipsis at the end of what was cut off."""
    return text if len(text) <= most else text[: most - 1] + "…"


def short(answer: Any, most: int = 60) -> str:
    """What was handed in, as Python writes it, in one line."""
    try:
        text = repr(answer).replace("\n", " ")
    except Exception:  # noqa: BLE001  (a student's object, or an int of more than 4,300 digits)
        return f"something of type {type(answer).__name__} that Python cannot show"
    return clipped(text, most)


def text_of(data: bytes, most: int) -> str:
    """Bytes as a quoted text; what is no UTF-8 as escapes."""
    return repr(clipped(data.decode("utf-8", errors="backslashreplace"), most))


def guessed(answer: Any) -> Any:
    """What was guessed, without what nobody means: spaces around a text, and capital letters in it."""
    return answer.strip().lower() if isinstance(answer, str) else answer


def place(topic: str, partition: int, offset: int) -> str:
    """Where a record lies."""
    return f"topic {topic}, partition {partition}, offset {offset}"


def place_of(record: SeenRecord) -> str:
    """Where this record lies."""
    return place(record.topic, record.partition, record.offset)


def listed(words: Iterable[object]) -> str:
    """Words in a row, "and" before the last one; nothing for no words."""
    *first, last = [str(word) for word in words] or [""]
    return f"{', '.join(first)} and {last}" if first else last
