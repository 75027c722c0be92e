"""The log: Kafka's own files, recovery, retention, producer snapshots."""

from kit.broker.storage.config import LogConfig
from kit.broker.storage.epochs import EpochEndOffset
from kit.broker.storage.files import FileRange
from kit.broker.storage.log import Log
from kit.broker.storage.logdir import LogDirectory
from kit.broker.storage.lookup import TimestampOffset
from kit.broker.storage.placing import AppendInfo
from kit.broker.storage.segment import SegmentInfo

__all__ = [
    "AppendInfo",
    "EpochEndOffset",
    "FileRange",
    "Log",
    "LogConfig",
    "LogDirectory",
    "SegmentInfo",
    "TimestampOffset",
]
