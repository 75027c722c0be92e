"""Requests and replies as JSON knows them, by API: what a journal keeps of each.

Keys and values of records are text here (`shown`), topics have their names also where a client named them by id.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kit.broker.storage import FileRange
from kit.wire import messages as m
from kit.wire.records import CorruptBatch, iter_headers, read_records

SHOWN_CHARACTERS = 120
MAX_RECORDS = 20_000  # of one batch: one of nothing but empty records must not fill the memory
MAX_BATCH_BYTES = 8 << 20  # without compression

TopicName = Callable[[uuid.UUID], str | None]

PRODUCE, FETCH, OFFSET_COMMIT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP = 0, 1, 8, 11, 13, 14
CHANGES = {
    19: "CreateTopics",
    20: "DeleteTopics",
    21: "DeleteRecords",
    33: "AlterConfigs",
    37: "CreatePartitions",
    42: "DeleteGroups",
    43: "ElectLeaders",
    44: "IncrementalAlterConfigs",
    45: "AlterPartitionReassignments",
    47: "OffsetDelete",
}
"""What changes a cluster for everybody, and no application that only writes and reads needs."""


def shown(content: bytes | memoryview | None) -> str | None:
    """A key or value as text; a long one is cut, and ends with a digest that tells it from others."""
    if content is None:
        return None
    whole = bytes(content)
    text = whole.decode("utf-8", "backslashreplace")
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}… sha256:{hashlib.sha256(whole).hexdigest()[:16]}"


def batches_in(data: bytes | memoryview | None) -> list[dict[str, Any]]:
    """Each batch: who wrote it and its records, as far as they can be read."""
    found = []
    view = memoryview(data or b"")
    for position, header in iter_headers(view):
        batch: dict[str, Any] = {
            "base_offset": header.base_offset,
            "producer_id": header.producer_id,
            "producer_epoch": header.producer_epoch,
            "base_sequence": header.base_sequence,
            "leader_epoch": header.partition_leader_epoch,
            "is_control": header.is_control,
            "num_records": header.records_count,
            "next_offset": header.next_offset,
            "records": [],
        }
        try:
            for number, record in enumerate(read_records(view, position, max_decompressed_bytes=MAX_BATCH_BYTES)):
                if number >= MAX_RECORDS:
                    break
                batch["records"].append([record.offset, shown(record.key), shown(record.value)])
        except CorruptBatch as error:
            batch["error"] = str(error)
        found.append(batch)
    return found


def asked(api_key: int, request: Any, topic_name: TopicName) -> dict[str, Any]:
    """What a request asks for."""
    if api_key == PRODUCE:
        return {"acks": request.acks, "batches": list(_produced(request, topic_name))}
    if api_key == FETCH:
        replica_id = max(request.replica_id, request.replica_state.replica_id)
        offsets = [
            [name, each.partition, each.fetch_offset] for name, each in _partitions(request.topics, "topic", topic_name)
        ]
        return {"replica_id": replica_id, "offsets": offsets}
    if api_key == OFFSET_COMMIT:
        offsets = [
            [name, each.partition_index, each.committed_offset]
            for name, each in _partitions(request.topics, "name", topic_name)
        ]
        who = {"group": request.group_id, "member": request.member_id}
        return {**who, "generation": request.generation_id_or_member_epoch, "offsets": offsets}
    if api_key == SYNC_GROUP:
        return {"group": request.group_id, "member": request.member_id, "generation": request.generation_id}
    if api_key in {JOIN_GROUP, LEAVE_GROUP}:
        return {"group": request.group_id, "member": request.member_id, "text": _short(request)}
    return {"text": _short(request)}


def answered(api_key: int, response: Any, topic_name: TopicName) -> Any:
    """What a response says: partition by partition its error code, and what came of it."""
    if api_key == PRODUCE:
        return [
            [name, each.index, each.error_code, each.base_offset]
            for name, each in _partitions(response.responses, "name", topic_name, "partition_responses")
        ]
    if api_key == FETCH:
        parts = list(_partitions(response.responses, "topic", topic_name))
        read = [[name, each.partition_index, each.error_code, *_range(each.records)] for name, each in parts]
        return [[response.error_code]] if response.error_code else [each for each in read if each[2] or each[5]]
    if api_key == OFFSET_COMMIT:
        return [
            [name, each.partition_index, each.error_code]
            for name, each in _partitions(response.topics, "name", topic_name)
        ]
    if api_key == JOIN_GROUP:
        return {"error": response.error_code, "generation": response.generation_id, "member": response.member_id}
    if api_key == SYNC_GROUP:
        return {"error": response.error_code, "partitions": list(assigned(response.assignment))}
    return _short(response)


def assigned(assignment: bytes | memoryview) -> Iterator[list[Any]]:
    """[topic, partition] of each partition that a consumer is given; as far as it can be read, for clients wrote it.

    Source: ``ConsumerProtocolAssignment.json``.
    """
    data = bytes(assignment)
    try:
        (num_topics,) = struct.unpack_from(">i", data, 2)
        at = 6
        for _ in range(num_topics):
            (size,) = struct.unpack_from(">H", data, at)
            topic = data[at + 2 : at + 2 + size].decode()
            at += 2 + size
            (num_partitions,) = struct.unpack_from(">i", data, at)
            for number in range(num_partitions):
                yield [topic, *struct.unpack_from(">i", data, at + 4 + 4 * number)]
            at += 4 + 4 * max(0, num_partitions)
    except (struct.error, UnicodeDecodeError):
        return


def joined(chunks: Sequence[Any]) -> memoryview:
    """A reply's bytes as a socket would carry them, without the size in front."""
    whole = b"".join(chunk.read() if isinstance(chunk, FileRange) else bytes(chunk) for chunk in chunks)
    return memoryview(whole)[4:]


def _range(data: bytes | memoryview | None) -> tuple[int, int, int]:
    """The first offset of some batches, the one after the last, and how many records they have."""
    headers = [header for _, header in iter_headers(memoryview(data or b""))]
    if not headers:
        return -1, -1, 0
    return headers[0].base_offset, headers[-1].next_offset, sum(header.records_count for header in headers)


def _produced(request: m.ProduceRequest, topic_name: TopicName) -> Iterator[dict[str, Any]]:
    for name, each in _partitions(request.topic_data, "name", topic_name, "partition_data"):
        for batch in batches_in(each.records):
            yield {"topic": name, "partition": each.index, **batch}


def _partitions(
    topics: Sequence[Any] | None, field: str, topic_name: TopicName, partitions: str = "partitions"
) -> Iterator[tuple[str, Any]]:
    for topic in topics or ():
        name = getattr(topic, field) or topic_name(topic.topic_id) or str(topic.topic_id)
        for each in getattr(topic, partitions) or ():
            yield name, each


def _short(message: Any) -> str:
    text = repr(message)
    return text if len(text) <= 600 else text[:600] + "…"
