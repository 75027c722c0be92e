"""Every setting of a topic, as of Kafka 4.3: type, Kafka's default, allowed values, the broker's name for it.

A topic that does not set one takes the broker's (`BROKER_NAME`); ``broker_settings.py`` makes those rows from these.
The ranges and defaults are Kafka's, the sentences are ours.
Source: Kafka classes ``LogConfig``, ``TopicConfig`` and ``ServerTopicConfigSynonyms``.
"""

from __future__ import annotations

from kit.broker.config.settings import (
    MAX_INT64,
    AtLeast,
    Between,
    Check,
    ConfigType,
    OneOf,
    Setting,
    ThrottledReplicas,
    table,
)

_NO_LIMIT = str(MAX_INT64)
_DAY_MS = 24 * 3_600_000
_BOOLEAN, _STRING, _INT, _LONG, _DOUBLE, _LIST = (
    ConfigType.BOOLEAN, ConfigType.STRING, ConfigType.INT, ConfigType.LONG, ConfigType.DOUBLE, ConfigType.LIST
)  # fmt: skip
_CODECS = ("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")

# name, the broker's name for it (None: topics only), type, default, check, meaning
_Row = tuple[str, str | None, ConfigType, str, Check | None, str]
_ROWS: list[_Row] = [
    ("cleanup.policy", "log.cleanup.policy", _LIST, "delete", OneOf(("compact", "delete")),
     "What happens to old records: delete drops whole segments, compact keeps the last record of each key."),
    ("compression.gzip.level", "compression.gzip.level", _INT, "-1", OneOf((-1, *range(1, 10))),
     "How hard gzip works when the broker compresses; -1 is gzip's own default."),
    ("compression.lz4.level", "compression.lz4.level", _INT, "9", Between(1, 17),
     "How hard lz4 works when the broker compresses."),
    ("compression.type", "compression.type", _STRING, "producer", OneOf(_CODECS),
     "How batches are stored; producer keeps whatever codec the producer chose."),
    ("compression.zstd.level", "compression.zstd.level", _INT, "3", Between(-131072, 22),
     "How hard zstd works when the broker compresses."),
    ("delete.retention.ms", "log.cleaner.delete.retention.ms", _LONG, str(_DAY_MS), AtLeast(0),
     "How long compaction keeps a tombstone, so that slow consumers still see the deletion."),
    ("file.delete.delay.ms", "log.segment.delete.delay.ms", _LONG, "60000", AtLeast(0),
     "How long a deleted segment's file stays on disk under another name."),
    ("flush.messages", "log.flush.interval.messages", _LONG, _NO_LIMIT, AtLeast(1),
     "After how many records the log is forced to disk; by default the operating system decides."),
    ("flush.ms", "log.flush.interval.ms", _LONG, _NO_LIMIT, AtLeast(0),
     "After what time the log is forced to disk; by default the operating system decides."),
    ("follower.replication.throttled.replicas", None, _LIST, "", ThrottledReplicas(),
     "Followers whose replication is slowed down while replicas move."),
    ("index.interval.bytes", "log.index.interval.bytes", _INT, "4096", AtLeast(0),
     "How many bytes of log lie between two entries of the offset index."),
    ("leader.replication.throttled.replicas", None, _LIST, "", ThrottledReplicas(),
     "Leaders whose replication is slowed down while replicas move."),
    ("local.retention.bytes", "log.local.retention.bytes", _LONG, "-2", AtLeast(-2),
     "Tiered storage: how much stays on the broker's own disk; -2 takes retention.bytes."),
    ("local.retention.ms", "log.local.retention.ms", _LONG, "-2", AtLeast(-2),
     "Tiered storage: how long segments stay on the broker's own disk; -2 takes retention.ms."),
    ("max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", _LONG, _NO_LIMIT, AtLeast(1),
     "A record can stay uncompacted at most this long."),
    ("max.message.bytes", "message.max.bytes", _INT, "1048588", AtLeast(0),
     "The largest record batch that the topic takes, after compression."),
    ("message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms", _LONG, "3600000", AtLeast(0),
     "How far a producer's timestamp may lie after the broker's clock."),
    ("message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms", _LONG, _NO_LIMIT, AtLeast(0),
     "How far a producer's timestamp may lie before the broker's clock."),
    ("message.timestamp.type", "log.message.timestamp.type", _STRING, "CreateTime",
     OneOf(("CreateTime", "LogAppendTime")),
     "Whose clock a record's timestamp is from: the producer's or the broker's."),
    ("min.cleanable.dirty.ratio", "log.cleaner.min.cleanable.ratio", _DOUBLE, "0.5", Between(0, 1),
     "What share of the log must be uncompacted before compaction is worth it."),
    ("min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", _LONG, "0", AtLeast(0),
     "A record stays uncompacted at least this long."),
    ("min.insync.replicas", "min.insync.replicas", _INT, "1", AtLeast(1),
     "With acks=all, how many replicas must be in sync for a write to be accepted."),
    ("preallocate", "log.preallocate", _BOOLEAN, "false", None,
     "Whether a new segment's file gets its full size at once."),
    ("remote.log.copy.disable", None, _BOOLEAN, "false", None,
     "Tiered storage: read what is there, but copy nothing more."),
    ("remote.log.delete.on.disable", None, _BOOLEAN, "false", None,
     "Tiered storage: delete what is there when it is switched off."),
    ("remote.storage.enable", None, _BOOLEAN, "false", None,
     "Tiered storage: whether old segments move to remote storage."),
    ("retention.bytes", "log.retention.bytes", _LONG, "-1", None,
     "How large a partition may grow before its oldest segments are deleted; -1 is no limit."),
    ("retention.ms", "log.retention.ms", _LONG, str(7 * _DAY_MS), AtLeast(-1),
     "How old a segment's newest record may become before the segment is deleted; -1 is no limit."),
    ("segment.bytes", "log.segment.bytes", _INT, str(1 << 30), AtLeast(1 << 20),
     "How large a segment's file becomes before a new one begins; only closed segments are ever deleted."),
    ("segment.index.bytes", "log.index.size.max.bytes", _INT, "10485760", AtLeast(4),
     "How large a segment's index may become before a new segment begins."),
    ("segment.jitter.ms", "log.roll.jitter.ms", _LONG, "0", AtLeast(0),
     "A random time off segment.ms, so that not all partitions begin new segments at once."),
    ("segment.ms", "log.roll.ms", _LONG, str(7 * _DAY_MS), AtLeast(1),
     "After what time a new segment begins even if the last one is not full."),
    ("unclean.leader.election.enable", "unclean.leader.election.enable", _BOOLEAN, "false", None,
     "Whether a replica that is not in sync may become leader when no other is left; records may be lost."),
]  # fmt: skip

TOPIC_SETTINGS: dict[str, Setting] = table(
    Setting(name, kind, default, check, doc) for name, _, kind, default, check, doc in _ROWS
)

BROKER_NAME: dict[str, str] = {name: broker_name for name, broker_name, *_ in _ROWS if broker_name is not None}
"""What each topic setting is called on the broker, where the default for all topics is set."""
