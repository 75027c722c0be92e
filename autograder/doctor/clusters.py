"""What a student's code can try against the arena's cluster: refused or without effect, and in the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.arena import play
from autograder.doctor import cases
from autograder.doctor.verdict import Verdict
from autograder.execute import open_session
from autograder.job import Budget
from autograder.judge.case import Case
from autograder.judge.consuming import committed_unread
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged
from autograder.judge.tampering import foreign_records, tampering

ATTACKS = '''
import socket
import struct

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
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


def alter(settings, topic):
    admin = KafkaAdminClient(**settings)
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"min.insync.replicas": "1"})])
    admin.close()


def delete(settings, topic):
    admin = KafkaAdminClient(**settings)
    admin.delete_topics([topic])
    admin.close()


def write_more(settings, topic):
    producer = KafkaProducer(**settings)
    producer.send(topic, value=b"mine", partition=0).get(10)
    producer.close()


def pretend_to_send(settings, topic, records):
    """A client that says that all was written, and writes nothing."""
    KafkaProducer.send = lambda *_, **__: None
    KafkaProducer.flush = lambda *_, **__: None
    produce(settings, topic, records)
    return [[0, number] for number in range(len(records))]
'''

SEEKER = '''
import os, socket
from pathlib import Path


def seek(servers):
    """Ways to the arena's host: what of it worked."""
    found = []
    try:
        folders = list(Path("/proc").iterdir())
    except OSError:
        return found
    for folder in folders:
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"autograder.arena" not in line and b"kit.broker" not in line:
            continue
        for number in (0, 1):
            try:
                with open(folder / "fd" / str(number), "wb", buffering=0) as pipe:
                    pipe.write(b'{"command": "close"}\\n')
                found.append(f"wrote to {line[:80]}")
            except OSError:
                pass
        try:
            os.kill(int(folder.name), 0)
            found.append(f"may signal {line[:80]}")
        except OSError:
            pass
    return found


def neighbours(servers):
    """TCP ports of this computer that answer besides the brokers."""
    known = {int(each.split(":")[1]) for each in servers.split(",")}
    found = []
    for port in [*range(1, 200), *range(8880, 8900), *(port + step for port in known for step in (-1, 1))]:
        if port in known:
            continue
        with socket.socket() as link:
            link.settimeout(0.2)
            if link.connect_ex(("127.0.0.1", port)) == 0:
                found.append(port)
    return found
'''

_REACH = "$client_settings"
_TOPICS = {"orders": {"partitions": 1}, "spare": {"partitions": 1}}
STEPS = [
    {"call": "produce", "arguments": [_REACH, "orders", "$records"]},
    {"call": "forge", "arguments": [_REACH]},
    {"call": "pretend_to_follow", "arguments": [_REACH, "orders"]},
    {"call": "commit_unread", "arguments": [_REACH, "orders"]},
    {"call": "write_more", "arguments": [_REACH, "orders"]},
    {"call": "cut_log", "arguments": [_REACH, "orders"]},
    {"call": "alter", "arguments": [_REACH, "spare"]},
    {"call": "delete", "arguments": [_REACH, "spare"]},
]
_SEEK = [{"call": name, "arguments": ["$bootstrap_servers"]} for name in ("seek", "neighbours")]
_PRETEND = [{"call": "pretend_to_send", "arguments": [_REACH, "orders", "$records"]}]
PLAN = {
    "runs": [
        {"name": name, "topics": _TOPICS, "records": {"count": 20}, "steps": steps}
        for name, steps in (("attack", STEPS + _SEEK), ("pretend", _PRETEND))
    ]
}
"""One cluster for everything that changes it, and one for a client that only claims to have written."""

_TAMPERING = {
    "forged-requests-of-brokers": "that only brokers send one another",
    "fetch-as-a-broker": "as if it were broker 2",
    "delete-records": "DeleteRecords",
    "cut-the-log": "begins at offset 2",
    "delete-topics": "DeleteTopics",
    "alter-configs": "AlterConfigs",
}
"""Case -> what the finding says."""


def verdicts(rung: str) -> Iterator[Verdict]:
    """Play it in a jail that reaches the brokers, and read what they saw."""
    job = cases.job(ATTACKS + SEEKER, arena=PLAN, budget=Budget(cell_s=30, total_s=120))
    evidence = play(job, lambda asked, network: open_session(asked, network, rung=rung), rung=rung)
    attack, pretend = cases_of(evidence, "orders")
    failed = [f"{step['name']}: {step['error']}" for each in evidence for step in each["steps"] if step["error"]]
    yield _verdict("play-to-the-end", "".join(failed[:1]), "every step was played")
    found = [each.text for each in tampering(attack)]
    for name, text in _TAMPERING.items():
        line = next((each for each in found if text in each), "")
        yield _verdict(name, "" if line else "nobody sees it", line)
    values = {step["name"]: step["value"] for step in evidence[0]["steps"]}
    answered = [api for api, came in (values["forge"] or {"": 1}).items() if came not in (0, "ConnectionResetError")]
    yield _verdict("answers-to-forged-requests", f"answered: {answered}" if answered else "", "nothing came back")
    yield from _others(attack, pretend)
    for name, what in (("seek", "control-channel"), ("neighbours", "other-ports")):
        yield _verdict(what, f"reached: {values[name]}" if values[name] != [] else "", "nothing was reached")


def _others(attack: Case, pretend: Case) -> Iterator[Verdict]:
    for name, checker, case in (
        ("commit-without-reading", committed_unread, attack),
        ("records-of-another-client", foreign_records, attack),
    ):
        lines = [each.text for each in checker(case)]
        yield _verdict(name, "" if lines else "nobody sees it", "".join(lines[:1]))
    for name, case, says in (("points-after-tampering", attack, "tampered"), ("monkeypatched-client", pretend, "")):
        (score,) = judged([case], [Rule("cell", "lost-write", 2.0, *STANDARD["lost-write"])])
        earned = f"it earned {score.points:g} points" if score.points or says not in score.reason else ""
        yield _verdict(name, earned, score.reason)


def _verdict(name: str, wrong: str, line: str) -> Verdict:
    return Verdict("clusters", name, wrong, line)
