"""*Surviving failure*, as the course has it: its runs, its solution, and wrong answers that lose their points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograder.assignment import read_assignment
from autograder.job import Outcome
from autograder.judge.script import Script
from tests.support import course

NAME, NOTEBOOK = "surviving-failure", "surviving-failure.ipynb"
SOLUTION = "".join(
    line for line in course.solution(NAME, NOTEBOOK).splitlines(keepends=True) if " SOLUTION" not in line
)
_DESCRIBED = read_assignment(course.COURSE, NAME)
RUNS: dict[str, dict[str, Any]] = {run["name"]: run for run in (_DESCRIBED.arena or {})["runs"]}


def plan(*names: str, seeds: int = 1) -> dict[str, Any]:
    """The course's plan with these of its runs; with the first one if none is named."""
    return {"seeds": seeds, "runs": [RUNS[name] for name in names or list(RUNS)[:1]]}


def lost(evidence: Sequence[Mapping[str, Any]]) -> set[str]:
    """The properties that these runs cost, as the course judges them."""
    outcome = Outcome("ann", NAME, 7, "none", {}, (), tuple(evidence))
    scores = Script.of(_DESCRIBED).judge(outcome, 7)
    return {each.name for each in scores if each.points < each.of and "there was no run of it" not in each.reason}


def changed(*changes: tuple[str, str]) -> str:
    """The solution with some of its text replaced."""
    return course.changed(SOLUTION, *changes)


_ALL = 'acks="all", enable_idempotence=True'
_WRITES = f"producer = KafkaProducer(**settings, {_ALL})\n    return send_all(producer, topic, records)"
_SEND = "producer.send(topic, key=key, value=value) for key, value in encoded]"
_IN_TURN = (
    "producer.send(topic, key=key, value=value, partition=number % 3) for number, (key, value) in enumerate(encoded)]"
)
_GIVES_UP = """KafkaProducer(**settings, acks="all", retries=0, max_in_flight_requests_per_connection=1)
    report = []
    for key, value in records:
        try:
            answer = producer.send(topic, key=key.encode(), value=value.encode()).get(timeout=30)
            report.append([answer.partition, answer.offset])
        except Exception:
            break
    return report + [None] * (len(records) - len(report))
"""
_STORE = "futures.append(producer.send(results, key=key, value"
_COMMIT = "        if found:\n            consumer.commit()\n        elif"
_READ = "for record in records]\n        futures"
_UNCLEAN = '"unclean.leader.election.enable": True'


def _with_settings(settings: str) -> str:
    """The solution with other settings of its producer of orders."""
    return changed((_WRITES, _WRITES.replace(_ALL, settings)))


_SAYS_NO = """
    for each in records[:3]:
        send_all(KafkaProducer(**settings, acks=0, enable_idempotence=False), topic, [each])
    return [None] * len(records)
"""

_WAITS_UNTIL_IT_IS_OVER = """    import time
    probe = KafkaProducer(**settings, acks=1, enable_idempotence=False, retries=0)
    for partition in [0, 0, 0, 0, 1, 1]:
        with contextlib.suppress(Exception):
            probe.send(topic, key=b"x", value=b"x" * 30_000, partition=partition).get(timeout=2)
    time.sleep(2)
    return send_all(KafkaProducer(**settings, acks=1, enable_idempotence=False, retries=0), topic, records)
"""
_BEGIN = "    producer = KafkaProducer(**settings, acks="
_COMMITS_NOTHING = """    from kafka.structs import OffsetAndMetadata
    while not consumer.assignment():
        consumer.poll(timeout_ms=100, max_records=1)
    known = {each: consumer.committed(each) for each in consumer.assignment()}
    for each, offset in known.items():
        consumer.seek(each, offset or 0)
    if not any(known.values()):
        consumer.commit({each: OffsetAndMetadata(0, "", -1) for each in known})
"""
_FOR_SHOW = "    consumer.seek_to_beginning()\n    consumer.poll(timeout_ms=1000)\n    consumer.close()\n"
_KEY = 'f"{record.partition}-{record.offset}".encode()'
_JOINS = "        topic,\n        **settings,\n"
_JOINED = '        auto_offset_reset="earliest",\n    )\n'
_HOLDS = """
    from kafka import TopicPartition
    consumer.assign([TopicPartition(topic, each) for each in sorted(consumer.partitions_for_topic(topic))])
"""
_BEFORE_THE_CUT = """
    producer = KafkaProducer(**settings, acks=1, enable_idempotence=False, compression_type="gzip",
                             batch_size=1_000_000, linger_ms=300)
    for part in records[:560], records[560:]:
        report = [producer.send(topic, key=key.encode(), value=value.encode()) for key, value in part]
        producer.flush(timeout=10)
    return [[0, number] for number in range(len(records))]
"""
_ONE = "acks=1, enable_idempotence=False"
_AVAILABLE = f"producer = KafkaProducer(**settings, {_ONE})\n    return send_all(producer, topic, records)"
_NO_LOSS = '**patience, acks="all", enable_idempotence=False'
_DECIDES = '    return {"min.insync.replicas": 2, "unclean.leader.election.enable": False}\n'
_CANNOT_BE = '    return {"min.insync.replicas": 0, "unclean.leader.election.enable": "True"}\n'
_PRODUCE = {"lost-write", "duplicate", "partitioning", "order", "recovery", "report"}

WRONG: dict[str, tuple[str, set[str], str]] = {
    "acks-one": ("survive", {"lost-write"}, _with_settings("acks=1, retries=0, enable_idempotence=False")),
    "acks-one-retries": (
        "survive",
        {"lost-write", "duplicate"},
        _with_settings("acks=1, enable_idempotence=False, max_in_flight_requests_per_connection=1"),
    ),
    "no-idempotence": (
        "survive",
        {"duplicate"},
        _with_settings('acks="all", enable_idempotence=False, max_in_flight_requests_per_connection=1'),
    ),
    "stays-out-of-the-way": (
        "survive",
        {"duplicate"},
        course.changed(
            _with_settings('acks="all", enable_idempotence=False, max_in_flight_requests_per_connection=1'),
            (_SEND, _SEND.replace(") for key", ", partition=0) for key")),
        ),
    ),
    "wrong-partitioner": ("survive", {"partitioning"}, changed((_SEND, _IN_TURN))),
    "backwards": (
        "survive",
        {"order"},
        changed(
            (_SEND, _SEND.replace("in encoded]", "in reversed(encoded)]")), ("return report\n", "return report[::-1]\n")
        ),
    ),
    "gives-up": (
        "survive",
        {"lost-write", "duplicate", "recovery"},
        changed((_WRITES, f"producer = {_GIVES_UP}")),
    ),
    "lets-faults-happen-to-nothing": (
        "survive",
        _PRODUCE,
        changed((f"    {_WRITES}\n", _WAITS_UNTIL_IT_IS_OVER)),
    ),
    "says-anything": (
        "survive",
        {"report"},
        changed((_WRITES, f"{_WRITES} and [[0, 0]] * len(records)")),
    ),
    "commit-first": (
        "process",
        {"committed-before-processed"},
        changed(
            (_READ, _READ.replace("\n", "\n        if found:\n            consumer.commit()\n")),
            (_COMMIT, "        if"),
        ),
    ),
    "stores-nothing": (
        "process",
        {"results", "repeat", "committed-before-processed"},
        changed(("for record in found:", "for record in []:")),
    ),
    "appends": ("process", {"repeat"}, changed((_STORE, _STORE.replace("key=key, ", "")))),
    "reads-nothing-again": (
        "process",
        {"repeat"},
        changed(
            (_KEY, '__import__("uuid").uuid4().hex.encode()'),
            (_BEGIN, _COMMITS_NOTHING + _BEGIN),
            ("    consumer.close()\n", _FOR_SHOW),
        ),
    ),
    "one-key-and-no-member": (
        "process",
        {"repeat", "committed"},
        changed((_KEY, 'b"result"'), (_JOINS, "        **settings,\n"), (_JOINED, _JOINED + _HOLDS.lstrip("\n"))),
    ),
    "wrong-result": ("process", {"results"}, changed(('["amount"]', '["amount"] // 100'))),
    "never-commits": (
        "process",
        {"committed", "committed-before-processed"},
        changed(("consumer.commit()", "pass")),
    ),
    "says-yes-alone": (
        "refuse",
        {"refuses", "keeps"},
        changed((_NO_LOSS, _NO_LOSS.replace('"all"', "1"))),
    ),
    "one-in-sync-is-enough": ("refuse", {"refuses"}, changed(('"min.insync.replicas": 2', '"min.insync.replicas": 1'))),
    "decides-what-cannot-be": ("refuse", {"refuses", "keeps"}, changed((_DECIDES, _CANNOT_BE))),
    "only-says-no": (
        "refuse",
        {"refuses", "keeps"},
        changed(("    return send_all(producer, topic, records, patience_s=3)\n", _SAYS_NO)),
    ),
    "only-says-lost": (
        "lose",
        {"goes on", "loses"},
        changed((_AVAILABLE, "return [[0, 0]] * len(records)")),
    ),
    "wrote-before-the-cut": (
        "lose",
        {"goes on", "loses"},
        changed((_AVAILABLE, _BEFORE_THE_CUT.strip()), (_UNCLEAN, _UNCLEAN.replace("True", "False"))),
    ),
    "nobody-unclean": ("lose", {"loses"}, changed((_UNCLEAN, _UNCLEAN.replace("True", "False")))),
    "says-no": (
        "lose",
        {"goes on", "loses"},
        changed(
            (_AVAILABLE, _AVAILABLE.replace(_ONE, 'acks="all", delivery_timeout_ms=2000, request_timeout_ms=900')),
            ('"min.insync.replicas": 1', '"min.insync.replicas": 2'),
            ("patience_s=25", "patience_s=4"),
        ),
    ),
}
"""Name -> the run that shows it, the properties that it loses, and its source."""

_BY_HAND = """producer.send(topic, key=key, value=value,
                             partition=(murmur2(key) & 0x7FFFFFFF) % len(producer.partitions_for(topic)))
               for key, value in encoded]"""
_PER_PARTITION = """        for each in {record.partition for record in found}:
            last = max(record.offset for record in found if record.partition == each)
            consumer.commit({TopicPartition(topic, each): OffsetAndMetadata(last + 1, "", -1)})
        if not found and"""
_LASTING = 'producer = KafkaProducer(**settings, acks="all", enable_idempotence=True)'
_IMPORTS = """from kafka import TopicPartition
from kafka.partitioner.default import murmur2
from kafka.structs import OffsetAndMetadata

"""

UNUSUAL: dict[str, tuple[str, str]] = {
    "partitions-by-hand": ("survive", _IMPORTS + changed((_SEND, _BY_HAND))),
    "static-member-that-commits-by-partition": (
        "process",
        _IMPORTS + changed(("group_id=group,", 'group_id=group, group_instance_id="me",'), (_COMMIT, _PER_PARTITION)),
    ),
    "lets-errors-end-it": (
        "process",
        changed((_LASTING, _LASTING.replace("idempotence=True", "idempotence=False, retries=0"))),
    ),
    "consistent-with-idempotence": ("refuse", changed((_NO_LOSS, '**patience, acks="all"'))),
    "waits-less-than-its-requests": ("refuse", changed((_NO_LOSS, 'acks="all"'))),
}
"""Name -> the run that shows it, and the source of somebody who does it another way and has all points."""
