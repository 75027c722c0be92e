"""Lab 02 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import pytest

from tests.labs.notebooks import Cells, EveryLab, printed

_TREE = """[
    f"{environment}.{branch}"
    for environment in ("dev", "prod")
    for branch in ("music.plays.v1", "music.plays.v2", "music.skips.v1", "payments.royalties.v1")
]"""
_SENT_AGAIN = """admin.delete_topics(["music.playz"])
with KafkaProducer(**cluster.client_settings) as producer:
    producer.send(PLAYS, value=b"Night Bus Home").get(timeout=10)
"""


@pytest.mark.labs
@pytest.mark.slow
class TestTopicsAndNames(EveryLab):
    """The lab as handed out and as solved, and the story that it tells."""

    LAB = "02-topics-and-names.ipynb"
    SOLUTIONS = (
        ("last-answer", "= 4", "= 3"),
        ("rule-guess", '"refused"', '"kept"'),
        (
            "rule-answer",
            'bool(re.match("[a-z.]+", name))',
            're.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name) is not None and name not in (".", "..")',
        ),
        ("ten-answer", '"music plays": "fine"', '"music plays": "kafka"'),
        ("ten-answer", '"Prod.Music.Plays.v1": "fine"', '"Prod.Music.Plays.v1": "team"'),
        ("ten-answer", '"music_plays": "fine"', '"music_plays": "kafka"'),
        ("ten-answer", '"dev.data.v1": "fine"', '"dev.data.v1": "team"'),
        ("ten-answer", '"café.orders": "fine"', '"café.orders": "kafka"'),
        ("ten-answer", '"music.plays.v1": "fine"', '"music.plays.v1": "team"'),
        ("ten-answer", '"..": "fine"', '"..": "kafka"'),
        ("ten-answer", '"dev.music.plays": "fine"', '"dev.music.plays": "team"'),
        ("tree-answer", '[\n    "dev.music.plays.v1",\n    "Skips",\n]', _TREE),
        ("stray-guess", '"error"', '"new topic"'),
        ("internal-guess", '"first broker"', '"first group"'),
        ("stray-answer", '# TODO: delete the stray topic, and send b"Night Bus Home" to PLAYS\n', _SENT_AGAIN),
    )
    CHECKS = (
        ("last-answer", "02.last-partition"),
        ("capitals", "02.capitals"),
        ("rule-answer", "02.rule"),
        ("ten-answer", "02.ten-names"),
        ("tree-answer", "02.tree"),
        ("stray-run", "02.typo"),
        ("stray-answer", "02.stray"),
        ("internal", "02.internal"),
    )

    def test_brokers_refuse_what_the_table_says(self, shipped: Cells) -> None:
        """Of the eight names two are taken; each refusal has Kafka's name and a reason."""
        answers = dict(line.split("  ", 1) for line in printed(shipped["ask"]).splitlines() if line)
        said = {name.strip(): answer.strip() for name, answer in answers.items()}

        assert [name for name, answer in said.items() if answer == "yes"] == ["music.skips", "42"]
        refused = [answer for answer in said.values() if answer != "yes"]
        assert len(refused) == 6
        assert all(answer.startswith("INVALID_TOPIC_EXCEPTION: ") for answer in refused)
        assert "collides" in said["music_plays"]

    def test_typo_makes_a_topic(self, shipped: Cells) -> None:
        """The trap of part 6: acknowledged, and there is a new topic."""
        story = printed(shipped["stray-run"])

        assert "acknowledged: topic music.playz" in story
        assert "new topics: {'music.playz'}" in story

    def test_pattern_finds_the_topics_of_the_tree(self, solved: Cells) -> None:
        """Part 5: a pattern subscribes to the branch, and to no topic of prod."""
        expected = "['dev.music.plays.v1', 'dev.music.plays.v2', 'dev.music.skips.v1']"
        assert printed(solved["pattern"]) == f"subscribed to {expected}\n"

    def test_first_commit_made_kafkas_own_topic(self, shipped: Cells) -> None:
        """Part 7: the offsets topic is there with its fifty partitions."""
        assert printed(shipped["internal"]) == "__consumer_offsets: 50 partitions\n"
