"""Lab 06 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import re

import pytest

from tests.labs.notebooks import Cells, EveryLab, feedback, printed, shown

PREDICTIONS = (
    '1: "taken and kept", 2: "refused", 3: "refused", 4: "refused", 5: "taken and kept", 6: "taken and kept", '
    '7: "may be lost", 8: "may be lost", 9: "taken and kept", 10: "taken and kept", 11: "taken and kept", '
    '12: "may be lost"'
)


@pytest.mark.labs
@pytest.mark.slow
class TestReplicationAndFailover(EveryLab):
    """The lab as handed out and as solved, and the story that it tells."""

    LAB = "06-replication-and-failover.ipynb"
    SOLUTIONS = (
        ("watermark-run", "my_guess = 5", "my_guess = 2"),
        ("candidates", "candidates = [2, 3]", "candidates = [2]"),
        ("payments", "MIN_INSYNC_REPLICAS = 3", "MIN_INSYNC_REPLICAS = 2"),
        ("matrix", "predictions = {}", f"predictions = {{{PREDICTIONS}}}"),
    )
    CHECKS = (
        ("watermark-run", "06.visible"),
        ("candidates", "06.candidates"),
        ("payments", "06.payments"),
        ("matrix-run", "06.matrix"),
    )

    def test_only_the_leader_serves_clients(self, shipped: Cells) -> None:
        """Producer and consumer reach broker 1, the leader, and nobody else."""
        assert "seen:     producer {1}, consumer {1}" in printed(shipped["leaders-run"])

    def test_in_sync_replicas_shrink_and_grow(self, shipped: Cells) -> None:
        """The paused broker drops out, the write goes on, and the broker comes back."""
        story = printed(shipped["isr-run"])

        assert "in sync: (1, 2)\n" in story
        assert re.search(r"caught up; in sync: \(\d, \d, \d\)", story)

    def test_unsafe_records_are_taken_refused_and_hidden(self, shipped: Cells) -> None:
        """acks=1 is acknowledged and not seen, acks=all is refused; then the brokers are back and all is seen."""
        story = printed(shipped["watermark-run"])

        assert story.count("acks=1: acknowledged") == 3
        assert "acks=all: NotEnoughReplicasError" in story
        assert "the high watermark is 2" in story
        assert "high watermark 5" in printed(shipped["watermark-back"])

    def test_failover_loses_nothing(self, shipped: Cells) -> None:
        """All 200 are acknowledged over the death of their leader, and the history finds no anomaly."""
        story = printed(shipped["failover-run"])

        assert "200 of 200 acknowledged" in story
        before, after = (int(each) for each in re.findall(r"leader epoch (\d+)", story))
        assert after == before + 1
        judged = printed(shipped["failover-judge"])
        assert "it was:   0 not acknowledged, 0 lost" in judged
        assert "No anomaly in" in judged

    def test_preferred_leader_waits_for_an_election(self, shipped: Cells) -> None:
        """Who comes back follows, until preferred leaders are elected."""
        story = printed(shipped["preferred-run"])

        assert re.search(r"broker 1 is in sync again; broker [23] leads", story)
        assert "preferred leaders: broker 1 leads" in story

    @pytest.mark.parametrize("cell", ["four-run", "reads-run"])
    def test_scenarios_end_as_the_rules_say(self, shipped: Cells, cell: str) -> None:
        """Failovers and reads from a follower are what the text says, and are compared with the guess."""
        said = shown(shipped[cell])
        assert ": as Kafka's rules say" in said
        assert "you said “" in said

    def test_matrix_gives_partial_words(self, shipped: Cells) -> None:
        """With nothing predicted the check says so, after all rows were run."""
        assert "0 of 12 rows are predicted" in feedback(shipped["matrix-run"])
