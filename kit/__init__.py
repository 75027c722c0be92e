"""Learn Apache Kafka by doing: ``kit.start()`` gives a real Kafka cluster to a notebook.

The names below are all there is to know from outside. They are loaded when first used, because the child process that
runs the brokers imports this package too and must be ready in a moment.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit.checks import check
    from kit.cluster import Cluster, start
    from kit.errors import ClusterClosedError, KitError, StartError

__all__ = ["Cluster", "ClusterClosedError", "KitError", "StartError", "check", "start"]

_HOMES = {
    "Cluster": "kit.cluster",
    "ClusterClosedError": "kit.errors",
    "KitError": "kit.errors",
    "StartError": "kit.errors",
    "check": "kit.checks",
    "start": "kit.cluster",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"kit has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
