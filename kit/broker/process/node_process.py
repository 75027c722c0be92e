"""The process of one node of a cluster (`kit.backends.processes`): settings as one JSON line on stdin, then commands.

The settings: ``node_id`` and ``is_broker`` of this node; ``broker_ids``, ``listeners`` (`kit.broker.process.listening`,
with the ports of every broker), ``voters``, ``peer_ports`` (where each node listens for the others),
``cluster_id``, ``secret`` (hexadecimal), ``data_dir``, ``is_temporary``, ``config`` and ``parent_pid`` of all nodes;
and of this start ``links`` (`Links.dump`) and ``is_eager``. Nothing of it is seen on a command line or in a file.

When the node listens it says ``{"pid": ...}``, or ``{"error": "..."}``, and from then on what it has for the cluster's
timeline, see `SentTimeline`. The process ends when it is told to, on SIGTERM, and with its parent.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import random
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.broker.broker import Broker
from kit.broker.client_links import ClientLinks, RequestHooks
from kit.broker.config.configs import BrokerConfig, ConfigError
from kit.broker.deadline import Deadline
from kit.broker.deferred import Deferred
from kit.broker.faults import FaultError, Links
from kit.broker.layout import directory_of, node_log_file
from kit.broker.lifecycle import LifecycleState
from kit.broker.net.connection import Limits
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.loop import EventLoop
from kit.broker.net.peer_listener import PeerListener
from kit.broker.net.peers import PeerNetwork
from kit.broker.net.server import Server, connect, listen_for_nodes
from kit.broker.node import Layout, Node
from kit.broker.process.child_process import (
    RECEIVE_BYTES,
    RefusedError,
    log_to,
    report,
    sender,
    watch_parent,
)
from kit.broker.process.control import Command, ControlChannel, Failure
from kit.broker.process.data_dir import DataDir, DataDirError
from kit.broker.process.listening import Listeners
from kit.broker.timeline import SentTimeline

log = logging.getLogger(__name__)

READY_TIMEOUT_MS = 30_000
_LOOK_AGAIN_MS = 2
_SWEEP_DELAY_MS = 2_000  # the first records of a lesson come first


def main() -> int:
    """Run a node until told to stop; returns the exit status."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stdin:  # takes nothing from behind the line
        settings = json.loads(stdin.readline())
    try:
        data_dir = DataDir(Path(settings["data_dir"]), is_temporary=settings["is_temporary"], is_shared=True)
        own_dir = DataDir(directory_of(data_dir.path, settings["node_id"]), is_temporary=False)
    except DataDirError as error:
        return report({"error": str(error)}, status=1)
    log_to(data_dir.path / node_log_file(settings["node_id"]))
    is_over = False
    try:
        is_over = _NodeProcess(settings, data_dir).run()
    except (RefusedError, ConfigError, DataDirError) as error:
        return report({"error": str(error)}, status=1)
    except Exception as error:
        log.exception("the node failed")
        name = f"Node {settings['node_id']}"
        return report({"error": f"{name} failed: {type(error).__name__}: {error}"}, status=1)
    finally:
        logging.shutdown()
        own_dir.close()
        data_dir.close(keep=not is_over)
    return 0


class _NodeProcess:
    """What this process consists of."""

    def __init__(self, settings: Mapping[str, Any], data_dir: DataDir) -> None:
        self._node_id: int = settings["node_id"]
        self._data_dir = data_dir
        self._is_over = False  # the whole cluster ends, not only this process
        config = BrokerConfig(settings["config"], num_brokers=len(settings["broker_ids"]))
        secret = bytes.fromhex(settings["secret"])
        peer_ports = {int(node_id): port for node_id, port in settings["peer_ports"].items()}
        data_dir.check_brokers(settings["broker_ids"])
        self._loop = EventLoop()
        self._loop.on_signal(signal.SIGINT, None)  # interrupting a notebook must not stop its cluster
        self._loop.on_signal(signal.SIGTERM, self._loop.stop)
        if hasattr(signal, "SIGHUP"):  # which a paused process gets when its parent ends; it shall end in order
            self._loop.on_signal(signal.SIGHUP, None)
        self._send = sender(self._loop)
        self._links = Links(list(peer_ports), random.SystemRandom())
        self._links.load(settings["links"])
        self._relaxing = Deadline(self._loop.clock, self._links.relax)
        self._network = PeerNetwork(
            node_id=self._node_id,
            ports=peer_ports,
            secret=secret,
            loop=self._loop,
            clock=self._loop.clock,
            links=self._links,
            connect=connect,
        )
        peer_sockets = listen_for_nodes(peer_ports[self._node_id])
        clock = self._loop.clock
        self._listeners = Listeners(settings["listeners"], clock=clock, config=config, num_brokers=1)
        client_sockets = self._listeners.bind(self._node_id) if settings["is_broker"] else []
        self._node = self._make_node(settings, config)
        self._network.attach(self._node)
        peers = PeerListener(self._node, secret).service(Limits(), MemoryBudget(RECEIVE_BYTES))
        self._servers = [Server(self._loop, peers, peer_sockets)]
        self._clients: ClientLinks | None = None
        if self._node.broker is not None:
            self._clients = self._client_links(self._node.broker)
            services = self._listeners.services(self._node_id, self._clients.receive, MemoryBudget(RECEIVE_BYTES))
            for service, sockets in zip(services, client_sockets, strict=True):
                self._servers.append(Server(self._loop, service, sockets))
        channel = ControlChannel(self._send, self._end)
        channel.serve(self._commands())
        self._loop.on_lines(sys.stdin.fileno(), channel.receive)
        watch_parent(self._loop, settings["parent_pid"], self._end)
        self._is_eager: bool = settings["is_eager"]

    def _client_links(self, broker: Broker) -> ClientLinks:
        return ClientLinks(
            node_id=self._node_id,
            links=self._links,
            hooks=RequestHooks(),
            clock=self._node.clock,
            topic_name=broker.image.topic_names.get,
            serve=self._listeners.guard(broker.receive),
        )

    def _make_node(self, settings: Mapping[str, Any], config: BrokerConfig) -> Node:
        layout = Layout(
            cluster_id=settings["cluster_id"],
            endpoints={node_id: self._listeners.endpoints_of(node_id) for node_id in settings["broker_ids"]},
            voters=settings["voters"],
            flush_metadata=not self._data_dir.is_temporary,
        )
        return Node(
            self._node_id,
            layout,
            directory=directory_of(self._data_dir.path, self._node_id),
            config=config,
            clock=self._loop.clock,
            network=self._network,
            random=random.SystemRandom(),
            timeline=SentTimeline(self._loop.clock, self._send),
        )

    def run(self) -> bool:
        """Run until told to stop; whether the whole cluster ends."""
        for server in self._servers:
            server.start()
        log.info("process %d runs node %d", os.getpid(), self._node_id)
        report({"pid": os.getpid()})  # before the first event
        self._node.start(eager=self._is_eager)
        gc.collect()
        gc.freeze()  # what is alive now stays so: the collector need not look at it again
        self._loop.clock.call_later(
            _SWEEP_DELAY_MS, lambda: self._data_dir.remove_left_overs(self._loop.clock.time_ms() / 1000)
        )
        try:
            self._loop.run()
        finally:
            log.info("node %d shuts down", self._node_id)
            for server in self._servers:
                server.close()
            self._network.close()
            self._node.close()
        return self._is_over

    def _end(self) -> None:
        self._is_over = True
        self._loop.stop()
        if hasattr(signal, "SIGCONT"):
            for pid in self._data_dir.holders():  # one that is paused must come to its end too
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGCONT)

    # -- commands ------------------------------------------------------------------------------------------------

    def _commands(self) -> dict[str, Command]:
        return {
            **self._listeners.commands(),
            "links": self._set_links,
            "status": self._status,
            "stop": self._stop,
            "wait_ready": self._wait_ready,
        }

    def _set_links(self, state: Mapping[str, Any]) -> None:
        self._links.load(state)
        self._relaxing.set(self._links.slack_ms)
        self._network.reset_lost()
        if self._clients is not None:
            self._clients.reset_lost()

    def _status(self) -> dict[str, Any]:
        controller = self._node.controller
        return {"is_controller": controller is not None and controller.is_active, "epoch": self._node.raft.epoch}

    def _stop(self) -> None:
        self._node.stop().then(lambda _: self._loop.stop())

    def _wait_ready(self, node_ids: list[int]) -> Deferred[Any]:
        """Resolves when this node is part of the cluster, and knows that these brokers are."""
        ready: Deferred[Any] = Deferred()
        give_up_ms = self._loop.clock.monotonic_ms() + READY_TIMEOUT_MS

        def look() -> None:
            if self._is_ready(set(node_ids)):
                ready.resolve(None)
            elif self._loop.clock.monotonic_ms() < give_up_ms:
                self._loop.clock.call_later(_LOOK_AGAIN_MS, look)
            else:
                ready.resolve(Failure(FaultError(self._why_not_ready())))

        look()
        return ready

    def _is_ready(self, node_ids: set[int]) -> bool:
        broker = self._node.broker
        if broker is None:
            return self._node.raft.leader_id is not None
        return broker.lifecycle.state is LifecycleState.RUNNING and node_ids <= {
            state.node_id for state in broker.image.alive_brokers()
        }

    def _why_not_ready(self) -> str:
        began = f"Node {self._node_id} runs, but is no part of the cluster after {READY_TIMEOUT_MS // 1000} seconds: "
        if self._node.raft.leader_id is None:
            return began + "it knows no active controller; a majority of the controllers must reach one another."
        return began + f"the active controller on node {self._node.raft.leader_id} does not let it in; try heal()."


if __name__ == "__main__":
    sys.exit(main())
