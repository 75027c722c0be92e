"""Lab 10 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import re

import pytest

from tests.labs.notebooks import Cells, EveryLab, printed


@pytest.mark.labs
@pytest.mark.slow
class TestInsideTheLog(EveryLab):
    """The lab as handed out and as solved, and the story that it tells."""

    LAB = "10-inside-the-log.ipynb"
    SOLUTIONS = (
        (
            "segment-answer",
            "segment_of_2000 = 0",
            "segment_of_2000 = max(s.base_offset for s in log_files.segments(folder) if s.base_offset <= 2000)",
        ),
        (
            "index-answer",
            "return entries[0] if entries[0].offset <= offset else None",
            "return max((e for e in entries if e.offset <= offset), key=lambda e: e.offset, default=None)",
        ),
        ("retention-guess", "1500", "log_files.segments(folder)[1].base_offset"),
        ("compact-answer", "[0, 1, 3]", "[3, 4, 5]"),
    )
    CHECKS = (
        ("segment-answer", "10.segment"),
        ("index-answer", "10.index"),
        ("retention-check", "10.retention"),
        ("compact-answer", "10.compacted"),
    )

    def test_log_is_cut_into_files_and_copied_byte_for_byte(self, shipped: Cells) -> None:
        """What parts 1 and 2 promise: several segments, and three equal copies."""
        assert len(re.findall(r"^\d{20}\.log", printed(shipped["files"]), re.MULTILINE)) >= 3
        one, two, three = (line.partition(": ")[2] for line in printed(shipped["copies"]).splitlines())
        assert one == two == three

    def test_damage_is_noticed(self, shipped: Cells) -> None:
        """A single changed bit breaks the checksum."""
        sound, changed = printed(shipped["damage"]).splitlines()
        assert sound.startswith("sound: ")
        assert "CRC-32C" in changed

    def test_batches_and_compression_save_bytes(self, shipped: Cells) -> None:
        """What part 3 promises: 300 batches, then few, then fewer bytes."""
        alone, collected, compressed = (
            [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) (?:batches|bytes) ", line)][:2]
            for line in printed(shipped["batches"]).splitlines()
        )
        assert alone[0] == 300 > 10 * collected[0]
        assert alone[1] > collected[1] > 2 * compressed[1]

    def test_retention_takes_whole_files(self, shipped: Cells) -> None:
        """What part 5 promises: files go, the others stay as they were."""
        lines = printed(shipped["retention"]).splitlines()
        before, after = (
            [line.split(":")[1] for line in lines if line.startswith(when)] for when in ("before", "after")
        )
        assert 0 < len(after) < len(before)
        assert [name.split()[0] for name in before[-len(after) :]] == [name.split()[0] for name in after]
