"""The active controller of a cluster: the only writer of metadata.

A request comes in by `Controller.receive` (brokers forward it, KIP-590); its handler calls the functions of
``topics.py`` and ``configs.py`` beside this file, which decide; `Controller.commit` writes the decision to the
metadata log and carries it to every broker.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.broker import handlers
from kit.broker.clock import Clock
from kit.broker.configs import BrokerConfig
from kit.broker.deferred import Deferred
from kit.broker.metadata import NO_LEADER, MetadataImage
from kit.broker.raft.metadata_log import MetadataLog
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Endpoint, RequestContext
    from kit.broker.fabric import Fabric

log = logging.getLogger(__name__)

PRODUCER_ID_BLOCK_SIZE = 1000
_LEADER_EPOCH = 1  # of the metadata partition itself: one controller, never re-elected


class Controller:
    """Decides and remembers.

    Args:
        node_id: the node it runs on.
        directory: where ``__cluster_metadata-0`` lives.
        config: the settings topics fall back to.
    """

    def __init__(self, *, node_id: int, directory: Path, config: BrokerConfig, clock: Clock, fabric: Fabric) -> None:
        self.node_id = node_id
        self.config = config
        self.image = MetadataImage()
        self._fabric = fabric
        self._log = MetadataLog(directory, clock=clock)
        for record in self._log.read_all():
            self.image.apply(record)
        self._handlers = handlers.load_all()

    def receive(self, request: Any, context: RequestContext) -> Deferred[Any]:
        """Answer a request that a broker forwarded or sent; resolves with the response message."""
        answer: Deferred[Any] = Deferred()
        response = self._handlers[context.api_key].function(self, request, context)
        if isinstance(response, Deferred):
            response.then(answer.resolve)
        else:
            answer.resolve(response)
        return answer

    def commit(self, records: Sequence[Any]) -> None:
        """Write records to the metadata log, apply them here and carry them to every broker; all or none."""
        if not records:
            return
        self._log.append(records, leader_epoch=_LEADER_EPOCH)
        for record in records:
            self.image.apply(record)
        self._fabric.publish_metadata(records)

    def history(self) -> list[Any]:
        """Every committed metadata record, oldest first: what a starting broker catches up from."""
        return list(self._log.read_all())

    def start(self, endpoints: dict[int, Endpoint]) -> None:
        """Register the brokers of this run and settle who leads what.

        A partition whose only replica came back is led by it again in a new epoch; one whose brokers are all absent
        has no leader until they return.
        """
        records: list[Any] = [
            self._registration(node_id, endpoint, fenced=False) for node_id, endpoint in sorted(endpoints.items())
        ]
        for node_id, broker in self.image.brokers.items():
            if node_id not in endpoints:
                absent = m.BrokerEndpoint(name="PLAINTEXT", host=broker.host, port=broker.port, security_protocol=0)
                records.append(
                    m.RegisterBrokerRecord(
                        broker_id=node_id, broker_epoch=broker.epoch, end_points=[absent], rack=broker.rack, fenced=True
                    )
                )
        for topic, partition in self.image.partitions():
            alive = [node_id for node_id in partition.isr if node_id in endpoints]
            records.append(
                m.PartitionChangeRecord(
                    partition_id=partition.partition, topic_id=topic.topic_id, leader=alive[0] if alive else NO_LEADER
                )
            )
        self.commit(records)

    def _registration(self, node_id: int, endpoint: Endpoint, *, fenced: bool) -> m.RegisterBrokerRecord:
        known = self.image.brokers.get(node_id)
        return m.RegisterBrokerRecord(
            broker_id=node_id,
            broker_epoch=0 if known is None else known.epoch + 1,
            end_points=[
                m.BrokerEndpoint(name="PLAINTEXT", host=endpoint.host, port=endpoint.port, security_protocol=0)
            ],
            rack=None,
            fenced=fenced,
        )

    def allocate_producer_ids(self, broker_id: int, broker_epoch: int) -> int:
        """Give a broker the next block of producer ids; returns its first one (KIP-730)."""
        first = self.image.next_producer_id
        self.commit(
            [
                m.ProducerIdsRecord(
                    broker_id=broker_id, broker_epoch=broker_epoch, next_producer_id=first + PRODUCER_ID_BLOCK_SIZE
                )
            ]
        )
        return first

    def close(self) -> None:
        """Close the metadata log cleanly."""
        self._log.close()
