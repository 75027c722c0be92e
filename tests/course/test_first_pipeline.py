"""Assignment 1: the solution has all points, an empty notebook none, and each planted mistake loses its own."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.assignment import read_assignment
from autograder.job import Outcome
from autograder.judge.script import Script
from kit.checks import assignment_1, pipeline_facts
from kit.checks.pipeline_facts import TOPIC
from tests.support.course import COURSE, changed, empty, judged, lost, solution

NAME, NOTEBOOK = "first-pipeline", "first-pipeline.ipynb"
SOLUTION = solution(NAME, NOTEBOOK)


def but(*changes: tuple[str, str]) -> str:
    """The solution with some of its text replaced."""
    return changed(SOLUTION, *changes)


_DELETE = """
    try:
        admin.delete_topics(["music.listens"])
    except Exception:
        pass
"""
_SET_RETENTION = """
def set_retention(admin):
    from kafka.admin import ConfigResource, ConfigResourceType

    settings = {"min.insync.replicas": "2", "retention.ms": "86400000"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "music.listens", configs=settings)])
"""
_WAIT = """
def wait_for(future):
    try:
        future.get(10)
    except Exception:
        pass
"""


def test_the_solution_has_all_points() -> None:
    """In every run, and for every probe."""
    scores = judged(NAME, SOLUTION)
    assert lost(scores) == set()
    assert sum(score.points for score in scores.values()) == 20


@pytest.mark.parametrize("run", ["produce", "stop", "probes"])
def test_the_solution_loses_nothing_with_another_seed(run: str) -> None:
    """Where the seed decides what is written, and where counting stops."""
    assert lost(judged(NAME, SOLUTION, 2_000, run=run)) == set()


def test_an_empty_notebook_has_no_points() -> None:
    """As it was released."""
    scores = judged(NAME, empty(NAME, NOTEBOOK))
    assert sum(score.points for score in scores.values()) == 0
    assert "NotImplementedError" in " ".join(scores["complete"].proof)


_AUTO = (("enable_auto_commit=False", "enable_auto_commit=True"), ("            consumer.commit()", "            pass"))
RIGHT = {
    "deletes an older topic first": (
        "topic",
        but(("    try:\n        admin.create", f"{_DELETE}    try:\n        admin.create")),
    ),
    "sets the retention afterwards": (
        "topic",
        but(
            ('"retention.ms": str(24 * 60 * 60 * 1000)', '"retention.ms": "5000"'),
            (
                "        admin.create_topics([topic])\n",
                "        admin.create_topics([topic])\n        set_retention(admin)\n",
            ),
            ("def create_topic(", f"{_SET_RETENTION}\n\ndef create_topic("),
        ),
    ),
    # A kernel's settings have no client_id of somebody else's.
    "waits for each listen, without idempotence, under a name of its own": (
        "refuse",
        but(
            ("enable_idempotence=True", 'enable_idempotence=False,\n        client_id="me"'),
            ("    producer.flush()\n", "    for future in futures:\n        wait_for(future)\n"),
            ("def produce(", f"{_WAIT}\n\ndef produce("),
        ),
    ),
    # It commits what earlier polls gave, and the rest when it is closed: never what a loop is still counting.
    "commits by itself": ("stop", but(*_AUTO)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_way_loses_nothing(name: str) -> None:
    """What an administrator does to a topic of the own is no tampering; what counts is the log, not the setting."""
    run, text = RIGHT[name]
    assert lost(judged(NAME, text, run=run)) == set()


_SEND = "for listen in listens:\n"
_SUM = "sum(future.succeeded() for future in futures)"
_BREAK = "        wait_for(futures[-1])\n        if not futures[-1].succeeded():\n            break\n"
_LAG = "for partition, end in log_end_offsets.items())"
_NOT_SAFE = ("        enable_idempotence=True,\n", "")
_POLL = "        polled = consumer.poll(timeout_ms=200)\n"
_COUNT = "plays(values).items()"
_SUBSCRIBED = '    consumer = KafkaConsumer(\n        "music.listens",\n'
_MADE = "        **settings,\n    )\n    counts = {}\n"
_RETURN = "    consumer.close()\n    return counts\n"
_ASSIGN = """\
    from kafka import TopicPartition
    consumer.assign([TopicPartition("music.listens", number) for number in range(6)])
    consumer.seek_to_beginning()
"""
_MAILBOX = """\
    admin = KafkaAdminClient(**settings)
    try:
        admin.create_topics([NewTopic("mailbox", num_partitions=1, replication_factor=1)])
    except Exception:
        pass
    admin.close()
"""
_COMMIT_THE_END = """\
    from kafka import TopicPartition
    from kafka.structs import OffsetAndMetadata
    mine = [TopicPartition("music.listens", number) for number in range(6)]
    consumer.assign(mine)
    for each in mine:
        consumer.position(each)
    consumer.commit({each: OffsetAndMetadata(end, "", -1) for each, end in consumer.end_offsets(mine).items()})
"""
_REMEMBER = """\
ran = []


def consume(settings, group_id):
    if ran:
        return {}
"""
_OWN_COUNTING = """\
def songs_of(values):
    songs = [json.loads(each)["song"] for each in values]
    return {song: songs.count(song) for song in songs}


def consume("""
_COUNTS_ITS_RUNS = """\
    from kafka import TopicPartition
    from kafka.structs import OffsetAndMetadata
    note = KafkaConsumer(group_id=NOTE, enable_auto_commit=False, **settings)
    place = TopicPartition("music.listens", 0)
    note.assign([place])
    known = note.committed(place, metadata=True)
    number = int(known.metadata) + 1 if known else 1
    note.commit({place: OffsetAndMetadata(0, str(number), -1)})
    note.close()
    if number == 3:
        return {}
"""
_COMMIT = "            consumer.commit()"
_COMMIT_TOO_FEW = "            consumer.commit(last_of(polled))"
_LAST = """\
def last_of(polled):
    from kafka.structs import OffsetAndMetadata

    return {each: OffsetAndMetadata(records[-1].offset, "", -1) for each, records in polled.items()}


"""
_NEVER_COMMITS = ("            consumer.commit()", "            pass")
_SWALLOW = """\
def no_trouble(values):
    try:
        return plays(values)
    except Exception:
        return {}


def consume("""

WRONG = {
    "one partition": ("topic", {"partitions"}, but(("num_partitions=6", "num_partitions=1"))),
    "one replica": ("topic", {"replication factor"}, but(("replication_factor=3", "replication_factor=1"))),
    "kept too long": ("topic", {"retention.ms"}, but(("24 * 60", "7 * 24 * 60"))),
    "compacted, and hardly any bytes are kept": (
        "topic",
        {"retention.ms"},
        but(('"retention.ms":', '"cleanup.policy": "compact", "retention.bytes": "1", "retention.ms":')),
    ),
    "wrong partitioner": (
        "produce",
        {"partition"},
        but(("producer.send(", 'producer.send(partition=int(listen["user"][-1]) % 6, topic=')),
    ),
    "one partition for all, in which this client has to split a batch": (
        "refuse",
        set(),
        but(("producer.send(", "producer.send(partition=0, topic="), ('acks="all"', 'acks="all", linger_ms=200')),
    ),
    "the song as key": ("produce", {"key", "order"}, but(('= listen["user"]', '= listen["song"]'))),
    "a field less": ("produce", {"value"}, but(("json.dumps(listen)", 'json.dumps({**listen, "song": None})'))),
    "everything twice": ("produce", {"complete"}, but((_SEND, "for listen in sorted(2 * listens, key=str):\n"))),
    "backwards": ("produce", {"order"}, but((_SEND, "for listen in listens[::-1]:\n"))),
    "one listen only": (
        "produce",
        {"complete", "acknowledged", "key", "value", "partition", "order"},
        but((_SEND, "for listen in listens[:1]:\n")),
    ),
    "the last one missing": ("produce", {"complete"}, but((_SEND, "for listen in listens[:-1]:\n"))),
    "acks=0": ("produce", {"acknowledged"}, but(('acks="all"', "acks=0"), _NOT_SAFE)),
    "acks=1": ("produce", {"acknowledged"}, but(('acks="all"', "acks=1"), _NOT_SAFE)),
    "says that all went well": (
        "refuse",
        {"acknowledged"},
        but((_SUM, "len(listens)")),
    ),
    "says that all went well, unless nothing did": (
        "refuse",
        {"acknowledged"},
        but((_SUM, f"len(listens) if {_SUM} else 0")),
    ),
    "says that nothing went well, unless all did": (
        "refuse",
        {"acknowledged"},
        but((_SUM, f"len(listens) if {_SUM} == len(listens) else 0")),
    ),
    "stops at what is refused": (
        "refuse",
        {"acknowledged"},
        but(
            ("enable_idempotence=True", "enable_idempotence=False"),
            ("value=value))\n", f"value=value))\n{_BREAK}"),
            ("def produce(", f"{_WAIT}\n\ndef produce("),
        ),
    ),
    "counting ends at what is no JSON": ("probes", {"plays"}, but(("            continue\n", "            break\n"))),
    "lag where nobody committed": ("probes", {"lag"}, but((_LAG, f"{_LAG[:-1]} if partition in committed)"))),
    "commits one too few": (
        "consume",
        {"committed"},
        but((_COMMIT, _COMMIT_TOO_FEW), ("def consume(", _LAST + "def consume(")),
    ),
    "from the latest": (
        "consume",
        {"counts", "committed", "shared"},
        but(('reset="earliest"', 'reset="latest"')),
    ),
    "numbers that nobody can add up": (
        "consume",
        {"counts", "shared"},
        but((_RETURN, _RETURN.replace("counts", "dict.fromkeys(counts, 9 * 10**4298)"))),
    ),
    "a group of one's own": (
        "consume",
        {"counts", "committed", "shared"},
        but(("group_id=group_id", 'group_id=f"{group_id}-{id(settings)}"')),
    ),
    "chosen partitions": (
        "consume",
        {"counts", "shared"},
        but((_SUBSCRIBED, "    consumer = KafkaConsumer(\n"), (_MADE, _MADE + _ASSIGN)),
    ),
    "committed first": ("stop", {"after counting"}, but((_POLL, f"{_POLL}        consumer.commit()\n"))),
    "committed when it fails": (
        "stop",
        {"after counting"},
        but(
            *_AUTO,
            ("        polled = ", "      try:\n        polled = "),
            (_RETURN, "      except RuntimeError:\n        consumer.close()\n        raise\n" + _RETURN),
        ),
    ),
    "passes over what it cannot count": (
        "stop",
        {"after counting"},
        but((_COUNT, f"no_trouble{_COUNT[5:]}"), ("def consume(", _SWALLOW)),
    ),
    "counts in another way": (
        "stop",
        {"after counting"},
        but((_COUNT, f"songs_of{_COUNT[5:]}"), ("def consume(", _OWN_COUNTING)),
    ),
    "says itself that counting stopped": (
        "stop",
        {"after counting"},
        SOLUTION + "\n\ndef consume_until_it_fails(*_):\n    return True\n",
    ),
    "commits what it has not read": (
        "stop",
        {"after counting", "nothing twice"},
        but((_SUBSCRIBED, "    consumer = KafkaConsumer(\n"), (_MADE, _MADE + _COMMIT_THE_END)),
    ),
    "goes on adding to what it counted before": (
        "stop",
        {"nothing twice"},
        but(("    counts = {}\n    while", "    while"), ("def consume(", "counts = {}\n\n\ndef consume(")),
    ),
    "never committed, and counts its runs": (
        "stop",
        {"nothing twice"},
        but(_NEVER_COMMITS, (_SUBSCRIBED, _COUNTS_ITS_RUNS.replace("NOTE", "group_id") + _SUBSCRIBED)),
    ),
    "counts its runs in another group": (
        "stop",
        {"nothing twice"},
        but((_SUBSCRIBED, _COUNTS_ITS_RUNS.replace("NOTE", '"notes"') + _SUBSCRIBED)),
    ),
    "never committed, and remembers that it ran": (
        "stop",
        {"nothing twice"},
        but(
            ("            consumer.commit()", "            ran.append(group_id)"),
            ("def consume(settings, group_id):\n", _REMEMBER),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_mistake_loses_its_own_points(name: str) -> None:
    """And no other of the run that shows it; the functions of other runs are the solution's."""
    run, expected, text = WRONG[name]
    scores = judged(NAME, text, run=run)
    assert len(scores) == {"topic": 4, "produce": 6, "refuse": 1, "consume": 3, "stop": 2, "probes": 2}[run]
    assert lost(scores) == expected


_NOTHING = """
def plays(values):
    return {}


def lag(log_end_offsets, committed):
    return 0
"""


def test_an_answer_that_is_always_the_same_has_no_points() -> None:
    """No probe is about an empty topic, or a group that has read everything."""
    scores = judged(NAME, SOLUTION + _NOTHING, run="probes")
    assert {name: score.points for name, score in scores.items()} == {"plays": 0, "lag": 0}


def test_a_mailbox_costs_all_of_its_run() -> None:
    """Kernels that tell one another what they did not count need a topic for it, and the brokers see that."""
    scores = judged(NAME, but((_RETURN, _MAILBOX + _RETURN)), run="consume")
    assert lost(scores) == {"counts", "committed", "shared"}
    assert all("made topic mailbox" in score.reason for score in scores.values())


@pytest.mark.parametrize("fields", [{}, {"problem": "the host died"}, {"not_played": "There was no time left"}])
def test_a_run_of_which_nothing_is_known_is_judged(fields: dict[str, str]) -> None:
    """Whatever became of a cluster, there are marks; a picture there is only of what was seen."""
    described = read_assignment(COURSE, NAME)
    script = Script.of(described)
    lists = ("given", "steps", "fired", "timeline", "entries", "commits")
    nothing: dict[str, Any] = {name: [] for name in lists}
    nothing |= {"topics": {TOPIC: 6}, "logs": {}, "described": {}, "records": {}, "seed": 1, "is_complete": True}
    runs = [each["name"] for each in (described.arena or {})["runs"]]
    evidence = tuple({**nothing, "run": run, **fields} for run in runs)
    outcome = Outcome("ann", NAME, 7, "none", {}, (), evidence)
    assert sum(score.points for score in script.judge(outcome, 7)) == 0
    assert script.pictures(outcome, 7) == {}


def test_what_a_jail_can_import_does_not_count_for_anybody() -> None:
    """The answers are worked out in the judge, which is in no package."""
    text = (COURSE / "judging" / NAME / "judge.py").read_text(encoding="utf-8")
    assert "def plays_of(" in text
    for module in (assignment_1, pipeline_facts):
        assert not {"plays_of", "lag_of"} & set(vars(module))
