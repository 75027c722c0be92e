"""Lab 04 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import pytest

from tests.labs.notebooks import Cells, EveryLab, feedback, printed


@pytest.mark.labs
@pytest.mark.slow
class TestSizing(EveryLab):
    """The lab as handed out and as solved, and the failures that it promises."""

    LAB = "04-sizing.ipynb"
    SOLUTIONS = (
        (
            "formula",
            "max(target / (producers * producer_rate), target / (consumers * consumer_rate))",
            "max(target / producer_rate, target / consumer_rate)",
        ),
        ("load", "partitions=4,", "partitions=14,"),
        ("ten", "partitions=14,", "partitions=20,"),
        ("storage", "7 / 1_000_000", "7 * 3 / 1_000_000"),
    )
    CHECKS = (
        ("formula", "04.formula"),
        ("check-load", "04.load"),
        ("check-ten", "04.ten"),
        ("storage", "04.storage"),
    )

    def test_slides_four_fails_visibly(self, shipped: Cells) -> None:
        """The same figures on every computer: 60 of 200 get in, each second."""
        said = feedback(shipped["try-guess"])

        assert "1,400 of 2,000 records wait, 1,400 at the producers" in said
        assert "made in second 2.98, written in second 9" in printed(shipped["try-log"])

    def test_fourteen_pass(self, solved: Cells) -> None:
        """Nothing waits anywhere."""
        assert printed(solved["formula"]).startswith("14 partitions")
        assert "It keeps up: after 10 seconds 0 of 2,000 records wait." in feedback(solved["load"])

    def test_ten_consumers_need_partitions_to_share(self, shipped: Cells, solved: Cells) -> None:
        """On 14 partitions they lag, on 20 they do not."""
        assert "342 at the consumers" in feedback(shipped["ten"])
        assert "28.6 MB/s, where a consumer reads 20" in feedback(shipped["check-ten"])
        assert "Each of the 10 consumers has the same share" in feedback(solved["check-ten"])

    def test_copies_and_costs_are_shown(self, shipped: Cells) -> None:
        """Three equal replicas; ten times the partitions cost ten times the folders and elections."""
        copies = [line.split(": ")[1] for line in printed(shipped["storage-files"]).splitlines()]
        six, sixty = printed(shipped["limits"]).splitlines()

        assert len(copies) == 3
        assert len({copy.split(" bytes")[0] for copy in copies}) == 1
        assert six.startswith("six: 18 folders")
        assert "2 leaders changed" in six
        assert sixty.startswith("sixty: 180 folders")
        assert "20 leaders changed" in sixty
