"""What a fault of `kit.cluster.Cluster` was called with, checked before any backend hears of it.

Whether there are such brokers the backend knows; here is what no backend could make sense of. Each function returns
what to hand on, or raises `FaultError`, and then nothing has changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from kit.broker.faults import FaultError as LinkFaultError
from kit.broker.faults import api_key_of
from kit.errors import FaultError
from kit.wire import codec

MAX_DELAY_MS = 3_600_000

# What brokers and controllers ask one another: elections, the in-sync replicas, registrations.
_BETWEEN_NODES = frozenset({52, 53, 54, 56, 59, 62, 63, 67})


def checked_api(api: object) -> int:
    """The number of an API that is named or numbered."""
    try:
        return api_key_of(api)  # type: ignore[arg-type]  # whatever else it is, it says so
    except LinkFaultError as error:
        raise FaultError(str(error)) from None


def checked_client_api(api: object) -> int:
    """The same, of an API that clients use: nothing else comes by where a hook is asked."""
    api_key = checked_api(api)
    if api_key in _BETWEEN_NODES:
        raise FaultError(
            f"{codec.api(api_key).name} is what brokers and controllers ask one another, and hooks see requests of "
            "clients only: try 'Produce', 'Fetch' or 'Metadata', and for links between brokers cut() or slow()."
        )
    return api_key


def checked_function(function: object) -> None:
    """Something that can be called for each request."""
    if not callable(function):
        raise FaultError(
            f"{function!r} cannot be called: give a function of one request, such as lambda request: 'drop'. "
            "The hook that you get back ends it with remove()."
        )


def checked_group(group: object) -> list[int]:
    """The broker ids of one side of a cut."""
    if isinstance(group, str | bytes | Mapping) or not isinstance(group, Iterable):
        raise FaultError(f"{group!r} is no group of brokers: write cut({{1}}, {{2, 3}}).")
    members = list(group)
    for member in members:
        if not isinstance(member, int) or isinstance(member, bool):
            raise FaultError(f"{member!r} in a group is no broker's id: write cut({{1}}, {{2, 3}}).")
    return members


def checked_flag(name: str, value: object) -> bool:
    """True or False, and nothing that only counts as one of them."""
    if not isinstance(value, bool):
        raise FaultError(f"{name}={value!r} is not possible: it is True or False.")
    return value


def checked_clients(clients: object) -> dict[str, Any] | None:
    """By client id the group that each is in."""
    if clients is None:
        return None
    if not isinstance(clients, Mapping) or not all(isinstance(name, str) for name in clients):
        raise FaultError(f"clients={clients!r} must say by client id which group each is in: {{'my-client': 0}}.")
    return dict(clients)


def checked_delay_ms(name: str, value: object) -> float:
    """A delay that somebody could wait for."""
    if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value) or value < 0:
        raise FaultError(f"{name}={value!r} is not a time: give milliseconds, 0 or more.")
    if value > MAX_DELAY_MS:
        raise FaultError(
            f"{name}={value!r} is longer than an hour: give {MAX_DELAY_MS:,} milliseconds at most. "
            "cut() lets nothing through at all."
        )
    return value


def checked_since_ms(value: object) -> int:
    """A time in milliseconds since 1970."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise FaultError(
            f"since_ms={value!r} is not a time: give milliseconds since 1970, such as the time_ms of an event."
        )
    return math.ceil(value)
