"""The picture of a load test: what each side carries beside its limit, in shapes and in words."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from kit.lessons.load_picture import as_svg, in_words, shapes
from kit.lessons.load_test import Load, LoadTest, Second


def played(load: Load) -> LoadTest:
    """Give what a load test of this plan finds, without a cluster."""
    written, done, seconds = [0] * load.partitions, [0] * load.partitions, []
    for second, numbers in enumerate(load.written()):
        for number in numbers:
            written[load.partition(number)] += 1
        more = load.worked_off([end - so_far for end, so_far in zip(written, done, strict=True)])
        done = [so_far + new for so_far, new in zip(done, more, strict=True)]
        seconds.append(Second(second, load.target * (second + 1), sum(written), sum(done)))
    return LoadTest(load, "load.t", "readers", tuple(seconds), tuple(written), tuple(done))


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (
            Load(14, 14, 14),
            (
                "producer has 14.3 to send, below",
                "partition has 14.3 to take, below",
                "consumer has 14.3 to read, below",
            ),
        ),
        (
            Load(4, 4, 6),
            (
                "producer has 50 to send, over its limit of 15",
                "partition has 50 to take, over",
                "consumer has 15 to read, below",
            ),
        ),
        (
            Load(14, 14, 10),
            ("partition has 14.3 to take, below its limit of 15", "consumer has 28.6 to read, over its limit of 20"),
        ),
        (Load(20, 20, 10), ("producer has 10 to send, below", "consumer has 20 to read, exactly at its limit of 20")),
    ],
)
def test_busiest_of_each_side_is_told_beside_its_limit(load: Load, told: tuple[str, ...]) -> None:
    """A pass says how near the limit it was, a failure which side is over it; the text of the test ends with it."""
    words = in_words(played(load).sides)

    assert all(each in words for each in told)
    assert str(played(load)).endswith(words)


@pytest.mark.parametrize("load", [Load(14, 14, 14), Load(4, 4, 6), Load(14, 14, 10), Load(1, 1, 300), Load(100, 20, 3)])
def test_picture_stays_in_its_frame(load: Load) -> None:
    """Whatever the numbers, all bars are inside the drawing, and it is well-formed."""
    root = ET.fromstring(as_svg(played(load).sides))
    _, _, width, height = (float(each) for each in root.attrib["viewBox"].split())

    bars = root.findall("rect")
    assert bars
    for bar in bars:
        x, y, wide, high = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0 <= y
        assert x + wide <= width
        assert y + high <= height


def test_consumers_without_a_partition_are_drawn_as_nothing() -> None:
    """Two of six have no bar and a zero in its place."""
    drawn = shapes(played(Load(4, 4, 6)).sides)

    assert [each.text for each in drawn].count("0") == 2


def test_notebook_shows_the_seconds_at_once_when_it_falls_behind() -> None:
    """The table of a pass is folded away, that of a failure is open."""
    assert "<details><summary>" in played(Load(14, 14, 14))._repr_html_()
    assert "<details open><summary>" in played(Load(4, 4, 6))._repr_html_()


def test_test_without_records_has_no_picture() -> None:
    """An object made by hand still shows itself."""
    bare = LoadTest(Load(4, 4, 6), "t", "g", (Second(0, 200, 60, 60),))

    assert bare.margins == ""
    assert "<svg" not in bare._repr_html_()
