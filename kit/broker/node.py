"""One process of a Kafka cluster: a broker, a controller, or both (Kafka's ``process.roles``).

A node is made when it starts and thrown away when it dies; what outlives it is its folder. Everything in it runs by
its own `NodeClock`, so that a killed node is still at once and a paused one does nothing.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.broker import handlers
from kit.broker.broker import Broker, Peer, RequestContext
from kit.broker.clock import Clock, NodeClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.controller import Controller
from kit.broker.controller_channel import ControllerChannel
from kit.broker.deferred import Deferred
from kit.broker.endpoints import Endpoint
from kit.broker.handlers.api_01_fetch import handle_replica_fetch
from kit.broker.network import Network
from kit.broker.raft.config import RaftConfig
from kit.broker.raft.messages import METADATA_TOPIC_ID
from kit.broker.raft.replica import RaftReplica
from kit.broker.storage.files import SHARED_POOL, FilePool
from kit.broker.timeline import Timeline

log = logging.getLogger(__name__)

FETCH, VOTE, BEGIN_QUORUM_EPOCH, END_QUORUM_EPOCH = 1, 52, 53, 54


@dataclass(frozen=True)
class Layout:
    """Who is who in a cluster, the same for all its nodes.

    Attributes:
        endpoints: where clients reach each broker, one for each listener.
        voters: the nodes of the metadata quorum, brokers or controllers of their own.
        flush_metadata: whether the metadata log survives a loss of power, which costs milliseconds for each change.
    """

    cluster_id: str
    endpoints: Mapping[int, Sequence[Endpoint]]
    voters: Sequence[int]
    flush_metadata: bool = True

    @property
    def node_ids(self) -> list[int]:
        """Every node, ascending."""
        return sorted({*self.endpoints, *self.voters})


class Node:
    """One running node.

    Args:
        directory: its folder; everything that it knows after a restart is there.
        config: the settings of every broker; what is this node's own is added here.
        clock: the time of the cluster.
        network: its links to the other nodes.

    Attributes:
        broker, controller: its roles; None for one that it does not have.
        raft: the metadata log as far as this node has it.
    """

    def __init__(
        self,
        node_id: int,
        layout: Layout,
        *,
        directory: Path,
        config: BrokerConfig,
        clock: Clock,
        network: Network,
        random: random.Random,
        timeline: Timeline,
        pool: FilePool = SHARED_POOL,
    ) -> None:
        self.node_id = node_id
        self.clock = NodeClock(clock)
        self.raft = RaftReplica(
            node_id=node_id,
            voters=layout.voters,
            cluster_id=layout.cluster_id,
            directory=directory,
            clock=self.clock,
            network=network,
            random=random,
            config=RaftConfig.of(config, flush=layout.flush_metadata),
            listener=self,
            timeline=timeline,
            pool=pool,
        )
        self._handlers = handlers.load_all()
        self.channel = ControllerChannel(network=network, clock=self.clock, leader=lambda: self.raft.leader_id)
        self.controller: Controller | None = None
        if node_id in layout.voters:
            self.controller = Controller(
                node_id=node_id,
                cluster_id=layout.cluster_id,
                config=config,
                clock=self.clock,
                raft=self.raft,
                random=random,
                timeline=timeline,
            )
        self.broker: Broker | None = None
        if node_id in layout.endpoints:
            self.broker = Broker(
                node_id=node_id,
                cluster_id=layout.cluster_id,
                directory=directory,
                endpoints=layout.endpoints[node_id],
                config=config,
                clock=self.clock,
                network=network,
                channel=self.channel,
                random=random,
                timeline=timeline,
                pool=pool,
            )

    def start(self, *, eager: bool = False) -> None:
        """Begin to take part.

        Args:
            eager: stand for election at once, because the whole cluster is just starting.
        """
        self.raft.start(eager=eager)
        if self.broker is not None:
            self.broker.start()

    # -- what the quorum says (`RaftListener`) -------------------------------------------------------------------

    def on_commit(self, records: Sequence[Any], end_offset: int) -> None:
        """The metadata log is committed up to ``end_offset``."""
        if self.broker is not None:
            self.broker.apply_metadata(records, end_offset)

    def on_leader(self, epoch: int) -> None:  # noqa: ARG002 - the raft replica knows it
        """This node's controller is the active one."""
        if self.controller is not None:
            self.controller.activate()

    def on_resigned(self, epoch: int, reason: str) -> None:  # noqa: ARG002
        """This node's controller is no longer the active one."""
        if self.controller is not None:
            self.controller.deactivate()

    # -- what other nodes ask ------------------------------------------------------------------------------------

    def receive_call(
        self, source: int, api_key: int, api_version: int, request: Any, client_id: str | None
    ) -> Deferred[Any]:
        """Answer a request of another node; resolves with None when there is no answer."""
        answer: Deferred[Any] = Deferred()
        peer = Peer(client_host="127.0.0.1", client_port=0, listener="INTERNAL")
        context = RequestContext(api_key, api_version, 0, client_id or f"node-{source}", peer)
        try:
            response = self._dispatch(request, context)
        except Exception:
            log.exception("node %d failed on a request of node %d", self.node_id, source)
            response = None
        if isinstance(response, Deferred):
            response.then(answer.resolve)
        else:
            answer.resolve(response)
        return answer

    def _dispatch(self, request: Any, context: RequestContext) -> Any:
        if context.api_key == FETCH:
            return self._fetch(request, context)
        if context.api_key == VOTE:
            return self.raft.vote(request)
        if context.api_key == BEGIN_QUORUM_EPOCH:
            return self.raft.begin_quorum_epoch(request)
        if context.api_key == END_QUORUM_EPOCH:
            return self.raft.end_quorum_epoch(request)
        handler = self._handlers[context.api_key]
        if handler.role == "controller":
            return None if self.controller is None else self.controller.receive(request, context)
        return None if self.broker is None else handler.function(self.broker, request, context)

    def _fetch(self, request: Any, context: RequestContext) -> Any:
        if request.topics and request.topics[0].topic_id == METADATA_TOPIC_ID:
            return self.raft.fetch(request)
        return None if self.broker is None else handle_replica_fetch(self.broker, request, context)

    # -- the end -------------------------------------------------------------------------------------------------

    def stop(self) -> Deferred[None]:
        """Controlled shutdown: hand over partitions and the quorum first; resolves when the node may be closed."""
        done: Deferred[None] = Deferred()
        handed_over: Deferred[None] = Deferred()
        if self.broker is None:
            handed_over.resolve(None)
        else:
            self.broker.lifecycle.stop().then(handed_over.resolve)

        def resign(_: None) -> None:
            self.raft.resign()
            self.clock.call_soon(lambda: done.resolve(None))  # after the farewell is on its way

        handed_over.then(resign)
        return done

    def close(self) -> None:
        """Close every file cleanly, so that the next start need not check them."""
        if self.broker is not None:
            self.broker.close()
        self.raft.close()
        self.clock.stop()

    def abandon(self) -> None:
        """Die: nothing runs any more, what was written stays as it is and the descriptors are given back."""
        self.clock.stop()
        if self.broker is not None:
            self.broker.replicas.log_directory.abandon()
        self.raft.abandon()
