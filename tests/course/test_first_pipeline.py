"""Assignment 1: the solution has all points, an empty notebook none, and each planted mistake loses its own."""

from __future__ import annotations

import pytest

from tests.support.course import changed, empty, judged, lost, solution

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


@pytest.mark.parametrize("seed", [7, 2_000])
def test_the_solution_has_all_points(seed: int) -> None:
    """Whatever the seed is."""
    scores = judged(NAME, SOLUTION, seed)
    assert lost(scores) == set()
    assert sum(score.points for score in scores.values()) == 20


def test_an_empty_notebook_has_no_points() -> None:
    """As it was released."""
    scores = judged(NAME, empty(NAME, NOTEBOOK))
    assert sum(score.points for score in scores.values()) == 0
    assert "NotImplementedError" in " ".join(scores["complete"].proof)


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
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_way_loses_nothing(name: str) -> None:
    """What an administrator does to a topic of the own is no tampering where a topic is asked for."""
    run, text = RIGHT[name]
    assert lost(judged(NAME, text, run=run)) == set()


_SEND = "for listen in listens\n"
_LAG = "for partition, end in log_end_offsets.items())"

WRONG = {
    "one partition": ("topic", {"partitions"}, but(("num_partitions=6", "num_partitions=1"))),
    "one replica": ("topic", {"replication factor"}, but(("replication_factor=3", "replication_factor=1"))),
    "kept too long": ("topic", {"retention.ms"}, but(("24 * 60", "7 * 24 * 60"))),
    "wrong partitioner": (
        "produce",
        {"partition"},
        but(("producer.send(", 'producer.send(partition=int(listen["user"][-1]) % 6, topic=')),
    ),
    "the song as key": ("produce", {"key", "order"}, but(('key=listen["user"]', 'key=listen["song"]'))),
    "a field less": ("produce", {"value"}, but(("json.dumps(listen)", 'json.dumps({**listen, "song": None})'))),
    "everything twice": ("produce", {"complete"}, but((_SEND, "for listen in listens for _ in range(2)\n"))),
    "backwards": ("produce", {"order"}, but((_SEND, "for listen in listens[::-1]\n"))),
    "the last one missing": ("produce", {"complete"}, but((_SEND, "for listen in listens[:-1]\n"))),
    "counting ends at what is no JSON": ("probes", {"plays"}, but(("            continue\n", "            break\n"))),
    "lag where nobody committed": ("probes", {"lag"}, but((_LAG, f"{_LAG[:-1]} if partition in committed)"))),
    "never committed": ("consume", {"committed", "nothing twice"}, but(("consumer.commit()", "pass"))),
    "from the latest": (
        "consume",
        {"counts", "committed", "nothing twice", "shared"},
        but(('reset="earliest"', 'reset="latest"')),
    ),
    "numbers that nobody can add up": (
        "consume",
        {"counts", "nothing twice", "shared"},
        but(
            (
                "    consumer.close()\n    return counts",
                "    consumer.close()\n    return dict.fromkeys(counts, 9 * 10**4298)",
            )
        ),
    ),
    "a group of one's own": (
        "consume",
        {"counts", "committed", "nothing twice"},
        but(("group_id=group_id", 'group_id=f"{group_id}-{id(settings)}"')),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_mistake_loses_its_own_points(name: str) -> None:
    """And no other of the run that shows it; the functions of other runs are the solution's."""
    run, expected, text = WRONG[name]
    scores = judged(NAME, text, run=run)
    assert len(scores) in {2, 4, 5}
    assert lost(scores) == expected
