"""What a check is told about the practice CLI: what there is, and what still runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PracticeCluster:
    """One Kafka cluster of the practice CLI.

    Attributes:
        is_current: whether commands use it now.
        has_key: whether an API key is in use for it.
        is_running: whether its brokers answer.
    """

    id: str
    name: str
    cloud: str
    region: str
    is_current: bool = False
    has_key: bool = False
    is_running: bool = True


@dataclass(frozen=True, slots=True)
class PracticeFacts:
    """All that there is.

    Attributes:
        is_logged_in: whether somebody is.
        environments: name by id.
        api_keys: the keys, without their secrets.
        processes: names of the processes that belong to it, running or crashed.
        deleted_clusters: how many clusters were made here and are gone.
    """

    is_logged_in: bool = False
    environments: tuple[tuple[str, str], ...] = ()
    clusters: tuple[PracticeCluster, ...] = ()
    api_keys: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    deleted_clusters: int = 0
