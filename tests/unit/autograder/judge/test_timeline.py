"""What a picture of a run says by its shape: steps beside one another, whole names, no scale where there is none."""

from __future__ import annotations

import itertools
from typing import NamedTuple
from xml.etree import ElementTree as ET

from autograder.judge.case import Case
from autograder.judge.timeline import picture
from tests.support.evidence import RESULTS, TOPIC, Made

_WIDTH, _NARROWEST = 860, 4.0  # of the picture; of a letter in a name, of 10 pixels


class Box(NamedTuple):
    """Something that takes room in a picture."""

    row: float
    left: float
    right: float


def drawn(*steps: tuple[str, int, int]) -> ET.Element:
    """The picture of a run with these steps: name, and milliseconds from and to."""
    evidence = Made(count=40).produce().consume().evidence()
    (like, *_), start = evidence["steps"], evidence["steps"][0]["began_ms"]
    evidence["steps"] = [
        {**like, "name": name, "began_ms": start + left, "ended_ms": start + right} for name, left, right in steps
    ]
    text = picture(Case(evidence, TOPIC, RESULTS))
    return ET.fromstring(text[text.index("<svg") : text.index("</svg>") + len("</svg>")])


def bars(svg: ET.Element) -> list[Box]:
    """The bars of steps."""
    found = [each.attrib for each in svg.iter("rect") if each.get("fill") == "#d5e2f2"]
    return [Box(float(e["y"]), float(e["x"]), float(e["x"]) + float(e["width"])) for e in found]


def names(svg: ET.Element) -> dict[str, Box]:
    """The names of steps, and where they stand."""
    found = [each for each in svg.iter("text") if each.get("font-size") == "10"]
    return {
        str(each.text): Box(float(each.attrib["y"]), left, left + len(str(each.text)) * _NARROWEST)
        for each in found
        for left in [float(each.attrib["x"])]
    }


def test_steps_that_ran_beside_one_another_have_rows_of_their_own() -> None:
    """Two members of a group: neither lies over the other, and both names are whole; one after another share a row."""
    svg = drawn(("consume-one", 0, 40_000), ("consume-two", 1, 40_001))
    one, two = bars(svg)
    assert one.row != two.row
    assert min(one.right, two.right) - max(one.left, two.left) > 0.8 * (one.right - one.left)
    assert list(names(svg)) == ["consume-one, 40.0 s", "consume-two, 40.0 s"]
    one, two = bars(drawn(("first", 0, 14), ("second", 15, 40_000)))
    assert one.row == two.row
    assert one.right <= two.left


def test_names_of_short_steps_are_neither_cut_nor_over_one_another() -> None:
    """Also of steps in which nothing happened, at the picture's right edge."""
    svg = drawn(*((f"a-step-with-a-long-name-{number}", 90_000 + number, 90_001 + number) for number in range(6)))
    placed = names(svg)
    assert len(placed) == 6
    assert all(box.left >= 0 and box.right <= _WIDTH for box in placed.values())
    for one, other in itertools.combinations(placed.values(), 2):
        assert one.row != other.row or one.right <= other.left or other.right <= one.left
    height = float(svg.attrib["viewBox"].split()[3])
    assert all(float(each.attrib["y"]) < height for each in svg.iter("text"))


def test_the_axis_promises_no_scale() -> None:
    """Events are evenly spaced, so there are no seconds below them; each says its own when it is pointed at."""
    svg = drawn(("produce", 0, 40_000))
    lowest = max(float(each.attrib["y"]) for each in svg.iter("text"))
    below = [str(each.text) for each in svg.iter("text") if float(each.attrib["y"]) == lowest]
    assert below == ["earlier", "in their order, evenly spaced: not to scale", "later"]
    events = [str(each.text) for each in svg.iter("title")][1:]
    assert events
    assert all(each.split(":")[0].endswith(" s") for each in events)
