"""JSON of a stranger: measured before it is parsed, and parsed so that nothing in it can grow or surprise later."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from autograder.intake.limits import Limits

_STRING = re.compile(rb'"[^"]*"?')
_NOT_A_BRACKET = re.compile(rb"[^\[\]{}]+")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_SURROGATE = re.compile("[\ud800-\udfff]")
_MOST_DIGITS = 18  # fits 64 bits; no field of a notebook needs more
_OTHER_KINDS = {
    b"PK\x03\x04": "is a ZIP archive (or a Word, PowerPoint or Excel file) under a notebook's name",
    b"%PDF": "is a PDF under a notebook's name",
    b"<": "is a web page under a notebook's name",
    b"\x1f\x8b": "is a compressed file under a notebook's name",
    b"version https://git-lfs": "is only Git LFS's pointer to the file, not the file",
}


class NotJsonError(ValueError):
    """It is no JSON, or too much of it; the text is the end of a sentence that begins with the file."""


@dataclass
class Parsed:
    """What the text says.

    Attributes:
        value: objects, lists, texts, numbers that fit 64 bits, booleans, None. NaN, infinity and longer numbers, which
            no field of a notebook needs, are None.
        repairs: what had to be mended, each a sentence.
    """

    value: Any = None
    repairs: list[str] = field(default_factory=list)


def parse(content: bytes, limits: Limits) -> Parsed:
    """Parse the bytes of a file.

    Raises:
        NotJsonError: nothing can be read of it.
    """
    parsed = Parsed()
    encoding, text = _decode(content, parsed)
    _measure(content if encoding.startswith("utf-8") else text.encode("utf-8", "replace"), limits)
    num_twice = 0

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal num_twice
        found = dict(pairs)
        num_twice += len(pairs) - len(found)
        return found

    try:
        parsed.value = json.loads(
            text,
            object_pairs_hook=members,
            parse_constant=lambda _: None,
            parse_float=_finite,
            parse_int=lambda digits: int(digits) if len(digits) <= _MOST_DIGITS else None,
        )
    except json.JSONDecodeError as error:
        raise NotJsonError(_where_it_breaks(text, error)) from None
    except (RecursionError, MemoryError):
        raise NotJsonError("is nested too deep to be a notebook") from None
    if num_twice:
        parsed.repairs.append(
            f"repeats names within one object ({num_twice:,} times); the last one counts, as in JupyterLab."
        )
    if "\\ud" in text or "\\uD" in text:
        parsed.value = without_surrogates(parsed.value)
    return parsed


def without_surrogates(value: Any) -> Any:
    """The same value with halves of characters, which no file can hold, replaced."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [without_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(each) for key, each in value.items()}
    return value


def _decode(content: bytes, parsed: Parsed) -> tuple[str, str]:
    """The encoding, and the text."""
    if not content.strip():
        raise NotJsonError("is empty")
    for start, sentence in _OTHER_KINDS.items():
        if content.startswith(start):
            raise NotJsonError(sentence)
    encoding = json.detect_encoding(content)
    try:
        return encoding, content.decode(encoding)
    except UnicodeDecodeError:
        if not encoding.startswith("utf-8"):
            raise NotJsonError("is not text") from None
    parsed.repairs.append("has bytes that are not UTF-8; each was replaced by \ufffd.")
    return encoding, content.decode(encoding, errors="replace")


def _measure(text: bytes, limits: Limits) -> None:
    """Look at the brackets and commas outside of strings, which tell how much parsing would make."""
    # In this order: a backslash before a quote may itself be escaped. What is not JSON is found out later.
    skeleton = text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text
    too_many = skeleton.count(b'"') > 4 * limits.json_values  # a member has a name and a value
    skeleton = b"" if too_many else _STRING.sub(b"", skeleton)
    if too_many or sum(skeleton.count(each) for each in (b",", b"[", b"{")) > limits.json_values:
        raise NotJsonError(f"has more than {limits.json_values:,} values")
    brackets = _NOT_A_BRACKET.sub(b"", skeleton)
    if max(accumulate(_STEP[each] for each in brackets), default=0) > limits.json_depth:
        raise NotJsonError(f"has more than {limits.json_depth:,} brackets within brackets")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) < float("inf") else None


def _where_it_breaks(text: str, error: json.JSONDecodeError) -> str:
    if _CONFLICT.search(text):
        return "has the marks of a git merge that was not finished"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return "breaks off before its end"
    return f"is no JSON from line {error.lineno:,}, column {error.colno:,} on"
