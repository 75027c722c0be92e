"""One record's key or value in full, as text, as JSON and as bytes: bounded, and never read as anything but data."""

from __future__ import annotations

import json
from typing import TypedDict

MAX_TEXT_BYTES = 65_536
MAX_HEX_BYTES = 4_096
_BYTES_PER_LINE = 16
# Characters that would hide, or turn around, what stands beside them.
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_KEPT_CONTROLS = {0x09, 0x0A}
_VISIBLE = {
    **{code: chr(0x2400 + code) for code in range(0x20) if code not in _KEPT_CONTROLS},
    0x7F: "\u2421",
    **{code: f"\\u{code:04x}" for code in sorted(_BIDI)},
}


class Views(TypedDict):
    """The same bytes three times; ``json`` is None where they are none, ``notes`` says what was left out, and why."""

    size_bytes: int
    text: str
    json: str | None
    hex: str
    notes: dict[str, str]


def views(data: bytes | None) -> Views | None:
    """Bytes as a person can look at them; None stays None."""
    if data is None:
        return None
    text, text_note = as_text(data)
    pretty, json_note = as_json(data)
    cut = "" if len(data) <= MAX_HEX_BYTES else f"The first {MAX_HEX_BYTES:,} of {len(data):,} bytes."
    return {
        "size_bytes": len(data),
        "text": text,
        "json": pretty,
        "hex": as_hex(data),
        "notes": {"text": text_note, "json": json_note, "hex": cut},
    }


def as_text(data: bytes) -> tuple[str, str]:
    """Bytes as UTF-8 with what cannot be seen made visible, and a note on what is special about them."""
    head = data[:MAX_TEXT_BYTES]
    notes = [f"The first {len(head):,} of {len(data):,} bytes."] if len(head) < len(data) else []
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) < len(data) and error.reason == "unexpected end of data":  # the cut went through a character
            text = head[: error.start].decode("utf-8")
        else:
            text = head.decode("utf-8", errors="backslashreplace")
            notes.append(
                f"This is not UTF-8: byte {error.start:,} is {head[error.start]:#04x}. Such bytes show as \\x..."
            )
    return text.translate(_VISIBLE), " ".join(notes)


def as_json(data: bytes) -> tuple[str | None, str]:
    """Bytes as indented JSON, or None and why not."""
    if len(data) > MAX_TEXT_BYTES:
        return None, f"JSON of more than {MAX_TEXT_BYTES:,} bytes is not laid out here."
    try:
        found = json.loads(data.decode("utf-8"), parse_constant=_refuse)
        pretty = json.dumps(found, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        return None, f"This is not JSON: {str(error).splitlines()[0]}."
    if len(pretty) > 4 * MAX_TEXT_BYTES:
        return None, "Laid out, this JSON would be too large to show."
    return pretty.translate(_VISIBLE), ""


def as_hex(data: bytes) -> str:
    """The first `MAX_HEX_BYTES` as lines: where, sixteen bytes, and the characters among them."""
    lines = []
    for at in range(0, min(len(data), MAX_HEX_BYTES), _BYTES_PER_LINE):
        chunk = data[at : at + _BYTES_PER_LINE]
        characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in chunk)
        lines.append(f"{at:06x}  {chunk.hex(' '):<{3 * _BYTES_PER_LINE - 1}}  {characters}")
    return "\n".join(lines)


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is a word of Python and JavaScript, not of JSON")
