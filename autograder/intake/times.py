"""When something was handed in, as people and programs write it into ``timestamp.txt``."""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

TIMESTAMP = "timestamp.txt"
"""nbgrader's file with the time of a submission, in its folder."""

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?"
    r"(?: ?(?:(?P<utc>Z|UTC|GMT)|(?P<offset>[+-]\d\d:?\d\d)|(?P<zone>[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){1,2})"
    r"|(?P<letters>[A-Z]{3,4})))?",
    re.ASCII,
)
_MOST_BYTES = 200
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # before a text of Notepad's
# Whose letters, such as CET, mean one thing everywhere; CST and IST do not.
_ZONES = ("Europe/Lisbon", "Europe/Berlin", "Europe/Athens", "America/New_York", "America/Los_Angeles")


def text_of(content: bytes) -> str:
    """The text of a small file, whatever editor wrote it; what cannot be read is a character that no time has."""
    short = content[: _MOST_BYTES + 1]
    kind = "utf-16" if short.startswith(_MARKS) else "utf-8-sig"
    return short.decode(kind, "replace").strip() if len(content) <= _MOST_BYTES else "\ufffd"


def read_time(content: bytes) -> datetime | None:
    """The time that a file says, in UTC; None when it says none, or one that can be two.

    Without a zone it is UTC, as for nbgrader. nbgrader itself takes "+0100" for a hundred seconds and " +01:00" for
    nothing, so it is given what is read here.
    """
    match = _TIME.fullmatch(text_of(content))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(each or 0) for each in match.groups()[:6])
    microsecond = int((match[7] or "").ljust(6, "0"))
    try:
        at = datetime(year, month, day, hour, minute, second, microsecond, UTC)
        zone = _zone(match, at)
        return None if zone is None else at.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def written(at: datetime) -> str:
    """The same as nbgrader reads it."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ')} UTC"


def _zone(match: re.Match[str], at: datetime) -> tzinfo | None:
    if offset := match["offset"]:
        away = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
        return timezone(-away if offset[0] == "-" else away)
    if match["zone"]:
        return _named(match["zone"])
    return _lettered(match["letters"], at) if match["letters"] else UTC


def _named(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, no zone's file, or this computer has none
        return None


def _lettered(letters: str, at: datetime) -> tzinfo | None:
    """The offset that letters such as CEST stand for then, on this computer or where they mean one thing."""
    for fold in (0, 1):  # the hour that there is twice has both letters
        there = at.replace(fold=fold)
        times = [
            there.replace(tzinfo=None).astimezone(),
            *(there.replace(tzinfo=zone) for zone in filter(None, map(_named, _ZONES))),
        ]
        for each in times:
            offset = each.utcoffset()
            if each.tzname() == letters and offset is not None:
                return timezone(offset)
    return None
