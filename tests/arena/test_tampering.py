"""What a student's code can try against the arena's cluster: harmless, and seen."""

from __future__ import annotations

from collections import Counter

from autograder.arena import play
from autograder.job import Job
from autograder.judge.consuming import committed_unread
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged
from autograder.judge.tampering import foreign_records, tampering
from tests.support.arena import plain_sessions

ATTACKS = '''
import socket
import struct

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.structs import OffsetAndMetadata


def produce(settings, topic, records):
    producer = KafkaProducer(**settings)
    for key, value in records:
        producer.send(topic, key=key.encode(), value=value.encode())
    producer.flush()


def forge(settings):
    """Requests between brokers, each on a connection of its own: what came back."""
    host, port = settings["bootstrap_servers"].split(",")[0].split(":")
    came = {}
    for api in (4, 5, 6, 52, 53, 54, 56, 62, 63, 67):
        with socket.create_connection((host, int(port)), 5) as link:
            link.settimeout(5)
            frame = struct.pack(">hhih", api, 0, 1, -1) + bytes(64)
            link.sendall(struct.pack(">i", len(frame)) + frame)
            try:
                came[api] = len(link.recv(1000))
            except OSError as error:
                came[api] = type(error).__name__
    return came


def pretend_to_follow(settings, topic):
    """Fetch version 4 as replica 2."""
    host, port = settings["bootstrap_servers"].split(",")[0].split(":")
    name = topic.encode()
    body = struct.pack(">iiiibi", 2, 100, 1, 1 << 20, 0, 1) + struct.pack(">h", len(name)) + name
    body += struct.pack(">iiqi", 1, 0, 0, 1 << 20)
    frame = struct.pack(">hhih", 1, 4, 1, -1) + body
    with socket.create_connection((host, int(port)), 5) as link:
        link.settimeout(5)
        link.sendall(struct.pack(">i", len(frame)) + frame)
        return len(link.recv(1000))


def commit_unread(settings, topic):
    consumer = KafkaConsumer(**settings, group_id="lazy", enable_auto_commit=False)
    consumer.assign([TopicPartition(topic, 0)])
    consumer.commit({TopicPartition(topic, 0): OffsetAndMetadata(5, "", -1)})
    consumer.close()


def cut_log(settings, topic):
    admin = KafkaAdminClient(**settings)
    admin.delete_records({TopicPartition(topic, 0): 2})
    admin.close()


def delete(settings, topic):
    admin = KafkaAdminClient(**settings)
    admin.delete_topics([topic])
    admin.close()


def write_more(settings, topic):
    producer = KafkaProducer(**settings)
    producer.send(topic, value=b"mine", partition=0).get(10)
    producer.close()
'''


def test_tampering_is_harmless_and_seen() -> None:
    """Forged requests are refused, every change is in the journal, and there are no points."""
    topics = {"orders": {"partitions": 1}, "spare": {"partitions": 1}}
    reach = "$client_settings"
    steps = [
        {"call": "produce", "arguments": [reach, "orders", "$records"]},
        {"call": "forge", "arguments": [reach]},
        {"call": "pretend_to_follow", "arguments": [reach, "orders"]},
        {"call": "commit_unread", "arguments": [reach, "orders"]},
        {"call": "write_more", "arguments": [reach, "orders"]},
        {"call": "cut_log", "arguments": [reach, "orders"]},
        {"call": "delete", "arguments": [reach, "spare"]},
    ]
    plan = {"runs": [{"name": "attack", "topics": topics, "records": {"count": 20}, "steps": steps}]}
    (evidence,) = play(Job("eve", "surviving", {}, arena=plan), plain_sessions(ATTACKS), apart=False)
    assert [(step["name"], step["error"]) for step in evidence["steps"] if step["error"]] == []
    assert set(evidence["steps"][1]["value"].values()) <= {0, "ConnectionResetError"}
    assert evidence["is_complete"]
    (case,) = cases_of([evidence], "orders")
    refused = Counter(entry["state"] for entry in evidence["entries"] if entry["reason"])
    assert refused["refused"] == 10
    texts = " ".join(found.text for found in tampering(case))
    assert "only brokers send" in texts
    assert "as if it were broker 2" in texts
    assert "DeleteRecords" in texts
    assert "DeleteTopics" in texts
    assert "begins at offset 2" in texts
    assert [found.text for found in committed_unread(case)] == [
        "Offset 5 of orders-0 was committed, and nobody had fetched beyond 0."
    ]
    assert ["'mine'" in found.text for found in foreign_records(case)] == [True]
    (score,) = judged([case], [Rule("cell", "order", 2.0, *STANDARD["order"])])
    assert (score.points, "tampered" in score.reason) == (0.0, True)
