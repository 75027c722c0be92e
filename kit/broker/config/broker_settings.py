"""The settings of a broker: those that it honours, and those that clients and admin tools like to read.

The ranges and defaults are Kafka 4.3's, the sentences are ours. Left out until they mean something here: ACLs, more of
TLS and SASL, quotas, share and streams groups, tiered storage, the settings of JVM and metrics.
Source: Kafka class ``AbstractKafkaConfig``; ``DynamicBrokerConfig`` for what can change in a running broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kit.broker.config.settings import MAX_INT32, MAX_INT64, AtLeast, Check, ConfigType, OneOf, Setting, table
from kit.broker.config.topic_settings import BROKER_NAME, TOPIC_SETTINGS

_BOOLEAN, _STRING, _SHORT, _INT, _LONG, _LIST, _CLASS = (
    ConfigType.BOOLEAN, ConfigType.STRING, ConfigType.SHORT, ConfigType.INT, ConfigType.LONG, ConfigType.LIST,
    ConfigType.CLASS,
)  # fmt: skip
_FIXED, _DYNAMIC = False, True  # set when the broker starts, or changed while it runs too
_HOURS_PER_WEEK = "168"
_MIB = 1 << 20

RACK_AWARE = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
LEADER_SELECTOR = "org.apache.kafka.common.replica.LeaderSelector"

NODE_SETTINGS = frozenset({
    "advertised.listeners", "broker.id", "broker.rack", "listener.security.protocol.map", "listeners", "log.dir",
    "log.dirs", "node.id", "sasl.enabled.mechanisms", "ssl.client.auth",
})  # fmt: skip
"""What differs from broker to broker: the kit fills it in, nobody else may."""

NO_DEFAULT_OF_ITS_OWN = frozenset({"log.flush.interval.ms", "log.retention.ms", "log.roll.jitter.ms", "log.roll.ms"})
"""Unset unless given: a coarser setting (hours, minutes) has the default."""

# name, type, default, check, whether it can change while the broker runs, meaning
_Row = tuple[str, ConfigType, str | None, Check | None, bool, str]
_ROWS: list[_Row] = [
    # who and where
    ("node.id", _INT, None, AtLeast(0), _FIXED, "This node's number, unique in the cluster."),
    ("broker.id", _INT, "-1", None, _FIXED, "The name that node.id had before KRaft."),
    ("broker.rack", _STRING, None, None, _FIXED, "Where the broker stands."),
    ("listeners", _LIST, "PLAINTEXT://:9092", None, _FIXED, "The addresses that the node listens on."),
    ("advertised.listeners", _LIST, None, None, _FIXED, "The addresses that clients are told to connect to."),
    ("listener.security.protocol.map", _STRING, "PLAINTEXT:PLAINTEXT", None, _FIXED,
     "Which security protocol each listener speaks."),
    ("inter.broker.listener.name", _STRING, None, None, _FIXED, "The listener that brokers use among themselves."),
    ("sasl.enabled.mechanisms", _LIST, "GSSAPI", None, _FIXED, "How clients may prove who they are."),
    ("ssl.client.auth", _STRING, "none", OneOf(("required", "requested", "none")), _FIXED,
     "Whether clients need a certificate."),
    ("security.inter.broker.protocol", _STRING, "PLAINTEXT", OneOf(("PLAINTEXT",)), _FIXED,
     "How brokers talk among themselves."),
    ("log.dir", _LIST, "", None, _FIXED, "The folder of the logs, when log.dirs is not set."),
    ("log.dirs", _LIST, None, None, _FIXED, "The folders of the logs."),
    ("authorizer.class.name", _STRING, "", None, _FIXED, "What decides who may do what; empty lets everybody."),
    # topics
    ("auto.create.topics.enable", _BOOLEAN, "true", None, _FIXED,
     "Whether a topic is made when a client asks for one that does not exist."),
    ("auto.leader.rebalance.enable", _BOOLEAN, "true", None, _FIXED,
     "Whether leadership returns by itself to the preferred replica."),
    ("create.topic.policy.class.name", _CLASS, None, None, _FIXED, "A plug-in that may refuse new topics."),
    ("default.replication.factor", _INT, "1", None, _FIXED, "Replicas of a topic that does not say how many."),
    ("delete.topic.enable", _BOOLEAN, "true", None, _FIXED, "Whether topics can be deleted."),
    ("leader.imbalance.check.interval.seconds", _LONG, "300", AtLeast(1), _FIXED,
     "How often leadership is compared with the preferred replicas."),
    ("num.partitions", _INT, "1", AtLeast(1), _FIXED, "Partitions of a topic that does not say how many."),
    # the log
    ("log.cleaner.enable", _BOOLEAN, "true", None, _FIXED, "Whether compaction runs."),
    ("log.cleaner.threads", _INT, "1", AtLeast(0), _DYNAMIC, "How many threads compact."),
    ("log.cleaner.backoff.ms", _LONG, "15000", AtLeast(0), _DYNAMIC,
     "How long compaction rests when there is nothing to do."),
    ("log.flush.scheduler.interval.ms", _LONG, str(MAX_INT64), None, _FIXED,
     "How often it is looked whether a log must be forced to disk."),
    ("log.flush.offset.checkpoint.interval.ms", _INT, "60000", AtLeast(0), _FIXED,
     "How often the recovery points are written down."),
    ("log.flush.start.offset.checkpoint.interval.ms", _INT, "60000", AtLeast(0), _FIXED,
     "How often the log start offsets are written down."),
    ("log.retention.check.interval.ms", _LONG, "300000", AtLeast(1), _FIXED,
     "How often it is looked whether segments are old enough to go."),
    ("log.retention.hours", _INT, _HOURS_PER_WEEK, None, _FIXED,
     "retention.ms in hours, when neither log.retention.ms nor log.retention.minutes is set."),
    ("log.retention.minutes", _INT, None, None, _FIXED, "retention.ms in minutes, when log.retention.ms is not set."),
    ("log.roll.hours", _INT, _HOURS_PER_WEEK, AtLeast(1), _FIXED, "segment.ms in hours, when log.roll.ms is not set."),
    ("log.roll.jitter.hours", _INT, "0", AtLeast(0), _FIXED,
     "segment.jitter.ms in hours, when log.roll.jitter.ms is not set."),
    ("num.recovery.threads.per.data.dir", _INT, "2", AtLeast(1), _DYNAMIC,
     "How many threads check logs after an unclean stop."),
    ("kit.log.total.bytes", _LONG, "-1", AtLeast(-1), _FIXED,
     "Not Kafka's: the size of all logs from which on the fullest partition loses its oldest segment; -1: none."),
    # groups and their offsets
    ("group.initial.rebalance.delay.ms", _INT, "3000", AtLeast(0), _FIXED,
     "How long a new group waits for more members before the first assignment."),
    ("group.max.session.timeout.ms", _INT, "1800000", AtLeast(0), _FIXED, "The longest session timeout of a member."),
    ("group.min.session.timeout.ms", _INT, "6000", AtLeast(0), _FIXED, "The shortest session timeout of a member."),
    ("group.max.size", _INT, str(MAX_INT32), AtLeast(1), _FIXED, "How many members a group can have."),
    ("offset.metadata.max.bytes", _INT, "4096", AtLeast(0), _FIXED, "The longest note committed with an offset."),
    ("offsets.commit.timeout.ms", _INT, "5000", AtLeast(1), _FIXED,
     "How long a commit waits for the replicas of the offsets topic."),
    ("offsets.load.buffer.size", _INT, str(5 * _MIB), AtLeast(1), _FIXED,
     "How much is read at once when a coordinator loads its groups."),
    ("offsets.retention.check.interval.ms", _LONG, "600000", AtLeast(1), _FIXED,
     "How often it is looked whether committed offsets are old enough to go."),
    ("offsets.retention.minutes", _INT, "10080", AtLeast(1), _FIXED,
     "How long committed offsets stay after the group is empty."),
    ("offsets.topic.compression.codec", _INT, "0", OneOf((0, 1, 2, 3, 4)), _FIXED,
     "The codec of the offsets topic: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    ("offsets.topic.num.partitions", _INT, "50", AtLeast(1), _FIXED,
     "Partitions of the offsets topic; groups are spread over them."),
    ("offsets.topic.replication.factor", _SHORT, "3", AtLeast(1), _FIXED, "Replicas of the offsets topic."),
    ("offsets.topic.segment.bytes", _INT, str(100 * _MIB), AtLeast(1), _FIXED, "Segment size of the offsets topic."),
    # producers and transactions
    ("producer.id.expiration.ms", _INT, "86400000", AtLeast(1), _DYNAMIC,
     "How long the broker remembers an idle producer's sequence numbers."),
    ("transaction.max.timeout.ms", _INT, "900000", AtLeast(1), _FIXED, "The longest time a transaction may be open."),
    ("transaction.state.log.min.isr", _INT, "2", AtLeast(1), _FIXED, "min.insync.replicas of the transactions topic."),
    ("transaction.state.log.num.partitions", _INT, "50", AtLeast(1), _FIXED, "Partitions of the transactions topic."),
    ("transaction.state.log.replication.factor", _SHORT, "3", AtLeast(1), _FIXED,
     "Replicas of the transactions topic."),
    ("transaction.state.log.segment.bytes", _INT, str(100 * _MIB), AtLeast(1), _FIXED,
     "Segment size of the transactions topic."),
    ("transactional.id.expiration.ms", _INT, "604800000", AtLeast(1), _FIXED,
     "How long an idle transactional id is remembered."),
    # replication and the cluster
    ("broker.heartbeat.interval.ms", _INT, "2000", AtLeast(1), _FIXED,
     "How often a broker tells the controller that it lives."),
    ("broker.session.timeout.ms", _INT, "9000", AtLeast(1), _FIXED,
     "After what silence the controller takes a broker for dead."),
    ("controlled.shutdown.enable", _BOOLEAN, "true", None, _FIXED,
     "Whether a broker hands over its leaderships before it stops."),
    ("controller.quorum.election.timeout.ms", _INT, "1000", AtLeast(0), _FIXED,
     "How long a controller waits for a leader before it stands for election."),
    ("controller.quorum.fetch.timeout.ms", _INT, "2000", AtLeast(0), _FIXED,
     "How long a controller can go without the leader's answer."),
    ("num.replica.fetchers", _INT, "1", AtLeast(1), _DYNAMIC, "How many threads fetch from each leader."),
    ("replica.fetch.backoff.ms", _INT, "1000", AtLeast(0), _FIXED, "How long a follower rests after a failed fetch."),
    ("replica.fetch.max.bytes", _INT, str(_MIB), AtLeast(0), _FIXED,
     "How much a follower fetches from one partition at once."),
    ("replica.fetch.min.bytes", _INT, "1", AtLeast(0), _FIXED, "How much a follower's fetch waits for."),
    ("replica.fetch.response.max.bytes", _INT, str(10 * _MIB), AtLeast(0), _FIXED,
     "How much a follower fetches at once in all."),
    ("replica.fetch.wait.max.ms", _INT, "500", AtLeast(0), _FIXED, "How long a follower's fetch waits for data."),
    ("replica.high.watermark.checkpoint.interval.ms", _LONG, "5000", AtLeast(1), _FIXED,
     "How often the high watermarks are written down."),
    ("replica.lag.time.max.ms", _LONG, "30000", AtLeast(1), _FIXED,
     "How long a follower may lag before it is out of the in-sync replicas."),
    ("replica.selector.class", _STRING, None, OneOf((RACK_AWARE, LEADER_SELECTOR)), _FIXED,
     "Which replica consumers are told to read from."),
    ("replica.socket.timeout.ms", _INT, "30000", AtLeast(1), _FIXED,
     "How long a follower waits for the answer to a fetch."),
    ("request.timeout.ms", _INT, "30000", AtLeast(0), _FIXED, "How long a request between nodes may take."),
    # requests and connections
    ("background.threads", _INT, "10", AtLeast(1), _DYNAMIC, "How many threads do background work."),
    ("connection.failed.authentication.delay.ms", _INT, "100", AtLeast(0), _FIXED,
     "How long a client waits for the news that its login has failed."),
    ("connections.max.idle.ms", _LONG, "600000", AtLeast(-1), _FIXED,
     "After what silence a client's connection is closed."),
    ("fetch.max.bytes", _INT, str(55 * _MIB), AtLeast(1024), _FIXED, "The most that one fetch is answered with."),
    ("max.connections", _INT, str(MAX_INT32), AtLeast(0), _DYNAMIC, "How many connections a broker takes."),
    ("max.connections.per.ip", _INT, str(MAX_INT32), AtLeast(0), _DYNAMIC,
     "How many connections a broker takes from one address."),
    ("max.incremental.fetch.session.cache.slots", _INT, "1000", AtLeast(0), _FIXED,
     "How many fetch sessions a broker keeps."),
    ("max.request.partition.size.limit", _INT, "2000", AtLeast(1), _FIXED,
     "How many partitions one answer to DescribeTopicPartitions has."),
    ("num.io.threads", _INT, "8", AtLeast(1), _DYNAMIC, "How many threads handle requests."),
    ("num.network.threads", _INT, "3", AtLeast(1), _DYNAMIC, "How many threads read and write sockets."),
    ("queued.max.requests", _INT, "500", AtLeast(1), _FIXED, "How many requests wait before no more are read."),
    ("socket.listen.backlog.size", _INT, "50", AtLeast(1), _FIXED, "How many connections wait to be accepted."),
    ("socket.receive.buffer.bytes", _INT, "102400", AtLeast(-1), _FIXED,
     "The socket's receive buffer; -1 leaves it to the operating system."),
    ("socket.request.max.bytes", _INT, str(100 * _MIB), AtLeast(1), _FIXED, "The largest request a broker reads."),
    ("socket.send.buffer.bytes", _INT, "102400", AtLeast(-1), _FIXED,
     "The socket's send buffer; -1 leaves it to the operating system."),
]  # fmt: skip


def _topic_defaults() -> Iterator[Setting]:
    for topic_name, name in BROKER_NAME.items():
        setting = TOPIC_SETTINGS[topic_name]
        default = None if name in NO_DEFAULT_OF_ITS_OWN else setting.default
        doc = f"For topics that do not set {topic_name}. {setting.doc}"
        # On a broker any negative time means "no limit"; only the topic's own setting insists on -1.
        check = None if name == "log.retention.ms" else setting.check
        yield replace(setting, name=name, default=default, check=check, doc=doc, is_dynamic=True)


BROKER_SETTINGS: dict[str, Setting] = table(
    [
        *_topic_defaults(),
        *(
            Setting(name, kind, default, check, doc, is_dynamic)
            for name, kind, default, check, is_dynamic, doc in _ROWS
        ),
    ]
)

SYNONYMS: dict[str, tuple[tuple[str, int], ...]] = {
    **{topic_name: ((name, 1),) for topic_name, name in BROKER_NAME.items()},
    "flush.ms": (("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)),
    "retention.ms": (("log.retention.ms", 1), ("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000)),
    "segment.jitter.ms": (("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", 3_600_000)),
    "segment.ms": (("log.roll.ms", 1), ("log.roll.hours", 3_600_000)),
}
"""Where a topic setting comes from when the topic does not set it: broker settings, first one wins, and the factor
from their unit to the topic's."""
