"""Pictures of scenarios: what they show, and that everybody can read them. The result is made up."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from kit.broker.timeline import Event
from kit.history import History, check
from kit.scenarios import ScenarioResult, Step
from kit.topics import Partition, Topic
from tools import draw_timeline
from tools.timeline_story import Span, story_of
from tools.timeline_svg import describe, svg_of

SVG = "{http://www.w3.org/2000/svg}"
TOPIC = Topic("cap-1f2e3d", False, (Partition(0, 1, 0, (1, 2), (1, 2), 0, 0),))


def result() -> ScenarioResult:
    """Broker 1 leads, takes a write that gets lost, dies, and comes back as a follower."""
    history = History()
    history.invoke("old", "send", TOPIC.name, 0, None, "a").ok(offset=0, time_ms=1_100)
    history.invoke("old", "send", TOPIC.name, 0, None, "b").ok(offset=1, time_ms=1_101)
    history.invoke("new", "send", TOPIC.name, 0, None, "c").unknown("NotEnoughReplicasError", time_ms=1_500)
    history.invoke("reader", "poll").ok(records=[(TOPIC.name, 0, 0, None, "a")], time_ms=1_600)
    history.invoke("reader", "poll").ok(records=[], time_ms=1_650)
    history.invoke("reader at the end of cap", "poll").ok(records=[], time_ms=9_000)
    history.final_log(TOPIC.name, 0, [(0, "a")], time_ms=9_000)
    where = (TOPIC.name, 0)
    election = {"leader": 2, "leader_epoch": 1, "previous": 1, "reason": "it was <fenced>"}
    timeline = [
        Event(1_200, "kill", 1),
        Event(1_300, "controller_elected", 2, details={"epoch": 2}),
        Event(1_400, "leader_elected", None, *where, election),
        Event(1_400, "isr_changed", None, *where, {"isr": [2], "previous": [1, 2]}),
        Event(1_450, "isr_changed", None, "somebody else's", 0, {"isr": [], "previous": [1, 2]}),
        Event(1_700, "restart", 1),
        Event(1_800, "truncated", 1, *where, {"offset": 1, "end_offset": 2}),
        Event(1_900, "isr_changed", None, *where, {"isr": [2, 1], "previous": [2]}),
    ]
    return ScenarioResult(
        name="made_up", title="Lost & <found>", rules="", steps=[Step("", "", ok=True)], history=history,
        report=check(history), timeline=timeline, topics={TOPIC.name: TOPIC}, brokers=(1, 2, 3), controller=1,
        start_ms=1_000, end_ms=2_000,
    )  # fmt: skip


def test_story_tells_who_was_what_and_when() -> None:
    """Spans follow the controller's decisions and the faults, without gaps from the first moment to the last."""
    story = story_of(result())
    lanes = {lane.group: lane for lane in story.lanes}

    assert list(lanes) == ["controller", "broker 1", "broker 2", "old", "new", "reader"]
    start, end = story.start_ms, story.end_ms
    assert 1_000 < start < 1_100
    assert 1_900 < end < 2_100
    assert lanes["broker 1"].spans == [
        Span("leader", start, 1_200, "leader, epoch 0"),
        Span("dead", 1_200, 1_700, "dead"),
        Span("out of sync", 1_700, 1_900, "not in sync"),
        Span("in sync", 1_900, end, "in sync"),
    ]
    assert lanes["broker 2"].spans == [
        Span("in sync", start, 1_400, "in sync"),
        Span("leader", 1_400, end, "leader, epoch 1"),
    ]
    assert [span.label for span in lanes["controller"].spans] == ["node 1", "node 2"]
    assert [mark.label for mark in story.faults] == ["broker 1 killed", "broker 1 started"]


def test_story_tells_what_clients_were_told() -> None:
    """Acknowledged, lost, refused and read are marks of different kinds."""
    marks = {lane.group: [(mark.kind, mark.label) for mark in lane.marks] for lane in story_of(result()).lanes}

    assert marks["old"] == [("acknowledged", "acknowledged offset 0"), ("lost", "acknowledged, then lost: offset 1")]
    assert marks["new"] == [("refused", "NOT_ENOUGH_REPLICAS")]
    assert marks["reader"] == [("read", "read offset 0")]
    assert marks["broker 1"] == [("event", "cuts off offset 1")]


def test_picture_is_sound_svg_with_a_text_alternative() -> None:
    """It has a title and a description that tells all of it, and nothing in it is outside of its frame."""
    story = story_of(result())
    root = ET.fromstring(svg_of(story, "python -m tools.draw_timeline made_up"))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")

    assert root.get("role") == "img"
    assert title is not None
    assert title.text == "Lost & <found>"
    assert description is not None
    assert description.text == describe(story)
    for lane in story.lanes:
        assert all(part.label in describe(story) for part in (*lane.spans, *lane.marks))
    width, height = (float(size) for size in root.get("viewBox", "").split()[2:])
    for shape in root.iter(f"{SVG}rect"):
        assert float(shape.get("x", "0")) + float(shape.get("width", "0")) <= width
        assert float(shape.get("y", "0")) + float(shape.get("height", "0")) <= height


def test_picture_suits_light_and_dark() -> None:
    """Paper and ink both change with the reader's system."""
    picture = svg_of(story_of(result()), "x")

    assert picture.count("--paper: ") == picture.count("--ink: ") == 2
    assert "prefers-color-scheme: dark" in picture


def test_unknown_scenario_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is drawn."""
    assert draw_timeline.main(["cut"]) == 2
    assert "cut_acks_1" in capsys.readouterr().out
