"""Lab 08 from top to bottom without a hand on it: as handed out, and with every task solved."""

from __future__ import annotations

import pytest

from tests.labs.notebooks import Cells, EveryLab, printed


@pytest.mark.labs
@pytest.mark.slow
class TestConfluentCli(EveryLab):
    """The life of a cluster from the command line."""

    LAB = "08-confluent-cli.ipynb"
    SOLUTIONS = (
        ("cluster", 'NAME, REGION = "day2", "us-central1"', 'NAME, REGION = "msds682", "us-west1"'),
        ("orders", "produce orders", "produce orders --parse-key"),
        ("guess-key", '"send"', '"both"'),
        ("logout", '"ended"', '"goes on"'),
        (
            "clean",
            "# TODO: delete the cluster, then the environment",
            "%confluent kafka cluster delete {CLUSTER} --force\n%confluent environment delete {ENVIRONMENT} --force",
        ),
    )
    CHECKS = (
        ("cluster", "08.cluster"),
        ("check-orders", "08.orders"),
        ("guess-key", "08.key"),
        ("logout", "08.logout"),
        ("clean", "08.clean"),
    )

    def test_failures_on_purpose_happen(self, shipped: Cells) -> None:
        """A region that does not exist, and sending without a key: the tool's own errors."""
        assert "not an available region" in printed(shipped["slip"])
        assert 'Created topic "orders"' in printed(shipped["no-key"])
        assert "no API key selected" in printed(shipped["no-key"])

    def test_consumer_in_the_other_terminal_prints_the_two_new_records(self, shipped: Cells) -> None:
        """What is sent after it began, and nothing older."""
        screen = printed(shipped["play"])

        assert "1 ticket\n" in screen
        assert "2 posters\n" in screen
        assert "1 poster\n" not in screen

    def test_no_secret_is_in_the_notebook(self, runs: dict[str, Cells]) -> None:
        """A notebook is handed in: the secret that was shown once is hidden in it."""
        for cells in runs.values():
            assert "| API Secret | (hidden)  " in printed(cells["key"])
            assert "(hidden)" in printed(cells["python-client"])

    def test_nothing_is_left_behind(self, runs: dict[str, Cells]) -> None:
        """The last cell ends what the learner has not deleted."""
        for cells in runs.values():
            (output,) = cells["end"].outputs
            assert "0 environments, 0 clusters, 0 API keys" in output.data["text/plain"]
