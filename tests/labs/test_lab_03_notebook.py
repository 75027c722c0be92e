"""Lab 03 from top to bottom without a hand on it: as shipped, and as solved."""

from __future__ import annotations

import re

import pytest

from tests.labs.notebooks import Cells, EveryLab, feedback, printed


@pytest.mark.labs
@pytest.mark.slow
class TestPartitionsAndKeys(EveryLab):
    """The lab as handed out and as solved, and the surprises that it promises."""

    LAB = "03-partitions-and-keys.ipynb"
    SOLUTIONS = (
        ("predict", "murmur2(key)  # TODO", "(murmur2(key) & 0x7FFFFFFF) % num_partitions  #"),
        ("clients-answer", "set()  # TODO", "{key for key, partitions in places.items() if len(partitions) > 1}"),
        (
            "unkeyed-answer",
            '"a": "round-robin", "b": "round-robin", "c": "round-robin"',
            '"a": "sticky", "b": "round-robin", "c": "random"',
        ),
        (
            "hot-answer",
            'b"cam-12"',
            "__import__('collections').Counter(each.key for each in detections).most_common(1)[0][0]",
        ),
        ("balance", "return None", "return detection.track"),
        (
            "grow-answer",
            "moved = []",
            "moved = {play.key for play in plays if predict_partition(play.key, 3) != predict_partition(play.key, 6)}",
        ),
    )
    CHECKS = (
        ("send", "03.predict"),
        ("clients-answer", "03.clients"),
        ("unkeyed-answer", "03.no-key"),
        ("hot-answer", "03.hot-key"),
        ("balance", "03.balanced"),
        ("grow-answer", "03.moved"),
    )

    def test_broker_answers_what_the_arithmetic_says(self, solved: Cells) -> None:
        """With the right function the acknowledgements hold no surprise; with the bare hash every one does."""
        assert "surprise" not in printed(solved["send"])
        assert "All 12 keys lie where your function says" in feedback(solved["send"])

    def test_open_prediction_is_told_what_is_missing(self, shipped: Cells) -> None:
        """The bare hash is recognised as such."""
        assert printed(shipped["send"]).count("surprise") == 12
        assert "The hash is right, and it is not a partition yet" in feedback(shipped["send"])

    def test_other_client_splits_keys(self, shipped: Cells) -> None:
        """Some keys agree by chance and most do not."""
        lines = printed(shipped["clients"]).splitlines()[1:]

        assert 0 < sum("," not in line for line in lines) < 6

    def test_three_habits_look_different(self, shipped: Cells) -> None:
        """Long runs, turn for turn, and neither; written the obvious way, half of the turns are lost."""
        sticky, in_turn, chance = re.findall(r": (\d{60}) ", printed(shipped["unkeyed"]))

        assert in_turn == "012345" * 10
        assert max(len(run.group()) for run in re.finditer(r"(.)\1*", sticky)) > 10
        assert max(len(run.group()) for run in re.finditer(r"(.)\1*", chance)) < 10
        assert "135" * 20 in printed(shipped["obvious"])

    def test_order_holds_for_a_key_and_breaks_without_one(self, shipped: Cells) -> None:
        """Keyed plays come in order, plays without a key do not, nor does a game that moved."""
        keyed, unkeyed = printed(shipped["order-read"]).split("basketball.plays-without-key")

        assert "NOT in order" not in keyed
        assert "NOT in order" in unkeyed
        moved, stayed = printed(shipped["grow-read"]).splitlines()
        assert "NOT in order" in moved
        assert stayed.endswith(", in order")
