"""What each client asked and was answered, in one order for the whole cluster."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.broker.broker import Peer
from kit.broker.clock import Clock
from kit.broker.witness.describe import (
    CHANGES,
    FETCH,
    JOIN_GROUP,
    LEAVE_GROUP,
    OFFSET_COMMIT,
    PRODUCE,
    SYNC_GROUP,
    TopicName,
    answered,
    asked,
    joined,
    shown,
)
from kit.wire import codec
from kit.wire.errors import BrokerError

log = logging.getLogger(__name__)

MAX_ENTRIES = 50_000
MAX_CONNECTIONS = 5_000
MAX_RECORDS = 200_000
_DETAILED = {PRODUCE, FETCH, OFFSET_COMMIT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP, *CHANGES}

_BESIDES = {"ApiVersions", "FindCoordinator", "Metadata"}  # which a client may send whatever else it does

PENDING, ANSWERED, REFUSED, LOST = "pending", "answered", "refused", "lost"


@dataclass(slots=True, eq=False)
class Entry:
    """One request.

    Attributes:
        began, ended: places in the order of all that began and ended in the cluster; None while it has not.
        began_ms, ended_ms: the same by the clock, milliseconds since 1970.
        connection: its number, from 1, in the order of the first requests.
        asked, answered: see `kit.broker.witness.describe`.
        state: "pending" (nobody answered, or not yet), "answered" (the reply went to the client), "refused" (the
            connection was closed, and ``reason`` says why), "lost" (a rule took the request or its reply away).
        fault: what a rule did to it.
        is_kept: it is in the journal; others are counted only.
    """

    began: int
    began_ms: int
    node_id: int
    connection: int
    api_key: int
    api_version: int
    asked: dict[str, Any]
    answered: Any = None
    state: str = PENDING
    reason: str | None = None
    fault: str | None = None
    ended: int | None = None
    ended_ms: int | None = None
    is_kept: bool = False

    def dump(self) -> dict[str, Any]:
        """The entry as JSON knows it."""
        return {
            "began": self.began,
            "began_ms": self.began_ms,
            "ended": self.ended,
            "ended_ms": self.ended_ms,
            "node": self.node_id,
            "connection": self.connection,
            "api": api_name(self.api_key),
            "state": self.state,
            "reason": self.reason,
            "fault": self.fault,
            "asked": self.asked,
            "answered": self.answered,
        }


@dataclass(slots=True)
class Connection:
    """What came over one connection, in numbers."""

    number: int
    node_id: int
    address: str
    user: str
    client_id: str | None
    first_ms: int
    requests: dict[str, int] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """The connection as JSON knows it."""
        return {
            "number": self.number,
            "node": self.node_id,
            "address": self.address,
            "user": self.user,
            "client_id": self.client_id,
            "first_ms": self.first_ms,
            "requests": dict(sorted(self.requests.items())),
        }


class Journal:
    """The entries of a cluster.

    Produce, Fetch, OffsetCommit, who joins and leaves groups, all that changes a cluster and what was refused are kept;
    the rest is counted by connection, and so is a fetch that found nothing.

    Attributes:
        num_dropped: requests that came when there was no room any more: the journal is not complete.
    """

    def __init__(self, clock: Clock, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._order = 0
        self._connections: dict[Peer, Connection] = {}
        self._num_records = 0
        self._last: tuple[str, float] | None = None
        self.entries: list[Entry] = []
        self.num_dropped = 0

    def quiet(self) -> list[Any]:
        """The API of the last request that did something, and milliseconds since any came; null before the first."""
        if self._last is None:
            return [None, 0]
        return [self._last[0], self._clock.monotonic_ms() - self._last[1]]

    def next_place(self) -> int:
        """The next place in the order of events."""
        self._order += 1
        return self._order

    def begin(self, node_id: int, frame: memoryview, peer: Peer, topic_name: TopicName) -> Entry:
        """Note a request."""
        try:
            header, body_offset = codec.decode_request_header(frame)
        except codec.DecodeError:
            api_key = int.from_bytes(frame[:2], signed=True) if len(frame) > 1 else -1
            return self._entry(node_id, peer, codec.RequestHeader(api_key, 0, 0, None), {})
        details: dict[str, Any] = {}
        if header.api_key in _DETAILED:
            try:
                request = codec.decode_request(header.api_key, header.api_version, frame, body_offset)
                details = asked(header.api_key, request, topic_name)
            except codec.DecodeError as error:
                details = {"error": str(error)}
        entry = self._entry(node_id, peer, header, details)
        if header.api_key in _DETAILED and header.api_key != FETCH:
            self._keep(entry)
        return entry

    def _entry(self, node_id: int, peer: Peer, header: codec.RequestHeader, details: dict[str, Any]) -> Entry:
        connection = self._connection(node_id, peer, header.client_id)
        name = api_name(header.api_key)
        connection.requests[name] = connection.requests.get(name, 0) + 1
        did = self._last[0] if name in _BESIDES and self._last is not None else name
        self._last = (did, self._clock.monotonic_ms())
        place, now_ms = self.next_place(), self._clock.time_ms()
        return Entry(place, now_ms, node_id, connection.number, header.api_key, header.api_version, details)

    def _connection(self, node_id: int, peer: Peer, client_id: str | None) -> Connection:
        known = self._connections.get(peer)
        if known is None:
            client = shown(client_id.encode()) if client_id is not None else None
            number = len(self._connections) + 1
            known = Connection(number, node_id, str(peer), peer.user, client, self._clock.time_ms())
            if number <= MAX_CONNECTIONS:
                self._connections[peer] = known
            else:
                self.num_dropped += 1
        known.user = peer.user  # it logs in after its first request
        return known

    def _keep(self, entry: Entry) -> None:
        if entry.is_kept:
            return
        self._num_records += sum(len(batch["records"]) for batch in entry.asked.get("batches", ()))
        if len(self.entries) >= self._max_entries or self._num_records > MAX_RECORDS:
            self.num_dropped += 1
        else:
            entry.is_kept = True
            self.entries.append(entry)

    def end(self, entry: Entry, chunks: Sequence[Any] | None, topic_name: TopicName) -> None:
        """Note the reply that goes to the client; None when there is none to give (acks=0)."""
        self._close(entry, ANSWERED)
        if entry.api_key not in _DETAILED or not chunks:
            return
        try:
            _, response = codec.decode_response(entry.api_key, entry.api_version, joined(chunks))
            entry.answered = answered(entry.api_key, response, topic_name)
        except (codec.DecodeError, BrokerError) as error:
            log.warning("the journal cannot read a reply to %s: %s", api_name(entry.api_key), error)
            entry.answered = None
        if entry.api_key == FETCH and (entry.answered or entry.asked.get("replica_id", -1) >= 0):
            self._keep(entry)

    def refuse(self, entry: Entry, reason: str) -> None:
        """Note that the connection was closed because of a request."""
        self._close(entry, REFUSED)
        entry.reason = reason
        self._keep(entry)

    def lose(self, entry: Entry) -> None:
        """Note that a rule took the request, or the reply to it, away."""
        self._close(entry, LOST)
        self._keep(entry)

    def _close(self, entry: Entry, state: str) -> None:
        entry.state = state
        entry.ended = self.next_place()
        entry.ended_ms = self._clock.time_ms()

    def dump(self) -> dict[str, Any]:
        """All of it as JSON knows it."""
        return {
            "entries": [entry.dump() for entry in self.entries],
            "connections": [connection.dump() for connection in self._connections.values()],
            "num_dropped": self.num_dropped,
        }


def api_name(api_key: int) -> str:
    """An API by its name in Kafka's protocol, or its number when the kit knows none."""
    try:
        return codec.api(api_key).name
    except codec.DecodeError:
        return str(api_key)
