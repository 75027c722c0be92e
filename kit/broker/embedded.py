"""A whole cluster whose nodes share one event loop, real or simulated, and everything that can go wrong with it."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kit.broker.broker import DISCONNECT, Broker, Chunks, InvalidRequest, Peer, Receive
from kit.broker.client_links import ClientLinks, Hook, RequestHooks
from kit.broker.clock import Clock
from kit.broker.config.configs import BrokerConfig
from kit.broker.deadline import Deadline
from kit.broker.deferred import Deferred
from kit.broker.endpoints import Endpoint
from kit.broker.fabric import Fabric
from kit.broker.faults import FaultError, Links, check_node
from kit.broker.layout import FIRST_CONTROLLER_ID, cluster_id_of, directory_of, recorded_voters, voters_of
from kit.broker.lifecycle import LifecycleState
from kit.broker.node import Layout, Node
from kit.broker.storage.files import SHARED_POOL, FilePool
from kit.broker.storage.volatile import VolatileDisk
from kit.broker.timeline import Timeline
from kit.broker.witness import Witness
from kit.broker.witness.sight import EmbeddedGround

log = logging.getLogger(__name__)


class EmbeddedCluster:
    """Brokers and controllers over folders ``broker-<id>`` and ``controller-<id>`` of one data directory.

    Args:
        endpoints: where clients reach each broker, by node id, one for each listener (the server has bound the ports).
        config: settings for every broker.
        controllers: see `voters_of`; a folder that holds a cluster goes on with the quorum that it has.
        random: all chance in the cluster comes from it.
        latency_ms: how long the next message between nodes takes; None for no time.
        flush_metadata: whether metadata survives a loss of power.
        is_patient: whether nodes wait longer for one another while links are slow: `kit.broker.patience`.
        on_node_up, on_node_down: told when a broker can be reached, and when it cannot any more.
        pool: of all log files.
        guard: what stands before a broker that answers clients, such as their login.

    Raises:
        OSError: the data directory cannot be read or written.
        LayoutError: ``controllers`` contradicts the folder.
    """

    def __init__(
        self,
        *,
        endpoints: Mapping[int, Sequence[Endpoint]],
        data_dir: Path,
        config: BrokerConfig,
        clock: Clock,
        controllers: int | None = None,
        random: random.Random | None = None,
        latency_ms: Callable[[], float] | None = None,
        flush_metadata: bool = True,
        is_patient: bool = True,
        on_node_up: Callable[[int], None] = lambda _: None,
        on_node_down: Callable[[int], None] = lambda _: None,
        pool: FilePool = SHARED_POOL,
        guard: Callable[[Receive], Receive] = lambda serve: serve,
    ) -> None:
        self._guard = guard
        self._random = _system_random() if random is None else random
        self._data_dir = data_dir
        self._config = config
        self._clock = clock
        self._pool = pool
        self._on_node_up = on_node_up
        self._on_node_down = on_node_down
        voters = recorded_voters(data_dir, voters_of(len(endpoints), controllers), is_chosen=controllers is not None)
        directories = {node_id: directory_of(data_dir, node_id) for node_id in sorted({*endpoints, *voters})}
        self.cluster_id = cluster_id_of(directories, self._random)
        self.layout = Layout(self.cluster_id, dict(endpoints), voters, flush_metadata)
        self.timeline = Timeline(clock)
        self.links = Links(self.layout.node_ids, self._random, is_patient=is_patient)
        self._relaxing = Deadline(clock, self.links.relax)
        self._fabric = Fabric(clock=clock, links=self.links, latency_ms=latency_ms)
        self._hooks = RequestHooks()
        self._clients: dict[int, ClientLinks] = {}
        self.nodes: dict[int, Node] = {}
        self.witness: Witness | None = None

    # -- the whole cluster ---------------------------------------------------------------------------------------

    def start(self) -> Deferred[None]:
        """Start every node; resolves when all brokers are alive and know one another."""
        first = min(self._own_voters())
        for node_id in self._own_nodes():
            self._start_node(node_id, eager=node_id == first)
        return self.wait_until_ready()

    def wait_until_ready(self) -> Deferred[None]:
        """Resolves when every broker that is up is unfenced, and every broker knows that of all of them."""
        ready: Deferred[None] = Deferred()

        def look() -> None:
            if self._is_ready():
                ready.resolve(None)
            else:
                self._clock.call_later(1, look)

        look()
        return ready

    def is_ready(self, node_id: int) -> bool:
        """Whether a node is up and follows the quorum and, if it is a broker, is unfenced."""
        node = self.nodes.get(node_id)
        if node is None or node.raft.leader_id is None:
            return False
        return node.broker is None or node.broker.lifecycle.state is LifecycleState.RUNNING

    def can_join(self, node_id: int) -> bool:
        """Whether a node can get into the cluster as it is now; see `Links.can_join`."""
        running = [node.node_id for node in self.nodes.values() if not node.clock.is_paused]
        return self.links.can_join(node_id, running, self.layout.voters)

    def _is_ready(self) -> bool:
        up = [node for node in self.nodes.values() if not node.clock.is_paused]
        alive = {node.node_id for node in up if node.broker is not None}
        known = (node.broker.image.alive_brokers() for node in up if node.broker is not None)
        return all(self.is_ready(node.node_id) for node in up) and all(
            alive <= {broker.node_id for broker in brokers} for brokers in known
        )

    def close(self) -> None:
        """Close every log cleanly."""
        for node in list(self.nodes.values()):
            node.close()
        self.nodes.clear()

    @property
    def brokers(self) -> dict[int, Broker]:
        """The brokers that are up, paused ones included, by node id."""
        return {node_id: node.broker for node_id, node in self.nodes.items() if node.broker is not None}

    @property
    def num_messages(self) -> int:
        """How many requests and replies were sent between nodes."""
        return self._fabric.num_messages

    @property
    def active_controller(self) -> int | None:
        """The node id of the active controller; None while there is none. The one of the newest epoch, if two."""
        active = [node for node in self.nodes.values() if node.controller is not None and node.controller.is_active]
        return max(active, key=lambda node: node.raft.epoch).node_id if active else None

    def state(self) -> dict[str, Any]:
        """What runs: ``nodes`` by id ("up", "paused" or "down") and the active ``controller``."""
        nodes = {}
        for node_id in self._own_nodes():
            node = self.nodes.get(node_id)
            nodes[node_id] = "down" if node is None else "paused" if node.clock.is_paused else "up"
        return {"nodes": nodes, "controller": self.active_controller}

    # -- clients -------------------------------------------------------------------------------------------------

    def receive(self, node_id: int, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Answer a client's request frame at one broker; see `Broker.receive`.

        A frame that gets lost on a broken link resolves with `kit.broker.broker.DISCONNECT` once the link is healed.
        """
        if self.witness is not None:
            return self.witness.receive(node_id, frame, peer)
        return self._receive(node_id, frame, peer)

    def be_witnessed(self) -> Witness:
        """Have what clients ask and are answered written down from now on."""
        if self.witness is None:
            self.witness = Witness(EmbeddedGround(self), self._clock, self._receive)
        return self.witness

    def _receive(self, node_id: int, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        if not self.nodes[node_id].clock.is_paused:
            return self._clients[node_id].receive(frame, peer)
        copy, answer = bytearray(frame), Deferred[Chunks | None]()

        def go_on() -> None:
            try:
                reply = self._clients[node_id].receive(memoryview(copy), peer)
            except InvalidRequest as error:
                log.warning("broker %d closes the connection from %s: %s", node_id, peer, error)
                reply = DISCONNECT
            if isinstance(reply, Deferred):
                reply.then(answer.resolve)
            else:
                answer.resolve(reply)

        self.nodes[node_id].clock.run(go_on)
        return answer

    def on_request(self, api_key: int, hook: Hook) -> Callable[[], None]:
        """Let ``hook`` see each request of clients for an API before the broker does; returns what removes it."""
        return self._hooks.add(api_key, hook)

    # -- nodes that fail -----------------------------------------------------------------------------------------

    def kill(self, node_id: int) -> None:
        """Crash a node: what it has written stays.

        Raises:
            FaultError: there is no such node, or it is down.
        """
        self._up(node_id, "killed")
        self.timeline.add("kill", node_id)
        self._take_down(node_id).abandon()

    def power_loss(self, node_id: int) -> None:
        """Crash a node, and take away what it had not flushed; the cluster's ``pool`` must be a `VolatileDisk`.

        Raises:
            FaultError: there is no such node, it is down, or its disk keeps what was written.
        """
        self._up(node_id, "cut off from its power")
        if not isinstance(self._pool, VolatileDisk):
            raise FaultError("The power can only be lost in a simulation, on a VolatileDisk: kill() crashes a node.")
        self._take_down(node_id).abandon()
        lost_bytes = self._pool.lose_power(directory_of(self._data_dir, node_id))
        self.timeline.add("power_loss", node_id, lost_bytes=lost_bytes)

    def stop(self, node_id: int) -> Deferred[None]:
        """Controlled shutdown: the node hands over what it leads; resolves when it is down.

        Raises:
            FaultError: there is no such node, or it is not running.
        """
        node = self._up(node_id, "stopped")
        if node.clock.is_paused:
            raise FaultError(f"Node {node_id} is paused and cannot hand over anything: resume it first, or kill it.")
        self.timeline.add("stop", node_id)
        done: Deferred[None] = Deferred()

        def down(_: None) -> None:
            if self.nodes.get(node_id) is node:  # not killed meanwhile
                self._take_down(node_id).close()
                self.timeline.add("stopped", node_id)
            done.resolve(None)

        node.stop().then(down)
        return done

    def restart(self, node_id: int) -> None:
        """Start a node that is down on what its folder holds; `is_ready` tells when it is alive again.

        Raises:
            FaultError: there is no such node, or it is running.
        """
        check_node(node_id, list(self._own_nodes()))
        if node_id in self.nodes:
            raise FaultError(f"Node {node_id} is running: kill or stop it before it can be started again.")
        self.timeline.add("restart", node_id)
        self._start_node(node_id)

    def pause(self, node_id: int) -> None:
        """Let a node do nothing until `resume`, as SIGSTOP does.

        Raises:
            FaultError: there is no such node, or it is down or paused.
        """
        node = self._up(node_id, "paused")
        if node.clock.is_paused:
            raise FaultError(f"Node {node_id} is paused already: resume it to let it go on.")
        self.timeline.add("pause", node_id)
        node.clock.pause()

    def resume(self, node_id: int) -> None:
        """Let a paused node go on.

        Raises:
            FaultError: there is no such node, or it is not paused.
        """
        node = self._up(node_id, "resumed")
        if not node.clock.is_paused:
            raise FaultError(f"Node {node_id} is not paused: there is nothing to resume.")
        self.timeline.add("resume", node_id)
        node.clock.resume()

    # -- links that fail -----------------------------------------------------------------------------------------

    def isolate(self, node_id: int) -> None:
        """Cut a node off from every other node; clients still reach every broker. Raises `FaultError`."""
        self.links.isolate(node_id)
        self.timeline.add("isolate", node_id)

    def cut(
        self, groups: Sequence[Collection[int]], *, one_way: bool = False, clients: Mapping[str, int] | None = None
    ) -> None:
        """Cut the network between groups of nodes; see `Links.cut`. Raises `FaultError`."""
        text = self.links.cut(groups, one_way=one_way, clients=clients)
        self.timeline.add("cut", text=text)

    def slow(self, node_id: int, delay_ms: float, jitter_ms: float = 0.0) -> None:
        """Hold every message from and to a node up. Raises `FaultError`."""
        self.links.slow(node_id, delay_ms, jitter_ms)
        self._relax_later()
        self.timeline.add("slow", node_id, delay_ms=delay_ms, jitter_ms=jitter_ms)

    def drop(self, node_id: int, what: str = "requests", share: float = 1.0, api_key: int | None = None) -> None:
        """Lose a share of the requests to a node, or of its replies. Raises `FaultError`."""
        self.links.drop(node_id, what, share, api_key)
        self.timeline.add("drop", node_id, what=what, share=share, api_key=api_key)
        self._reset_lost()

    def heal(self) -> None:
        """Mend every link. Raises `FaultError` when none is broken."""
        self.links.heal()
        self._relax_later()
        self.timeline.add("heal")
        self._reset_lost()

    def _reset_lost(self) -> None:
        self._fabric.reset_lost()
        for clients in self._clients.values():
            clients.reset_lost()

    def _relax_later(self) -> None:
        self._relaxing.set(self.links.slack_ms)

    # -- inside --------------------------------------------------------------------------------------------------

    def _own_nodes(self) -> Iterator[int]:
        """The nodes of this run: a folder's voters that are brokers without an endpoint stay away."""
        for node_id in self.layout.node_ids:
            if node_id in self.layout.endpoints or node_id >= FIRST_CONTROLLER_ID:
                yield node_id

    def _own_voters(self) -> list[int]:
        return [node_id for node_id in self._own_nodes() if node_id in self.layout.voters]

    def _up(self, node_id: int, wish: str) -> Node:
        check_node(node_id, list(self._own_nodes()))
        if node_id not in self.nodes:
            raise FaultError(f"Node {node_id} is down and cannot be {wish}: start it with restart({node_id}).")
        return self.nodes[node_id]

    def _start_node(self, node_id: int, *, eager: bool = False) -> None:
        node = Node(
            node_id,
            self.layout,
            directory=directory_of(self._data_dir, node_id),
            config=self._config,
            clock=self._clock,
            network=self._fabric.network(node_id),
            random=self._random,
            timeline=self.timeline,
            pool=self._pool,
        )
        self.nodes[node_id] = node
        self._fabric.attach(node)
        node.start(eager=eager)
        if node.broker is not None:
            self._clients[node_id] = ClientLinks(
                node_id=node_id,
                links=self.links,
                hooks=self._hooks,
                clock=node.clock,
                topic_name=node.broker.image.topic_names.get,
                serve=self._guard(node.broker.receive),
            )
            self._on_node_up(node_id)

    def _take_down(self, node_id: int) -> Node:
        node = self.nodes.pop(node_id)
        self._fabric.detach(node_id)
        if node.broker is not None:
            del self._clients[node_id]
            self._on_node_down(node_id)
        return node


def _system_random() -> random.Random:
    return random.SystemRandom()
