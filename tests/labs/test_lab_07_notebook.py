"""Lab 07 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import pytest

from tests.labs.notebooks import Cells, EveryLab, feedback, printed, shown


@pytest.mark.labs
@pytest.mark.slow
class TestCap(EveryLab):
    """The lab as handed out and as solved, and the two histories that it is about."""

    LAB = "07-cap.ipynb"
    SOLUTIONS = (
        ("my-refuse", "acks=1)  # TODO", 'acks="all")'),
        (
            "my-lose-cut",
            "# TODO: one call is missing here",
            'cluster.cut({1}, {2, 3}, clients={"near": 0, "far": 1})',
        ),
        ("topics", '{"min.insync.replicas": "1",', '{"min.insync.replicas": "2",'),
        (
            "topics",
            '"shop.likes": {"min.insync.replicas": "1", "unclean.leader.election.enable": "false"}',
            '"shop.likes": {"min.insync.replicas": "1", "unclean.leader.election.enable": "true"}',
        ),
    )
    CHECKS = (
        ("check-refuse", "07.refuse"),
        ("check-lose", "07.lose"),
        ("topics", "07.topics"),
    )

    @pytest.mark.parametrize("cell", ["refuse-run", "lose-run", "unclean-run"])
    def test_scenarios_end_as_the_rules_say(self, shipped: Cells, cell: str) -> None:
        """The cuts and the unclean election are what the text says, and are compared with the guess."""
        said = shown(shipped[cell])
        assert ": as Kafka's rules say" in said
        assert "you said “" in said

    @pytest.mark.parametrize("cell", ["refuse-run", "lose-run"])
    def test_cut_shows_that_reads_are_old(self, shipped: Cells, cell: str) -> None:
        """What the lab says about C is seen: a consumer misses what was acknowledged on the other side before."""
        assert "nothing of the 2 that were acknowledged on the other side" in shown(shipped[cell])

    def test_tables_show_both_histories(self, shipped: Cells, solved: Cells) -> None:
        """As shipped one record is lost where it should be refused; solved, one is refused and three are lost."""
        assert feedback(shipped["my-refuse"]).startswith("cap.refuse: 2 kept, 1 lost")
        assert feedback(shipped["my-lose"]).startswith("cap.lose: 5 kept")
        assert feedback(solved["my-refuse"]).startswith("cap.refuse: 2 kept, 1 refused")
        assert feedback(solved["my-lose"]).startswith("cap.lose: 2 kept, 3 lost")

    def test_diary_tells_the_truncation(self, solved: Cells) -> None:
        """The cluster's timeline names the offsets that the old leader cut off."""
        assert "on broker 1: offsets 1 to 4 (exclusive) were cut off" in printed(solved["diary"])

    def test_quiz_recalls_the_first_guess(self, shipped: Cells) -> None:
        """The question from the beginning is asked again beside the answer that was given to it, and no later one."""
        assert printed(shipped["quiz"]).startswith("at the beginning you said 2")
