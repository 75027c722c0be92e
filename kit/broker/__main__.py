"""The child process that runs an embedded cluster: ``python -m kit.broker``, settings as one JSON line on stdin.

``{"ports": [0, 0, 0], "controllers": null, "data_dir": "...", "is_temporary": true, "config": {}, "parent_pid": 1}``:
one broker for each port, 0 for a free one. When the brokers answer, one JSON line on stdout says where; when they
cannot start, ``{"error": "..."}``. From then on it takes commands (`kit.broker.process.control`). The process ends when
it is told to, at the end of its input, on SIGTERM, and when its parent is gone.
"""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.broker.broker import Peer
from kit.broker.config.configs import BrokerConfig, ConfigError
from kit.broker.embedded import EmbeddedCluster
from kit.broker.endpoints import Endpoint
from kit.broker.faults import FaultError
from kit.broker.layout import LayoutError
from kit.broker.net.connection import Service
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.loop import EventLoop
from kit.broker.net.server import LOOPBACK, ClientPort
from kit.broker.process.child_process import (
    RECEIVE_BYTES,
    RefusedError,
    limits,
    listen_for_clients,
    log_to,
    report,
    sender,
    watch_parent,
)
from kit.broker.process.commands import cluster_commands
from kit.broker.process.control import ControlChannel
from kit.broker.process.data_dir import LOG_FILE, DataDir, DataDirError

log = logging.getLogger(__name__)

_START_TIMEOUT_MS = 25_000  # less than the parent waits
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
    except (RefusedError, ConfigError, DataDirError, LayoutError) as error:
        return report({"error": str(error)}, status=1)
    except Exception as error:
        log.exception("the cluster failed")
        return report({"error": f"The embedded cluster failed: {type(error).__name__}: {error}"}, status=1)
    finally:
        logging.shutdown()
        data_dir.close()
    return 0


def _run(settings: dict[str, Any], data_dir: DataDir) -> None:
    ports = settings["ports"]
    config = BrokerConfig(settings["config"], num_brokers=len(ports))
    node_ids = list(range(1, len(ports) + 1))
    data_dir.check_brokers(node_ids)
    sockets = {node_id: listen_for_clients(port) for node_id, port in zip(node_ids, ports, strict=True)}
    loop = EventLoop(forgive_stalls=True)
    loop.on_signal(signal.SIGINT, None)  # interrupting a notebook must not stop its cluster
    loop.on_signal(signal.SIGTERM, loop.stop)
    channel = ControlChannel(sender(loop), loop.stop)
    loop.on_lines(sys.stdin.fileno(), channel.receive)
    watch_parent(loop, settings["parent_pid"], loop.stop)
    process = _Process(loop, sockets, config)
    cluster = process.start(channel, data_dir, controllers=settings["controllers"])
    try:
        loop.run()
    finally:
        log.info("the cluster shuts down")
        process.close()
        cluster.close()
    if not process.is_ready:
        raise RefusedError(
            f"The brokers did not find to one another within {_START_TIMEOUT_MS // 1000} seconds: the computer may be "
            f"very busy, so try again; {data_dir.path / LOG_FILE} tells more."
        )


class _Process:
    """The cluster of this process and its ports.

    Args:
        sockets: listening ones for each broker.
    """

    def __init__(self, loop: EventLoop, sockets: Mapping[int, list[Any]], config: BrokerConfig) -> None:
        self.is_ready = False
        self._loop = loop
        self._config = config
        budget = MemoryBudget(RECEIVE_BYTES)
        self._port_numbers = {node_id: bound[0].getsockname()[1] for node_id, bound in sockets.items()}
        self._ports = {
            node_id: ClientPort(
                loop,
                Service(
                    f"broker {node_id}",
                    functools.partial(self._receive, node_id),
                    budget,
                    limits(config, num_brokers=len(sockets)),
                ),
                bound,
            )
            for node_id, bound in sockets.items()
        }

    def start(self, channel: ControlChannel, data_dir: DataDir, *, controllers: int | None) -> EmbeddedCluster:
        """Start the cluster; the parent is told when the loop runs and the brokers are there."""
        self._cluster = EmbeddedCluster(
            endpoints={node_id: [Endpoint(LOOPBACK[0], number)] for node_id, number in self._port_numbers.items()},
            data_dir=data_dir.path,
            config=self._config,
            clock=self._loop.clock,
            controllers=controllers,
            flush_metadata=not data_dir.is_temporary,
            on_node_up=self._open,
            on_node_down=lambda node_id: self._ports[node_id].close(),
        )
        channel.serve(cluster_commands(self._cluster, channel, self._loop.clock))
        too_late = self._loop.clock.call_later(_START_TIMEOUT_MS, self._loop.stop)

        def ready(_: None) -> None:
            too_late.cancel()
            self._ready(data_dir)

        self._cluster.start().then(ready)
        return self._cluster

    def _ready(self, data_dir: DataDir) -> None:
        self.is_ready = True
        gc.collect()
        gc.freeze()  # what is alive now stays so: the collector need not look at it again
        log.info("process %d listens for brokers (id: port) %s", os.getpid(), self._port_numbers)
        report({"pid": os.getpid(), "ports": self._port_numbers})
        clock = self._loop.clock
        clock.call_later(_SWEEP_DELAY_MS, lambda: data_dir.remove_left_overs(clock.time_ms() / 1000))

    def _open(self, node_id: int) -> None:
        try:
            self._ports[node_id].open()
        except OSError as error:
            raise FaultError(
                f"Broker {node_id} runs again, but no client reaches it: another program took its port "
                f"{self._port_numbers[node_id]} meanwhile ({error.strerror}). End that program, then kill({node_id}) "
                f"and restart({node_id})."
            ) from error

    def _receive(self, node_id: int, frame: memoryview, peer: Peer) -> Any:
        return self._cluster.receive(node_id, frame, peer)

    def close(self) -> None:
        """Disconnect every client."""
        for port in self._ports.values():
            port.release()


if __name__ == "__main__":
    sys.exit(main())
