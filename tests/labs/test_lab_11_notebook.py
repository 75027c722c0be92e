"""Lab 11 from top to bottom without a hand on it: with an empty plan, and with one that somebody wrote."""

from __future__ import annotations

import pytest

from tests.labs.notebooks import Cells, EveryLab, printed
from tests.support.plans import PLAN


@pytest.mark.labs
@pytest.mark.slow
class TestProject(EveryLab):
    """The form, the check of its structure, and the plan's topics in a cluster."""

    LAB = "11-project-ideas.ipynb"
    SOLUTIONS = (
        (
            "form",
            'form = ProjectForm("my-project.md")',
            f'form = ProjectForm("my-project.md")\nform.title = "Late buses"\nform.texts = {PLAN!r}',
        ),
    )
    CHECKS = (("check-structure", "11.structure"), ("check-topics", "11.topics"))

    def test_names_are_looked_at_before_they_are_used(self, shipped: Cells, solved: Cells) -> None:
        """Without a topic there is a line to copy, with one the rules of lab 02 speak."""
        assert "topic: dev.hoops.plays.v1" in printed(shipped["names"])
        assert "No topic was created" in printed(shipped["alive"])
        assert printed(solved["names"]).count("Kafka takes it, and so does the team.") == 2

    def test_topics_have_records_to_look_for(self, solved: Cells) -> None:
        """Part 3 asks whether the data is still there: there is some."""
        story = printed(solved["count-records"])

        assert "prod.transit.positions.v1: 60 records, 3 of 3 replicas in sync" in story
        assert printed(solved["alive"]) == ""
