"""Pictures out of a deck: which of them may be shown to an instructor."""

from __future__ import annotations

import struct

from autograder.deck.limits import DeckLimits

_PNG = b"\x89PNG\r\n\x1a\n"
# JPEG's markers that begin a frame and so have the size; C4, C8 and CC are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def media_type(content: bytes, limits: DeckLimits) -> str:
    """Return "image/png", "image/jpeg" or "image/gif"; empty for everything else, and for what unfolds too far.

    SVG is none of them: it can have scripts in it.
    """
    kind, width, height = _measured(content)
    return kind if 0 < width * height <= limits.picture_pixels and len(content) <= limits.picture_bytes else ""


def _measured(content: bytes) -> tuple[str, int, int]:
    if content.startswith(_PNG) and content[12:16] == b"IHDR" and len(content) >= 24:
        return ("image/png", *struct.unpack(">II", content[16:24]))
    if content[:6] in {b"GIF87a", b"GIF89a"} and len(content) >= 10:
        return ("image/gif", *struct.unpack("<HH", content[6:10]))
    if content.startswith(b"\xff\xd8\xff"):
        return ("image/jpeg", *_jpeg_size(content))
    return "", 0, 0


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        if marker == 0xFF:  # fill bytes may stand before a marker
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + int(struct.unpack(">H", content[at + 2 : at + 4])[0])
    return 0, 0
