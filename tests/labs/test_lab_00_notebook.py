"""Lab 00 from top to bottom without a hand on it: as handed out, and with the right guess."""

from __future__ import annotations

import pytest

from tests.labs.notebooks import Cells, EveryLab, printed


@pytest.mark.labs
@pytest.mark.slow
class TestWelcome(EveryLab):
    """The welcome page: map, first contact, a crash, help, review."""

    LAB = "00-welcome.ipynb"
    SOLUTIONS = (("guess", '"some are lost"', '"they go on"'),)
    CHECKS = (("check-crash", "00.crash"),)

    def test_map_needs_no_labs_beside_it(self, shipped: Cells) -> None:
        """The map is the first thing that runs; a folder without labs gets a sentence and no error."""
        (output,) = shipped["map"].outputs

        assert "There are no labs in" in output.data["text/plain"]

    def test_streams_go_on_after_the_crash(self, shipped: Cells) -> None:
        """The cell that kills a broker sees the stream go on."""
        assert "has crashed" in printed(shipped["crash"])
        assert int(printed(shipped["crash"]).split()[-1]) >= 40

    def test_doctor_and_quiz_show_themselves(self, shipped: Cells) -> None:
        """The report and the questions are there, and the embedded cluster works."""
        (report,) = shipped["doctor"].outputs
        assert "The embedded cluster works" in report.data["text/html"]
        assert shipped["review"].outputs
