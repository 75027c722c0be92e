"""Who is told what the metadata quorum decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class RaftListener(Protocol):
    """The state machine that the metadata log drives. A replica calls it, one call at a time, never from `start`."""

    def on_commit(self, records: Sequence[Any], end_offset: int) -> None:
        """Apply records that a majority of the voters has; none can be lost any more.

        Each comes exactly once per start of the replica, in the log's order. One call may have those of many batches;
        it has none when only control records were committed.

        Args:
            records: decoded metadata records.
            end_offset: the offset after the last one.
        """

    def on_leader(self, epoch: int) -> None:
        """This node leads, and all that was in its log when its epoch began is committed and was delivered."""

    def on_resigned(self, epoch: int, reason: str) -> None:
        """This node, which was told `on_leader` for ``epoch``, leads no longer."""
