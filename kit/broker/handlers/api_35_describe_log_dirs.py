"""DescribeLogDirs, v1-5: what each partition takes on this broker's disk (KIP-113).

Behaviour: a broker has one log directory; partitions that it does not keep are left out, as in Kafka.
Version notes: 4 the disk's total and free bytes (KIP-827); 5 cordoned directories: none here.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from kit.broker.handlers import handles
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext

UNKNOWN = -1


@handles(35, 1, 5)
def handle(broker: Broker, request: m.DescribeLogDirsRequest, context: RequestContext) -> m.DescribeLogDirsResponse:
    directory = broker.replicas.log_directory.directory
    try:
        disk = shutil.disk_usage(directory)
        total_bytes, usable_bytes = disk.total, disk.free
    except OSError:
        total_bytes = usable_bytes = UNKNOWN
    result = m.DescribeLogDirsResult(
        log_dir=str(directory), topics=_topics(broker, request), total_bytes=total_bytes, usable_bytes=usable_bytes
    )
    return m.DescribeLogDirsResponse(results=[result])


def _topics(broker: Broker, request: m.DescribeLogDirsRequest) -> list[m.DescribeLogDirsTopic]:
    kept = broker.replicas.partitions
    if request.topics is None:
        wanted = list(kept)
    else:
        asked = dict.fromkeys((topic.topic, index) for topic in request.topics for index in topic.partitions)
        wanted = [key for key in asked if key in kept]
    topics: dict[str, m.DescribeLogDirsTopic] = {}
    for name, index in wanted:
        topic = topics.setdefault(name, m.DescribeLogDirsTopic(name=name))
        size_bytes = kept[name, index].log.size_bytes
        topic.partitions.append(m.DescribeLogDirsPartition(partition_index=index, partition_size=size_bytes))
    return list(topics.values())
