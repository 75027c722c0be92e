"""Sending a consumer to a replica in its own rack (KIP-392).

Source: Kafka's ``RackAwareReplicaSelector`` and ``ReplicaManager.findPreferredReadReplica``.
"""

from __future__ import annotations

from kit.broker.partition import Partition
from kit.broker.replication.context import ReplicationContext

READ_FROM_LEADER = -1


def preferred_read_replica(context: ReplicationContext, partition: Partition, rack_id: str, fetch_offset: int) -> int:
    """The in-sync replica that a consumer in ``rack_id`` should read from; -1 for the leader.

    It is alive, has the offset, and of several it is the one that has most, or was caught up last.
    """
    leader, brokers = partition.leader, context.image.brokers
    own = brokers.get(context.node_id)
    if leader is None or not rack_id or (own is not None and own.rack == rack_id):
        return READ_FROM_LEADER
    nearby = [
        follower
        for follower in leader.followers.values()
        if context.is_alive(follower.node_id)
        and brokers[follower.node_id].rack == rack_id
        and follower.node_id in leader.isr
        and 0 <= follower.log_start_offset <= fetch_offset <= follower.log_end_offset
    ]
    if not nearby:
        return READ_FROM_LEADER
    return max(nearby, key=lambda follower: (follower.log_end_offset, follower.last_caught_up_ms)).node_id
