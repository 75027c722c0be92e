"""What a check sees of a practice desk: its facts at once, and its cluster when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from kit.checks.evidence import ClusterEvidence, SeenRecord
from kit.checks.no_evidence import NoEvidence
from kit.checks.practice_facts import PracticeFacts


class DeskEvidence(NoEvidence):
    """Evidence of a practice desk. A context manager: leaving it closes the clients.

    Args:
        practice: what there is.
        client_settings: gives the settings for the cluster in use; raises LookupError when there is none.
    """

    def __init__(self, practice: PracticeFacts, client_settings: Callable[[], Mapping[str, Any]]) -> None:
        self.practice = practice
        self._client_settings = client_settings
        self._cluster: ClusterEvidence | None = None
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def records(self, topic: str) -> list[SeenRecord]:
        """See `Evidence.records`; none while no cluster with a key is in use."""
        cluster = self._open()
        return [] if cluster is None else cluster.records(topic)

    def log_end_offsets(self, topic: str) -> dict[int, int]:
        """See `Evidence.log_end_offsets`."""
        cluster = self._open()
        return {} if cluster is None else cluster.log_end_offsets(topic)

    def _open(self) -> ClusterEvidence | None:
        if self._cluster is None:
            try:
                settings = self._client_settings()
            except LookupError:
                return None
            self._cluster = self._opened.enter_context(ClusterEvidence(settings))
        return self._cluster
