"""What streams are called with, checked before anything happens; each function returns what to go on with."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from kit.datagen.events import LATE_FROM_MS
from kit.errors import DatagenError

# Later than any clock of a class, and still a date that Python can show.
_MOST_MS = 253_402_300_799_999  # the end of the year 9999


def checked_whole(name: str, value: object, least: int, example: str) -> int:
    """A whole number that is not less than ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise DatagenError(
            f"{name}={value!r} is not possible: give a whole number from {least:,} on, such as {example}."
        )
    return value


def checked_seed(value: object) -> int:
    """What makes two streams alike."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise DatagenError(f"seed={value!r} is not possible: give any whole number, the same one for the same events.")
    return value


def checked_share(name: str, value: object) -> float:
    """A share of all events."""
    if not _is_number(value) or not 0 <= float(value) <= 1:
        raise DatagenError(
            f"{name}={value!r} is not possible: it is a share from 0 for none to 1 for all, such as 0.05."
        )
    return float(value)


def checked_late_ms(value: object) -> int:
    """How late an event can be."""
    return checked_whole("late_ms", value, LATE_FROM_MS, "60_000 for a minute")


def checked_start_ms(value: object) -> int:
    """When a stream begins."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_MS:
        raise DatagenError(
            f"start_ms={value!r} is not possible: give milliseconds since 1970, such as time.time_ns() // 1_000_000 "
            "for now."
        )
    return value


def checked_count(value: object) -> int:
    """How many events."""
    return checked_whole("count", value, 1, "1_000")


def checked_rate(value: object) -> float | None:
    """Records per second."""
    if value is None:
        return None
    if not _is_number(value) or not 0 < float(value) < math.inf:
        raise DatagenError(
            f"rate={value!r} is not possible: give records per second, more than 0, or None for as fast as it goes."
        )
    return float(value)


def checked_topic(value: object) -> str:
    """The name of a topic; whether it is a legal one is Kafka's to say."""
    if not isinstance(value, str) or not value:
        raise DatagenError(f'{value!r} is no name of a topic: give one in quotes, such as "music.listens".')
    return value


def checked_flag(name: str, value: object) -> bool:
    """True or False, and nothing that only counts as one of them."""
    if not isinstance(value, bool):
        raise DatagenError(f"{name}={value!r} is not possible: it is True or False.")
    return value


def checked_cluster(value: Any) -> Any:
    """Something that events can be sent to."""
    if not hasattr(value, "bootstrap_servers") or not hasattr(value, "brokers"):
        raise DatagenError(f"{value!r} is no cluster: give what kit.start or kit.connect returned.")
    return value


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
