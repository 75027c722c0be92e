"""The active controller of a cluster: the only writer of metadata.

Each voter of the quorum has one of these; the one whose node leads the quorum is active. A request comes in by
`Controller.receive` (brokers forward it, KIP-590); its handler calls the functions beside this file, which decide;
`Controller.commit` appends the decision to the metadata log. The controller's own image takes it over at once, so that
the next decision builds on it; everybody else learns of it when a majority of the voters has it. When the leadership
is lost, what was not committed is forgotten with the image. Source: KIP-500, Kafka's ``QuorumController``.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kit.broker import handlers
from kit.broker.clock import Clock, Timer
from kit.broker.config.configs import BrokerConfig
from kit.broker.controller import brokers, leaders
from kit.broker.controller.narration import notes_on
from kit.broker.controller.sessions import BrokerSessions
from kit.broker.deferred import Deferred
from kit.broker.metadata import MetadataImage
from kit.broker.timeline import Note, Timeline

if TYPE_CHECKING:
    from kit.broker.broker import RequestContext
    from kit.broker.raft.replica import RaftReplica

log = logging.getLogger(__name__)

_CHECKS_PER_SESSION = 8
_EVERYWHERE_MS = 500  # then a broker that does not follow is left behind


class Controller:
    """Decides and remembers.

    Args:
        node_id: the node it runs on.
        config: the settings topics fall back to.
        raft: the metadata log, as far as this node has it.

    Attributes:
        image: what was decided, committed or not; empty while another controller is active.
        sessions: when each broker was last heard of.
    """

    def __init__(
        self,
        *,
        node_id: int,
        cluster_id: str,
        config: BrokerConfig,
        clock: Clock,
        raft: RaftReplica,
        random: random.Random,
        timeline: Timeline,
    ) -> None:
        self.node_id = node_id
        self.cluster_id = cluster_id
        self.config = config
        self.clock = clock
        self.random = random
        self.timeline = timeline
        self.image = MetadataImage()
        self.is_active = False
        self.sessions = BrokerSessions(clock, config["broker.session.timeout.ms"], lambda: raft.slack_ms)
        self._raft = raft
        self._handlers = handlers.load_all()
        self._timers: dict[str, Timer] = {}

    @property
    def raft(self) -> RaftReplica:
        """The metadata log, as far as this node has it."""
        return self._raft

    @property
    def next_offset(self) -> int:
        """The offset that the next record of the metadata log will get."""
        return self._raft.log_end_offset

    # -- who is active -------------------------------------------------------------------------------------------

    def activate(self) -> None:
        """This node leads the quorum now: decide from what the log says."""
        self.image = MetadataImage()
        told: list[tuple[int, list[Note]]] = []
        for records, end_offset in self._raft.read_decisions():
            if end_offset > self._raft.followed_offset:
                told.append((end_offset, notes_on(self.image, records)))
            for record in records:
                self.image.apply(record)
        self.timeline.tell([*told, (self._raft.log_end_offset, [])])
        self.is_active = True
        self.sessions.reset_all(self.image)
        self._check_sessions()
        self._rebalance_later()

    def deactivate(self) -> None:
        """Another node leads the quorum, or none does; what was not committed may never be."""
        self.is_active = False
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self.image = MetadataImage()

    # -- requests ------------------------------------------------------------------------------------------------

    def receive(self, request: Any, context: RequestContext) -> Deferred[Any]:
        """Answer a request that a broker forwarded or sent; resolves with the response message, None for none."""
        answer: Deferred[Any] = Deferred()
        if not self.is_active:
            answer.resolve(None)
            return answer
        response = self._handlers[context.api_key].function(self, request, context)
        if isinstance(response, Deferred):
            response.then(answer.resolve)
        else:
            answer.resolve(response)
        return answer

    def commit(self, records: Sequence[Any], *, everywhere: bool = False) -> Deferred[bool]:
        """Append a decision to the metadata log, all of it or nothing.

        No records are a decision too: it resolves when all that it was judged on is committed.

        Args:
            everywhere: resolve only when every live broker knows it too (or after 500 ms): for requests of clients,
                whose next one may go to any broker.

        Returns:
            True when the decision is committed; False when leadership was lost before and it is not known.

        Raises:
            BrokerError: NOT_CONTROLLER.
        """
        offset = self._raft.append(records) if records else self._raft.log_end_offset - 1
        notes = notes_on(self.image, records)
        for record in records:
            self.image.apply(record)
        committed = self._raft.committed(offset)
        if notes:  # if it does not become known here that they are committed, the next controller tells of them
            committed.then(lambda is_known: self.timeline.tell([(offset + 1, notes)]) if is_known else None)
        if not everywhere:
            return committed
        done: Deferred[bool] = Deferred()
        alive = [broker.node_id for broker in self.image.alive_brokers()]

        def spread(is_committed: bool) -> None:
            if is_committed:
                self._raft.applied_everywhere(offset, alive, _EVERYWHERE_MS).then(lambda _: done.resolve(True))
            else:
                done.resolve(False)

        committed.then(spread)
        return done

    # -- what nobody asks for ------------------------------------------------------------------------------------

    def _check_sessions(self) -> None:
        interval_ms = self.config["broker.session.timeout.ms"] / _CHECKS_PER_SESSION
        self._timers["sessions"] = self.clock.call_later(interval_ms, self._check_sessions)
        for node_id in self.sessions.stale():
            log.info("broker %d was silent for broker.session.timeout.ms: it is fenced", node_id)
            self.commit(brokers.fence_broker(self.image, self.config, node_id))
        elections = leaders.elect_unclean_leaders(self.image, self.config)
        if elections:  # a topic has just been allowed what it needs to come back
            self.commit(elections)

    def _rebalance_later(self) -> None:
        if self.config["auto.leader.rebalance.enable"]:
            interval_ms = self.config["leader.imbalance.check.interval.seconds"] * 1000
            self._timers["rebalance"] = self.clock.call_later(interval_ms, self._rebalance)

    def _rebalance(self) -> None:
        self._rebalance_later()
        self.commit(leaders.rebalance_leaders(self.image, self.config))
