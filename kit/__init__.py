"""Learn Apache Kafka by doing: ``kit.start()`` gives a real Kafka cluster to a notebook.

The names below are all there is to know from outside. They are loaded when first used, because the child process that
runs the brokers imports this package too and must be ready in a moment.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kit import datagen, history, scenarios
    from kit.broker.config.cluster_defaults import KAFKA_TIMERS
    from kit.broker.timeline import Event
    from kit.checks import check, progress
    from kit.cluster import Cluster, connect, start
    from kit.diagnosis import doctor
    from kit.errors import (
        ClusterClosedError,
        ConnectError,
        DatagenError,
        FaultError,
        KitError,
        NotSupportedError,
        PollError,
        ProgressError,
        QuizError,
        ScenarioError,
        StartError,
    )
    from kit.listeners import Listener
    from kit.polls import feedback, poll, vote
    from kit.quizzes import quiz

__all__ = [
    "KAFKA_TIMERS", "Cluster", "ClusterClosedError", "ConnectError", "DatagenError", "Event", "FaultError", "KitError",
    "Listener", "NotSupportedError", "PollError", "ProgressError", "QuizError", "ScenarioError", "StartError", "check",
    "connect", "datagen", "doctor", "feedback", "history", "poll", "progress", "quiz", "scenarios", "start", "vote",
]  # fmt: skip

_HOMES = {
    "KAFKA_TIMERS": "kit.broker.config.cluster_defaults",
    "Cluster": "kit.cluster",
    "ClusterClosedError": "kit.errors",
    "ConnectError": "kit.errors",
    "DatagenError": "kit.errors",
    "Event": "kit.broker.timeline",
    "FaultError": "kit.errors",
    "KitError": "kit.errors",
    "Listener": "kit.listeners",
    "NotSupportedError": "kit.errors",
    "PollError": "kit.errors",
    "ProgressError": "kit.errors",
    "QuizError": "kit.errors",
    "ScenarioError": "kit.errors",
    "StartError": "kit.errors",
    "check": "kit.checks",
    "connect": "kit.cluster",
    "datagen": "kit.datagen",  # the package itself
    "doctor": "kit.diagnosis",
    "feedback": "kit.polls",
    "history": "kit.history",  # the package itself
    "poll": "kit.polls",
    "progress": "kit.checks",
    "quiz": "kit.quizzes",
    "scenarios": "kit.scenarios",
    "start": "kit.cluster",
    "vote": "kit.polls",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"kit has no {name!r}; it has {', '.join(__all__)}")
    home = importlib.import_module(_HOMES[name])
    value = home if home.__name__ == f"{__name__}.{name}" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
