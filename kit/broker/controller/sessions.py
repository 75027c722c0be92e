"""Who was last heard of when: what the active controller remembers of the brokers' heartbeats.

It is in no log, so a new controller begins with giving each broker that it takes for alive a whole session.
Source: Kafka classes ``BrokerHeartbeatTracker`` and ``BrokerHeartbeatManager``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kit.broker.clock import Clock
from kit.broker.metadata import MetadataImage
from kit.broker.patience import extra_ms


@dataclass(slots=True)
class _Session:
    heard_ms: float
    metadata_offset: int = -1
    shutdown_offset: int | None = None


class BrokerSessions:
    """The sessions of the brokers with one controller.

    Args:
        session_timeout_ms: after what silence a session ends: ``broker.session.timeout.ms``.
        slack_ms: how much longer than usual heartbeats may take now; see `kit.broker.patience`.
    """

    def __init__(self, clock: Clock, session_timeout_ms: float, slack_ms: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._timeout_ms = session_timeout_ms
        self._slack_ms = slack_ms
        self._sessions: dict[int, _Session] = {}

    def reset_all(self, image: MetadataImage) -> None:
        """Begin anew, as a new controller does: each broker that is not fenced has just been heard of."""
        self._sessions.clear()
        for broker in image.alive_brokers():
            self.touch(broker.node_id)

    def touch(self, broker_id: int, metadata_offset: int = -1) -> None:
        """A broker was heard of, and had applied the metadata log up to ``metadata_offset``."""
        session = self._sessions.setdefault(broker_id, _Session(0.0))
        session.heard_ms = self._clock.monotonic_ms()
        session.metadata_offset = max(metadata_offset, session.metadata_offset)

    def is_alive(self, broker_id: int) -> bool:
        """Whether a broker was heard of recently enough."""
        session = self._sessions.get(broker_id)
        return session is not None and not self._is_over(session)

    def forget(self, broker_id: int) -> None:
        """End a broker's session: it has gone, or another process has its id now."""
        self._sessions.pop(broker_id, None)

    def stale(self) -> list[int]:
        """The brokers whose sessions ended by silence since the last call, by id: they are to be fenced now."""
        over = sorted(broker_id for broker_id, session in self._sessions.items() if self._is_over(session))
        for broker_id in over:
            self.forget(broker_id)
        return over

    def _is_over(self, session: _Session) -> bool:
        silent_ms = self._clock.monotonic_ms() - session.heard_ms - self._timeout_ms
        return silent_ms > 0 and silent_ms > extra_ms("broker.session.timeout.ms", self._timeout_ms, self._slack_ms())

    # -- controlled shutdown -------------------------------------------------------------------------------------

    def begin_shutdown(self, broker_id: int, metadata_offset: int) -> None:
        """A broker hands over, and may go once the others have seen ``metadata_offset``; the first call counts."""
        session = self._sessions[broker_id]
        if session.shutdown_offset is None:
            session.shutdown_offset = metadata_offset

    def is_handed_over(self, broker_id: int, image: MetadataImage) -> bool:
        """Whether every active broker has seen that the broker leads nothing any more."""
        session = self._sessions.get(broker_id)
        if session is None or session.shutdown_offset is None:
            return False
        active = [broker.node_id for broker in image.alive_brokers() if broker.is_active]
        return all(self._metadata_offset(node_id) >= session.shutdown_offset for node_id in active)

    def _metadata_offset(self, broker_id: int) -> int:
        session = self._sessions.get(broker_id)
        return -1 if session is None else session.metadata_offset
