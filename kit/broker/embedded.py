"""A whole cluster in one event loop: N brokers, a controller on the first of them, one fabric."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from pathlib import Path

from kit.broker.broker import Broker, Endpoint
from kit.broker.clock import Clock
from kit.broker.configs import BrokerConfig
from kit.broker.controller.controller import Controller
from kit.broker.fabric import Fabric

META_PROPERTIES = "meta.properties"


class EmbeddedCluster:
    """Brokers ``first_node_id`` .. over folders ``broker-<id>`` of one data directory.

    Args:
        endpoints: where clients reach each broker, by node id (the server has bound the ports already).
        config: settings for every broker.

    Raises:
        OSError: the data directory cannot be read or written.
    """

    def __init__(
        self, *, endpoints: Mapping[int, Endpoint], data_dir: Path, config: BrokerConfig, clock: Clock
    ) -> None:
        self._endpoints = dict(endpoints)
        node_ids = sorted(self._endpoints)
        directories = {node_id: data_dir / f"broker-{node_id}" for node_id in node_ids}
        for directory in directories.values():
            directory.mkdir(parents=True, exist_ok=True)
        self.cluster_id = _cluster_id(directories)
        fabric = Fabric()
        self.controller = Controller(
            node_id=node_ids[0], directory=directories[node_ids[0]], config=config, clock=clock, fabric=fabric
        )
        fabric.set_controller(self.controller)
        self.brokers: dict[int, Broker] = {}
        for node_id in node_ids:
            own = _node_settings(node_id, self._endpoints[node_id], directories[node_id])
            self.brokers[node_id] = Broker(
                node_id=node_id,
                cluster_id=self.cluster_id,
                directory=directories[node_id],
                config=config.with_node_settings(own),
                clock=clock,
                fabric=fabric,
            )
            fabric.add_broker(self.brokers[node_id])

    def start(self) -> None:
        """Give each broker what the metadata log holds, then register the brokers and settle the leaders."""
        history = self.controller.history()
        for broker in self.brokers.values():
            broker.catch_up(history)
        self.controller.start(self._endpoints)

    def close(self) -> None:
        """Close every log cleanly."""
        for broker in self.brokers.values():
            broker.close()
        self.controller.close()


def _node_settings(node_id: int, endpoint: Endpoint, directory: Path) -> dict[str, str]:
    """What DescribeConfigs tells of one broker alone."""
    listener = f"PLAINTEXT://{endpoint.host}:{endpoint.port}"
    return {
        "node.id": str(node_id),
        "broker.id": str(node_id),
        "listeners": listener,
        "advertised.listeners": listener,
        "log.dirs": str(directory),
    }


def _cluster_id(directories: Mapping[int, Path]) -> str:
    """The id that the folders carry in Kafka's ``meta.properties``; a new one for new folders (KIP-78)."""
    found: str | None = None
    for directory in directories.values():
        path = directory / META_PROPERTIES
        if found is None and path.exists():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found = dict(line.split("=", 1) for line in lines if "=" in line).get("cluster.id") or None
    if found is None:
        found = _random_id()
    for node_id, directory in directories.items():
        path = directory / META_PROPERTIES
        if not path.exists():
            lines = ["version=1", f"cluster.id={found}", f"node.id={node_id}", f"directory.id={_random_id()}"]
            path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return found


def _random_id() -> str:
    """22 characters of base64url, as Kafka's ``Uuid.randomUuid``."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode("ascii")
