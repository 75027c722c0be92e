"""The child process that runs an embedded cluster: ``python -m kit.broker``, settings as one JSON line on stdin.

``{"ports": [0, 0, 0], "controllers": null, "data_dir": "...", "is_temporary": true, "config": {}, "parent_pid": 1}``:
one broker for each port, 0 for a free one. When the brokers answer, one JSON line on stdout says where; when they
cannot start, ``{"error": "..."}``. From then on it takes commands (`kit.broker.control`). The process ends when it is
told to, at the end of its input, on SIGTERM, and when its parent is gone.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kit.broker.broker import Endpoint
from kit.broker.child_process import (
    RECEIVE_BYTES,
    RefusedError,
    limits,
    listen_for_clients,
    log_to,
    report,
    watch_parent,
)
from kit.broker.commands import cluster_commands
from kit.broker.configs import BrokerConfig, ConfigError
from kit.broker.connection import Service
from kit.broker.control import Command, ControlChannel
from kit.broker.data_dir import LOG_FILE, DataDir, DataDirError
from kit.broker.embedded import EmbeddedCluster
from kit.broker.framing import MemoryBudget
from kit.broker.loop import EventLoop
from kit.broker.server import LOOPBACK, Server

log = logging.getLogger(__name__)

_SWEEP_DELAY_MS = 2_000  # the first records of a lesson come first


def main() -> int:
    """Run a cluster until told to stop; returns the exit status."""
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stdin:  # takes nothing from behind the line
        settings = json.loads(stdin.readline())
    try:
        data_dir = DataDir(Path(settings["data_dir"]), is_temporary=settings["is_temporary"])
    except DataDirError as error:
        return report({"error": str(error)}, status=1)
    log_to(data_dir.path / LOG_FILE)
    try:
        _run(settings, data_dir)
    except (RefusedError, ConfigError, DataDirError) as error:
        return report({"error": str(error)}, status=1)
    except Exception as error:
        log.exception("the cluster failed")
        return report({"error": f"The embedded cluster failed: {type(error).__name__}: {error}"}, status=1)
    finally:
        logging.shutdown()
        data_dir.close()
    return 0


def _run(settings: dict[str, Any], data_dir: DataDir) -> None:
    config = BrokerConfig(settings["config"])
    ports = settings["ports"]
    node_ids = list(range(1, len(ports) + 1))
    data_dir.check_brokers(node_ids)
    sockets = {node_id: listen_for_clients(port) for node_id, port in zip(node_ids, ports, strict=True)}
    endpoints = {node_id: Endpoint(LOOPBACK[0], bound[0].getsockname()[1]) for node_id, bound in sockets.items()}
    loop = EventLoop()
    loop.on_signal(signal.SIGINT, None)  # interrupting a notebook must not stop its cluster
    loop.on_signal(signal.SIGTERM, loop.stop)
    channel = ControlChannel(_sender(loop), loop.stop)
    loop.on_lines(sys.stdin.fileno(), channel.receive)
    watch_parent(loop, settings["parent_pid"], loop.stop)
    cluster = EmbeddedCluster(endpoints=endpoints, data_dir=data_dir.path, config=config, clock=loop.clock)
    channel.serve(_commands(cluster, channel, loop))
    cluster.start()
    servers = _serve(loop, cluster, sockets, config)
    gc.collect()
    gc.freeze()  # what is alive now stays so: the collector need not look at it again
    ports_by_id = {node_id: endpoint.port for node_id, endpoint in endpoints.items()}
    log.info("process %d listens for brokers (id: port) %s", os.getpid(), ports_by_id)
    report({"pid": os.getpid(), "ports": ports_by_id})
    loop.clock.call_later(_SWEEP_DELAY_MS, lambda: data_dir.remove_left_overs(loop.clock.time_ms() / 1000))
    try:
        loop.run()
    finally:
        log.info("the cluster shuts down")
        for server in servers:
            server.close()
        cluster.close()


def _commands(cluster: Any, channel: ControlChannel, loop: EventLoop) -> dict[str, Command]:
    if hasattr(cluster, "kill"):
        return cluster_commands(cluster, channel, loop.clock)
    return {"state": lambda: {"nodes": dict.fromkeys(cluster.brokers, "up"), "controller": 1}}  # until it can fail


def _sender(loop: EventLoop) -> Callable[[Mapping[str, Any]], None]:
    """What sends a message to the parent, which reads this process's first stdout; `_report` gives it another."""
    write = loop.writer(os.dup(sys.stdout.fileno()))
    return lambda message: write(json.dumps(message).encode() + b"\n")


def _serve(loop: EventLoop, cluster: EmbeddedCluster, sockets: dict[int, Any], config: BrokerConfig) -> list[Server]:
    budget = MemoryBudget(RECEIVE_BYTES)
    servers = []
    for node_id, broker in cluster.brokers.items():
        service = Service(f"broker {node_id}", broker.receive, budget, limits(config, num_brokers=len(sockets)))
        servers.append(Server(loop, service, sockets[node_id]))
        servers[-1].start()
    return servers


if __name__ == "__main__":
    sys.exit(main())
