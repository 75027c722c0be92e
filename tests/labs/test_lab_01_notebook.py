"""Lab 01 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import pytest

from tests.labs.notebooks import Cells, EveryLab, feedback, printed


@pytest.mark.labs
@pytest.mark.slow
class TestFirstRecords(EveryLab):
    """The lab as handed out and as solved, and the story that it tells."""

    LAB = "01-first-records.ipynb"
    SOLUTIONS = (
        ("guess-kept", '"gone"', '"kept"'),
        (
            "record-send",
            'value=b"Paper Lanterns")',
            'key=b"zoe", value=value, headers=[("source", b"lab")])',
        ),
        ("offsets-answer", '["offset"]', '["topic", "partition", "offset"]'),
        ("royalties", '"latest"', '"earliest"'),
        ("royalties", "# TODO: one call is missing here", "royalties.commit()"),
    )
    CHECKS = (
        ("check-kept", "01.retained"),
        ("record-send", "01.record"),
        ("offsets-answer", "01.offsets"),
        ("offline-commit", "01.catch-up"),
        ("royalties", "01.royalties"),
    )
    PASSES_AS_SHIPPED = frozenset({"offline-commit"})

    def test_failures_on_purpose_happen(self, shipped: Cells) -> None:
        """The surprises that the text promises: nothing read at first, a TypeError, everything read again."""
        assert printed(shipped["consume-latest"]) == "records read: 0\n"
        assert printed(shipped["consume-earliest"]).count("the first of 1 is") == 2
        assert "TypeError" in printed(shipped["record-bytes"])
        evening, morning = (int(printed(shipped[cell]).split()[-2]) for cell in ("offline-tools", "offline-run"))
        assert morning == evening + 12

    def test_offline_consumer_catches_up(self, shipped: Cells) -> None:
        """With a commit the group reads the twelve records that it had missed, and the check agrees."""
        assert "morning: read 12 records" in printed(shipped["offline-commit"])
        assert feedback(shipped["offline-commit"]).startswith("✔ 01.catch-up: passed")

    def test_chart_story_reaches_its_end(self, shipped: Cells) -> None:
        """The switches, the lag and the chart play together without anybody pressing anything."""
        story = printed(shipped["live-play"])

        assert "The consumer is offline" in story
        assert "The consumer has caught up" in story
        assert "too long" not in story
