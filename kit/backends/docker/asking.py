"""Questions to Apache Kafka's nodes in Kafka's own protocol: who is alive, who leads, who is the active controller.

One connection for each question: a node may be killed, paused or cut off at any moment, and then nothing lingers.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.wire import codec
from kit.wire import messages as m
from kit.wire.primitives import DecodeError

_CLIENT_ID = "kit-docker"
_METADATA, _METADATA_VERSION = 3, 12
_DESCRIBE_QUORUM, _DESCRIBE_QUORUM_VERSION = 55, 1
_SIZE_BYTES = 4
_TIMEOUT_S = 1.0  # a node that is paused or in a cut never answers


class NoAnswerError(Exception):
    """The node did not answer, or not in Kafka's protocol."""


def metadata(port: int, *, with_topics: bool) -> Any:
    """A broker's view of the cluster, a ``MetadataResponse``.

    Raises:
        NoAnswerError: it does not answer.
    """
    request = m.MetadataRequest(topics=None if with_topics else [], allow_auto_topic_creation=False)
    return _ask(port, _METADATA, _METADATA_VERSION, request)


@dataclass(frozen=True, slots=True)
class Quorum:
    """What the active controller knows of the metadata quorum.

    Attributes:
        leader_id: its node id.
        end_offsets: how far each node has come in the metadata log, by node id.
    """

    leader_epoch: int
    leader_id: int
    end_offsets: Mapping[int, int]


def quorum(port: int) -> Quorum | None:
    """What a voter says when it is the active controller, else None.

    Raises:
        NoAnswerError: it does not answer.
    """
    topic, partition = m.DescribeQuorumRequest.TopicData, m.DescribeQuorumRequest.PartitionData
    request = m.DescribeQuorumRequest(
        topics=[topic(topic_name="__cluster_metadata", partitions=[partition(partition_index=0)])]
    )
    answer = _ask(port, _DESCRIBE_QUORUM, _DESCRIBE_QUORUM_VERSION, request)
    for topic in answer.topics:
        for partition in topic.partitions:
            if partition.error_code == 0 and partition.leader_id >= 0:
                replicas = [*partition.current_voters, *partition.observers]
                offsets = {replica.replica_id: replica.log_end_offset for replica in replicas}
                return Quorum(partition.leader_epoch, partition.leader_id, offsets)
    return None


def _ask(port: int, api_key: int, api_version: int, request: m.Message) -> Any:
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT_S) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.sendall(codec.encode_request(api_key, api_version, 1, _CLIENT_ID, request))
            size = int.from_bytes(_receive(connection, _SIZE_BYTES), "big")
            frame = _receive(connection, size)
        return codec.decode_response(api_key, api_version, memoryview(frame))[1]
    except (OSError, DecodeError) as error:
        raise NoAnswerError(f"nothing on port {port} answers: {error}") from error


def _receive(connection: socket.socket, num_bytes: int) -> bytes:
    received = bytearray()
    while len(received) < num_bytes:
        part = connection.recv(num_bytes - len(received))
        if not part:  # the engine takes a connection before the broker listens, and then closes it
            raise ConnectionResetError("the connection was closed")
        received += part
    return bytes(received)
