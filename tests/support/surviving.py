"""*Surviving failure*: the plan of its arena, a solution, and wrong answers that each lose one property."""

from __future__ import annotations

from typing import Any

SURVIVE: dict[str, Any] = {
    "name": "survive",
    "records": {"count": 600, "keys": 12, "value_bytes": 600},
    "topics": {
        "orders": {
            "partitions": 3,
            "replicas": 3,
            "config": {"min.insync.replicas": "2", "max.message.bytes": "20000"},
        },
        "results": {"partitions": 3, "replicas": 3, "config": {"min.insync.replicas": "2"}},
    },
    "rules": [
        {
            "name": "deaf",
            "when": {"requests": 2, "api": "Produce", "topic": "orders", "partition": 1},
            "do": [{"request": "hang_up"}],
        },
        {
            "name": "cut-off",
            "when": {"requests": {"between": [2, 4]}, "api": "Produce", "topic": "orders", "partition": 0},
            "do": [{"fault": "isolate", "node": "leader:orders-0"}],
        },
        {
            "name": "kill",
            "after": "cut-off",
            "when": {"elected": "rule:cut-off", "topic": "orders", "partition": 0},
            "do": [{"fault": "kill", "node": "rule:cut-off"}, {"fault": "heal"}],
        },
        {"name": "back", "after": "kill", "do": [{"fault": "restart", "node": "rule:cut-off"}]},
        {
            "name": "commit-lost",
            "when": {"requests": 1, "api": "OffsetCommit", "topic": "orders"},
            "do": [{"request": "lose"}],
        },
        {
            "name": "result-turned-away",
            "after": "commit-lost",
            "when": {"requests": 1, "api": "Produce", "topic": "results"},
            "do": [{"request": "turn_away"}],
        },
        {
            "name": "commit-applied",
            "after": "commit-lost",
            "when": {"requests": 1, "api": "OffsetCommit", "topic": "orders"},
            "do": [{"request": "lose_reply"}],
        },
    ],
    "steps": [
        {
            "call": "produce",
            "session": "producer",
            "arguments": ["$client_settings", "orders", "$records"],
            "timeout_s": 40,
        },
        {
            "name": "consume-1",
            "call": "consume",
            "session": "first",
            "arguments": ["$client_settings", "orders", "results", "tally"],
            "kill_after": "commit-lost",
        },
        {
            "name": "consume-2",
            "call": "consume",
            "session": "second",
            "arguments": ["$client_settings", "orders", "results", "tally"],
            "kill_after": "commit-applied",
        },
        {
            "name": "consume-3",
            "call": "consume",
            "session": "third",
            "arguments": ["$client_settings", "orders", "results", "tally"],
        },
    ],
}


def _cut(name: str, function: str, topic: str) -> dict[str, Any]:
    """The leader is left with the controller, away from its followers; then it dies, and they go on."""
    return {
        "name": name,
        "records": {"count": 150, "keys": 6, "value_bytes": 600},
        "topics": {
            topic: {
                "partitions": 1,
                "replicas": 3,
                "config": {"max.message.bytes": "20000"},
                "config_from": f"{function}-settings",
            },
        },
        "rules": [
            {
                "name": "cut",
                "when": {"requests": 2, "api": "Produce", "topic": topic},
                "do": [{"fault": "cut", "groups": [[f"leader:{topic}-0", "controller"], ["others"]]}],
            },
            {
                "name": "kill",
                "after": "cut",
                "when": {"acknowledged": 60, "topic": topic},
                "do": [{"fault": "kill", "node": f"leader:{topic}-0"}, {"fault": "heal"}],
            },
        ],
        "steps": [
            {"name": f"{function}-settings", "call": f"{function}_topic", "session": "student"},
            {
                "name": function,
                "call": f"{function}",
                "session": "student",
                "arguments": ["$client_settings", topic, "$records"],
                "timeout_s": 40,
            },
        ],
    }


REFUSE = _cut("refuse", "consistent", "ledger")
LOSE = _cut("lose", "available", "likes")

SOLUTION = """
import contextlib
import json
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaTimeoutError


def send_all(producer, topic, records, patience_s=25):
    futures = [producer.send(topic, key=key.encode(), value=value.encode()) for key, value in records]
    with contextlib.suppress(KafkaTimeoutError):  # what has no answer then is reported as not written
        producer.flush(timeout=patience_s)
    report = [
        [future.value.partition, future.value.offset] if future.is_done and future.succeeded() else None
        for future in futures
    ]
    with contextlib.suppress(KafkaTimeoutError):
        producer.close(timeout=1)
    return report


def produce(settings, topic, records):
    return send_all(KafkaProducer(**settings, acks="all", enable_idempotence=True), topic, records)


def consistent_topic():
    return {"min.insync.replicas": 2, "unclean.leader.election.enable": False}


def consistent(settings, topic, records):
    producer = KafkaProducer(**settings, acks="all", request_timeout_ms=1000, delivery_timeout_ms=2000)
    return send_all(producer, topic, records, patience_s=3)


def available_topic():
    return {"min.insync.replicas": 1, "unclean.leader.election.enable": True}


def available(settings, topic, records):
    return send_all(KafkaProducer(**settings, acks=1, enable_idempotence=False), topic, records)


def store(producer, results, record):
    amount = json.loads(record.value)["amount"]
    row = {"partition": record.partition, "offset": record.offset, "result": amount}
    key = f"{record.partition}-{record.offset}"
    producer.send(results, key=key.encode(), value=json.dumps(row).encode())


def is_at_end(consumer):
    places = consumer.assignment()
    if not places:
        return False
    ends = consumer.end_offsets(places)
    return all(consumer.position(place) >= ends[place] for place in places)


def consume(settings, topic, results, group):
    consumer = KafkaConsumer(topic, **settings, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest")
    producer = KafkaProducer(**settings, acks="all", enable_idempotence=True)
    while True:
        found = consumer.poll(timeout_ms=500)
        for records in found.values():
            for record in records:
                store(producer, results, record)
        if found:
            producer.flush()
            consumer.commit()
        elif is_at_end(consumer):
            break
    consumer.close()
    producer.close()
"""


def changed(*changes: tuple[str, str]) -> str:
    """The solution with some of its text replaced; each must be there."""
    text = SOLUTION
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


_PRODUCE = '    return send_all(KafkaProducer(**settings, acks="all", enable_idempotence=True), topic, records)'
_CONSUME = """        for records in found.values():
            for record in records:
                store(producer, results, record)
        if found:
            producer.flush()
            consumer.commit()
"""
_SEND = "futures = [producer.send(topic, key=key.encode(), value=value.encode()) for key, value in records]"
_SEND_IN_TURN = """futures = [
        producer.send(topic, key=key.encode(), value=value.encode(), partition=number % 3)
        for number, (key, value) in enumerate(records)
    ]"""
_COMMIT_FIRST = """        if found:
            consumer.commit()
        for records in found.values():
            for record in records:
                store(producer, results, record)
        producer.flush()
        if found:
            pass
"""


def _with_settings(settings: str) -> str:
    """The solution with other settings of its producer of orders."""
    return changed((_PRODUCE, _PRODUCE.replace('acks="all", enable_idempotence=True', settings)))


WRONG: dict[str, tuple[set[str], str]] = {
    "acks-one": ({"lost-write"}, _with_settings("acks=1, retries=0, enable_idempotence=False")),
    "acks-one-retries": (
        {"lost-write", "duplicate"},
        _with_settings("acks=1, enable_idempotence=False, max_in_flight_requests_per_connection=1"),
    ),
    "no-idempotence": (
        {"duplicate"},
        _with_settings('acks="all", enable_idempotence=False, max_in_flight_requests_per_connection=1'),
    ),
    "wrong-partitioner": ({"partitioning"}, changed((_SEND, _SEND_IN_TURN))),
    "backwards": ({"order"}, changed((_SEND, _SEND.replace("in records]", "in reversed(records)]")))),
    "commit-first": ({"committed-before-processed"}, changed((_CONSUME, _COMMIT_FIRST))),
    "appends": ({"repeat"}, changed(("send(results, key=key.encode(), value", "send(results, value"))),
}
"""Which properties each loses, and its source."""


def plan(*runs: dict[str, Any], seeds: int = 1) -> dict[str, Any]:
    """A plan of these runs."""
    return {"seeds": seeds, "runs": list(runs or [SURVIVE])}
