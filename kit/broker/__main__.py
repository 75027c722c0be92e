"""The child process that runs an embedded cluster: ``python -m kit.broker``, settings as one JSON line on stdin.

``{"brokers": 3, "listeners": [...], "controllers": null, "data_dir": "...", "is_temporary": true, "config": {},
"parent_pid": 1}``; the listeners as in `kit.broker.process.listening`. When the brokers answer, one JSON line on stdout
says which ports they have, in the listeners' order; when they cannot start, ``{"error": "..."}``. From then on it takes
commands (`kit.broker.process.control`). The process ends when it is told to, at the end of its input, on SIGTERM, and
when its parent is gone.
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
from kit.broker.faults import FaultError
from kit.broker.layout import LayoutError
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.loop import EventLoop
from kit.broker.net.server import ClientPort
from kit.broker.process.child_process import (
    RECEIVE_BYTES,
    RefusedError,
    log_to,
    report,
    sender,
    watch_parent,
)
from kit.broker.process.commands import cluster_commands
from kit.broker.process.control import ControlChannel
from kit.broker.process.data_dir import LOG_FILE, DataDir, DataDirError
from kit.broker.process.listening import Listeners, Sockets

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
    num_brokers = settings["brokers"]
    config = BrokerConfig(settings["config"], num_brokers=num_brokers)
    node_ids = list(range(1, num_brokers + 1))
    data_dir.check_brokers(node_ids)
    loop = EventLoop(forgive_stalls=True)
    listeners = Listeners(settings["listeners"], clock=loop.clock, config=config, num_brokers=num_brokers)
    sockets = {node_id: listeners.bind(node_id) for node_id in node_ids}
    loop.on_signal(signal.SIGINT, None)  # interrupting a notebook must not stop its cluster
    loop.on_signal(signal.SIGTERM, loop.stop)
    channel = ControlChannel(sender(loop), loop.stop)
    loop.on_lines(sys.stdin.fileno(), channel.receive)
    watch_parent(loop, settings["parent_pid"], loop.stop)
    process = _Process(loop, listeners, sockets, config)
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
        sockets: listening ones for each broker, and each of its listeners.
    """

    def __init__(
        self, loop: EventLoop, listeners: Listeners, sockets: Mapping[int, list[Sockets]], config: BrokerConfig
    ) -> None:
        self.is_ready = False
        self._loop = loop
        self._listeners = listeners
        self._config = config
        budget = MemoryBudget(RECEIVE_BYTES)
        self._port_numbers = {
            node_id: [same_port[0].getsockname()[1] for same_port in bound] for node_id, bound in sockets.items()
        }
        self._ports: dict[int, list[ClientPort]] = {}
        for node_id, bound in sockets.items():
            services = listeners.services(node_id, functools.partial(self._receive, node_id), budget)
            self._ports[node_id] = [
                ClientPort(loop, service, same_port) for service, same_port in zip(services, bound, strict=True)
            ]

    def start(self, channel: ControlChannel, data_dir: DataDir, *, controllers: int | None) -> EmbeddedCluster:
        """Start the cluster; the parent is told when the loop runs and the brokers are there."""
        self._cluster = EmbeddedCluster(
            endpoints={node_id: self._listeners.endpoints(each) for node_id, each in self._port_numbers.items()},
            data_dir=data_dir.path,
            config=self._config,
            clock=self._loop.clock,
            controllers=controllers,
            flush_metadata=not data_dir.is_temporary,
            on_node_up=self._open,
            on_node_down=self._close,
            guard=self._listeners.guard,
        )
        channel.serve({**cluster_commands(self._cluster, channel, self._loop.clock), **self._listeners.commands()})
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
        log.info("process %d listens for brokers (id: ports) %s", os.getpid(), self._port_numbers)
        report({"pid": os.getpid(), "ports": self._port_numbers})
        clock = self._loop.clock
        clock.call_later(_SWEEP_DELAY_MS, lambda: data_dir.remove_left_overs(clock.time_ms() / 1000))

    def _open(self, node_id: int) -> None:
        try:
            for port in self._ports[node_id]:
                port.open()
        except OSError as error:
            raise FaultError(
                f"Broker {node_id} runs again, but no client reaches it: another program took a port of its "
                f"{self._port_numbers[node_id]} meanwhile ({error.strerror}). End that program, then kill({node_id}) "
                f"and restart({node_id})."
            ) from error

    def _close(self, node_id: int) -> None:
        for port in self._ports[node_id]:
            port.close()

    def _receive(self, node_id: int, frame: memoryview, peer: Peer) -> Any:
        return self._cluster.receive(node_id, frame, peer)

    def close(self) -> None:
        """Disconnect every client."""
        for ports in self._ports.values():
            for port in ports:
                port.release()


if __name__ == "__main__":
    sys.exit(main())
