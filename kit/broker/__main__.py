"""The child process that runs an embedded cluster: ``python -m kit.broker``, settings as one JSON line on stdin.

``{"ports": [0, 0, 0], "data_dir": "...", "is_temporary": true, "config": {}, "parent_pid": 1}``: one broker for each
port, 0 for a free one. When the brokers answer, one JSON line on stdout says where; when they cannot start,
``{"error": "..."}``. The process ends on more input, at the end of its input, on SIGTERM, and when its parent is gone.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import logging
import logging.handlers
import os
import signal
import sys
from pathlib import Path
from typing import Any

from kit.broker.broker import Endpoint
from kit.broker.configs import BrokerConfig, ConfigError
from kit.broker.connection import Limits, Service
from kit.broker.data_dir import LOG_FILE, DataDir, DataDirError
from kit.broker.embedded import EmbeddedCluster
from kit.broker.framing import MemoryBudget
from kit.broker.loop import EventLoop
from kit.broker.server import LOOPBACK, Server, listen

log = logging.getLogger(__name__)

_LOG_BYTES = 2_000_000  # then the file becomes server.log.1, and the one before goes
_RECEIVE_BYTES = 268_435_456  # receive buffers of all brokers together
_WANTED_DESCRIPTORS = 4_096  # macOS starts programs with 256
_PARENT_CHECK_MS = 500
_SWEEP_DELAY_MS = 2_000  # the first records of a lesson come first


class _Refused(Exception):
    """The cluster cannot start; the text says why and what to do."""


def main() -> int:
    """Run a cluster until told to stop; returns the exit status."""
    settings = json.loads(sys.stdin.readline())
    try:
        data_dir = DataDir(Path(settings["data_dir"]), is_temporary=settings["is_temporary"])
    except DataDirError as error:
        return _report({"error": str(error)}, status=1)
    _log_to(data_dir.path / LOG_FILE)
    try:
        _run(settings, data_dir)
    except (_Refused, ConfigError, DataDirError) as error:
        return _report({"error": str(error)}, status=1)
    except Exception as error:
        log.exception("the cluster failed")
        return _report({"error": f"The embedded cluster failed: {type(error).__name__}: {error}"}, status=1)
    finally:
        logging.shutdown()
        data_dir.close()
    return 0


def _run(settings: dict[str, Any], data_dir: DataDir) -> None:
    config = BrokerConfig(settings["config"])
    ports = settings["ports"]
    node_ids = list(range(1, len(ports) + 1))
    data_dir.check_brokers(node_ids)
    sockets = {node_id: _listen(port) for node_id, port in zip(node_ids, ports, strict=True)}
    endpoints = {node_id: Endpoint(LOOPBACK[0], bound[0].getsockname()[1]) for node_id, bound in sockets.items()}
    loop = EventLoop()
    loop.on_signal(signal.SIGINT, None)  # interrupting a notebook must not stop its cluster
    loop.on_signal(signal.SIGTERM, loop.stop)
    loop.on_input(sys.stdin.fileno(), loop.stop)
    if os.name == "posix":
        _watch_parent(loop, settings["parent_pid"])
    cluster = EmbeddedCluster(endpoints=endpoints, data_dir=data_dir.path, config=config, clock=loop.clock)
    cluster.start()
    servers = _serve(loop, cluster, sockets, config)
    gc.collect()
    gc.freeze()  # what is alive now stays so: the collector need not look at it again
    ports_by_id = {node_id: endpoint.port for node_id, endpoint in endpoints.items()}
    log.info("process %d listens for brokers (id: port) %s", os.getpid(), ports_by_id)
    _report({"pid": os.getpid(), "ports": ports_by_id})
    loop.clock.call_later(_SWEEP_DELAY_MS, lambda: data_dir.remove_left_overs(loop.clock.time_ms() / 1000))
    try:
        loop.run()
    finally:
        log.info("the cluster shuts down")
        for server in servers:
            server.close()
        cluster.close()


def _serve(loop: EventLoop, cluster: EmbeddedCluster, sockets: dict[int, Any], config: BrokerConfig) -> list[Server]:
    limits = Limits(
        max_frame_bytes=config["socket.request.max.bytes"],
        max_connections=min(config["max.connections"], _raise_descriptor_limit() // (2 * len(sockets))),
        max_idle_ms=config["connections.max.idle.ms"],
        send_buffer_bytes=config["socket.send.buffer.bytes"],
        receive_buffer_bytes=config["socket.receive.buffer.bytes"],
    )
    budget = MemoryBudget(_RECEIVE_BYTES)
    servers = []
    for node_id, broker in cluster.brokers.items():
        service = Service(f"broker {node_id}", broker.receive, budget, limits)
        servers.append(Server(loop, service, sockets[node_id]))
        servers[-1].start()
    return servers


def _listen(port: int) -> list[Any]:
    try:
        return listen(port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _Refused(
                f"Port {port} is in use already, perhaps by another Kafka or by a cluster of another notebook: "
                "close that, or leave port out and the kit finds free ones."
            ) from error
        raise _Refused(f"Port {port} cannot be used ({error.strerror}): choose another one above 1023.") from error


def _watch_parent(loop: EventLoop, parent_pid: int) -> None:
    """Stop the loop when the parent is gone.

    The end of the input does not say so when a process that the parent forked holds the pipe's other end too.
    """

    def check() -> None:
        if os.getppid() == parent_pid:
            loop.clock.call_later(_PARENT_CHECK_MS, check)
        else:
            log.warning("the parent, process %d, is gone", parent_pid)
            loop.stop()

    check()


def _report(answer: dict[str, Any], *, status: int = 0) -> int:
    """Tell the parent, then leave stdout to whoever prints: nobody reads it any more."""
    print(json.dumps(answer), flush=True)  # noqa: T201 - it is the interface
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
    return status


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s (%(name)s)"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _raise_descriptor_limit() -> int:
    """Allow this process more descriptors, as far as the system lets it; returns how many it has then."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return _WANTED_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (sys.maxsize if limit == resource.RLIM_INFINITY else limit for limit in (soft, hard))
    if soft >= _WANTED_DESCRIPTORS:
        return _WANTED_DESCRIPTORS
    wanted = min(_WANTED_DESCRIPTORS, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft


if __name__ == "__main__":
    sys.exit(main())
