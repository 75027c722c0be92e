"""One member of a group."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from kit.broker.deadline import Deadline
from kit.broker.deferred import Deferred
from kit.wire import messages as m


@dataclass(slots=True, eq=False)
class Member:
    """What the coordinator knows of one member.

    Args:
        group_instance_id: the name a static member keeps over restarts (KIP-345); None for a dynamic member.
        protocol_type: "consumer" for consumers; all members of a group have the same.
        protocols: metadata by assignor name (for a consumer: its subscription), the preferred assignor first.
        assignment: what the leader gave this member in the current generation.
        is_new: joined, and has not been told its member_id yet, so it cannot send heartbeats.
        awaiting_join: the JoinGroup request that waits for the rebalance, if there is one.
        awaiting_sync: the SyncGroup request that waits for the leader's assignment, if there is one.
        session: removes the member when its time is up.
    """

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocol_type: str
    protocols: dict[str, bytes]
    assignment: bytes = b""
    is_new: bool = False
    awaiting_join: Deferred[m.JoinGroupResponse] | None = None
    awaiting_sync: Deferred[m.SyncGroupResponse] | None = None
    session: Deadline | None = None

    @property
    def is_static(self) -> bool:
        """Whether it keeps its place over a restart."""
        return self.group_instance_id is not None

    @property
    def needs_no_heartbeat(self) -> bool:
        """Whether its session may run out without harm: it waits for us, not we for it."""
        return not self.is_new and (self.awaiting_join is not None or self.awaiting_sync is not None)

    def has_protocols(self, protocols: dict[str, bytes]) -> bool:
        """Whether it joined with just these protocols, in this order."""
        return list(self.protocols.items()) == list(protocols.items())

    def metadata(self, protocol_name: str | None) -> bytes:
        """What it said for this protocol; empty for one it does not know."""
        return self.protocols.get(protocol_name or "", b"")

    def vote(self, candidates: Collection[str]) -> str:
        """Its most preferred protocol among ``candidates``, one of which it must support."""
        return next(name for name in self.protocols if name in candidates)

    def keep_alive(self, timeout_ms: int | None = None) -> None:
        """Start the session anew; ``timeout_ms`` when not its own session timeout."""
        if self.session is not None:
            self.session.set(self.session_timeout_ms if timeout_ms is None else timeout_ms)

    def end_session(self) -> None:
        """Expect no heartbeat any more."""
        if self.session is not None:
            self.session.cancel()
