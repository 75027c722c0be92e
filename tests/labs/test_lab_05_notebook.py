"""Lab 05 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import re

import pytest

from tests.labs.notebooks import Cells, EveryLab, printed


@pytest.mark.labs
@pytest.mark.slow
class TestConsumerGroupsAndLag(EveryLab):
    """The lab as handed out and as solved, and the story that it tells."""

    LAB = "05-consumer-groups-and-lag.ipynb"
    SOLUTIONS = (
        ("guess-fifth", "my_guess = 1", "my_guess = 0"),
        ("guess-takeover", "leaving = 3\nseconds_after_crashing = 0", "leaving = 0\nseconds_after_crashing = 3"),
        ("guess-enough", "my_workers = 3", "my_workers = 4"),
        (
            "lag-answer",
            "max(ends.values()) - max(committed.values(), default=0)",
            "sum(max(0, ends[at] - max(committed.get(at, 0), starts[at])) for at in ends)",
        ),
        ("guess-commit", "lost_by_commit_first = []", 'lost_by_commit_first = ["payment-6", "payment-7"]'),
        ("guess-commit", "doubled_by_commit_last = []", 'doubled_by_commit_last = ["payment-4", "payment-5"]'),
        (
            "once",
            "        pay(record)",
            "        if record.key.decode() not in pay.made():\n            pay(record)",
        ),
        ("rewind", "clerk.position(place)", "clerk.seek(place, 10)"),
    )
    CHECKS = (
        ("fifth", "05.fifth"),
        ("check-takeover", "05.takeover"),
        ("lag-answer", "05.lag"),
        ("lag-run", "05.enough"),
        ("check-lost", "05.lost"),
        ("check-doubled", "05.doubled"),
        ("once", "05.once"),
        ("rewind", "05.rewind"),
    )

    def test_partitions_are_shared_and_the_fifth_is_idle(self, shipped: Cells) -> None:
        """What part 1 promises: all partitions for one, two each, one each, none for the fifth."""
        one, two, four = printed(shipped["scale"]).splitlines()
        assert one.endswith("{'royalties-1': [0, 1, 2, 3]}")
        assert two.endswith("{'royalties-1': [0, 1], 'royalties-2': [2, 3]}")
        assert four.count("[") == 4
        assert "'royalties-5': []" in printed(shipped["fifth"])

    def test_crash_waits_for_the_session_timeout(self, shipped: Cells) -> None:
        """What part 2 promises: a crashed member's partitions wait for the session timeout, 3 s less one heartbeat."""
        said = printed(shipped["leave"])
        seconds = re.search(r"crashed.* after ([\d.]+) s", said)
        assert seconds
        assert float(seconds[1]) > 2.5
        assert "assignment 1:" not in said  # the timeline begins with this cell
        assert said.count("rebalance") >= 2

    def test_commit_policies_lose_and_double(self, shipped: Cells) -> None:
        """What part 4 promises, to the payment."""
        first, last = printed(shipped["commit-run"]).splitlines()
        assert first.endswith("Of 12, lost: payment-6, payment-7.")
        assert last.endswith("Of 12, done more than once: payment-4, payment-5.")
        assert "payment-0, payment-1, payment-2, payment-3, payment-4, payment-5." in printed(shipped["commit-auto"])

    def test_group_catches_up(self, shipped: Cells) -> None:
        """What part 3 promises: four workers bring the lag down to nothing."""
        assert "lag 0" in printed(shipped["lag-rest"])

    def test_worker_with_two_partitions_is_the_one_that_falls_behind(self, shipped: Cells) -> None:
        """What part 3 promises, by what was measured: a line for each worker, and more in than done for the busiest."""
        lines = printed(shipped["lag-run"]).splitlines()
        assert [line[0] for line in lines if line[0] != " "] == ["2", "3", "4"]
        assert [line.count("in/s") for line in lines].count(1) == 2 + 3 + 4
        (busiest,) = [line for line in lines[4:7] if "[0, 1]" in line]
        assert len(lines[4:7]) == 3
        assert float(busiest.split("]")[1].split()[0]) > 0

    def test_commits_lie_in_a_topic(self, shipped: Cells) -> None:
        """What part 5 shows: the commits of the two cashiers, at 4 and 8 and 12."""
        offsets = re.findall(r"royalties\.due-0 -> (\d+)", printed(shipped["where"]))
        assert offsets[-3:] == ["4", "8", "12"]
