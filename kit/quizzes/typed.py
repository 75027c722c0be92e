"""What a learner types, brought into one form before it is compared."""

from __future__ import annotations

import math
import re
import unicodedata

MAX_CHARS = 500
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_ONE_COMMA = re.compile(r"[+-]?\d*,\d+")
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def normalised(text: str) -> str:
    """Text as it is compared: without case, quotes, hyphens, underscores, double spaces and a full stop at the end.

    So "In-Sync  Replicas." is "in sync replicas", and ``NOT_ENOUGH_REPLICAS`` is "not enough replicas".
    """
    text = unicodedata.normalize("NFKC", text).casefold().strip()
    text = re.sub(r"[-_\u2010-\u2014\s]+", " ", text.strip("\"'`“”‘’").rstrip("."))
    return text.strip()


def number(text: str) -> float:
    """A number as people type it: ``14``, ``0.5``, ``13,3``, ``1,000,000``, ``1 000``.

    Raises:
        ValueError: it is none; the text says what to type.
    """
    found = text.strip().replace("\u00a0", " ").replace("_", "")
    found = re.sub(r"(?<=\d) (?=\d{3}\b)", "", found)
    if _THOUSANDS.fullmatch(found):
        found = found.replace(",", "")
    elif _ONE_COMMA.fullmatch(found):
        found = found.replace(",", ".")
    if not _PLAIN.fullmatch(found) or not math.isfinite(float(found)):
        raise ValueError("Type a number alone, such as 14 or 0.5.")
    return float(found)


def shown(value: float) -> str:
    """A number without needless digits: ``2``, ``0.5``."""
    return f"{value:g}" if abs(value) < 1e6 else f"{value:,.0f}"
