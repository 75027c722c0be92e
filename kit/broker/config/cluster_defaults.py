"""Where the kit's clusters differ from Kafka's defaults, whatever runs them; whoever starts one may override each."""

from __future__ import annotations

from kit.broker.config.broker_settings import BROKER_SETTINGS

_MIB = 1 << 20

CLUSTER_DEFAULTS: dict[str, str] = {
    # One process serves one student: what Kafka does for a production cluster's sake would only be waiting here.
    "group.initial.rebalance.delay.ms": "100",
    # Measured on loopback: with Kafka's 100 KiB sending costs a third less CPU than with what Linux chooses, but
    # receiving costs more.
    "socket.receive.buffer.bytes": "-1",
    # A forgotten producer must not fill a laptop's disk.
    "log.segment.bytes": str(16 * _MIB),
    "log.retention.bytes": str(256 * _MIB),
    "log.retention.check.interval.ms": "30000",
    "log.segment.delete.delay.ms": "1000",
    "kit.log.total.bytes": str(2048 * _MIB),
}
"""The same for every cluster."""

LAB_TIMERS: dict[str, str] = {
    "broker.heartbeat.interval.ms": "60",
    "broker.session.timeout.ms": "250",
    "controller.quorum.election.timeout.ms": "100",
    "controller.quorum.fetch.timeout.ms": "200",
    "replica.fetch.backoff.ms": "100",
    "replica.lag.time.max.ms": "1500",
    "replica.socket.timeout.ms": "1000",
}
"""So that a class sees a failover in less than a second, not in ten: on one computer nothing is slow for long."""

PROCESS_TIMERS: dict[str, str] = {
    "broker.heartbeat.interval.ms": "100",
    "broker.session.timeout.ms": "400",
    "controller.quorum.election.timeout.ms": "200",
    "controller.quorum.fetch.timeout.ms": "350",
}
"""More patience where each broker is a process, which a busy computer may keep waiting while the others run."""

CONTAINER_TIMERS: dict[str, str] = {
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "controller.quorum.election.timeout.ms": "1000",
    "controller.quorum.fetch.timeout.ms": "2000",
    "replica.fetch.backoff.ms": "200",
    "replica.lag.time.max.ms": "4000",
    "replica.socket.timeout.ms": "3000",
}
"""For Apache Kafka in containers: a JVM that starts beside others needs Kafka's own patience in elections, and a third
of it to notice a dead broker."""

KAFKA_TIMERS: dict[str, str] = {name: BROKER_SETTINGS[name].default or "" for name in LAB_TIMERS}
"""Kafka's own values for what the labs hurry, for ``kit.start(config=kit.KAFKA_TIMERS)``."""


def cluster_defaults(num_brokers: int) -> dict[str, str]:
    """The defaults of a cluster with so many brokers: the tables above, and as many copies as it can keep."""
    copies = str(min(3, num_brokers))
    in_sync = "2" if num_brokers >= 3 else "1"
    return {
        **CLUSTER_DEFAULTS,
        **LAB_TIMERS,
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
    }
