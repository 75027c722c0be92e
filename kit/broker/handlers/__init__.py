"""One file per API: the folder listing is the protocol table.

Each file registers its function with `handles`, naming the versions it serves. ApiVersions answers from the same
registry, so what is advertised cannot differ from what is served.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

Role = Literal["broker", "controller"]
_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Handler:
    """What serves one API.

    ``function(node, request, context)`` returns the response message, a ``Deferred`` of it, or None for no reply.
    ``node`` is the `Broker` that got the request, or the active `Controller` when ``role`` is "controller": brokers
    forward such requests to it, as Kafka does (KIP-590).
    """

    api_key: int
    min_version: int
    max_version: int
    advertised_min_version: int
    role: Role
    internal: bool
    function: Callable[..., Any]


HANDLERS: dict[int, Handler] = {}


def handles(
    api_key: int,
    min_version: int,
    max_version: int,
    *,
    role: Role = "broker",
    advertise_from: int | None = None,
    internal: bool = False,
) -> Callable[[_Function], _Function]:
    """Register the decorated function for an API.

    Args:
        role: "controller" when the active controller decides and brokers only forward.
        advertise_from: lowest version to advertise when it differs from the lowest one served (KAFKA-18659).
        internal: between nodes only: never advertised, refused on the listener that clients use.
    """

    def register(function: _Function) -> _Function:
        if api_key in HANDLERS:
            raise ValueError(f"API {api_key} has two handlers: {HANDLERS[api_key].function.__module__} and this one")
        advertised = min_version if advertise_from is None else advertise_from
        HANDLERS[api_key] = Handler(api_key, min_version, max_version, advertised, role, internal, function)
        return function

    return register


@functools.cache  # looking into the folder takes longer than making a broker
def load_all() -> dict[int, Handler]:
    """Import every ``api_*.py`` beside this file once; returns the registry, keyed by api_key."""
    for module in pkgutil.iter_modules(__path__):
        if module.name.startswith("api_"):
            importlib.import_module(f"{__name__}.{module.name}")
    return HANDLERS
