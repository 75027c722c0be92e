"""What the live view draws of one look, and what it sends of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from kit.widgets.live_view.changes import applied, changes
from kit.widgets.live_view.in_words import in_words
from kit.widgets.live_view.picture import MAX_NAMES, PAGE_SIZE, Choice, picture
from tests.support.live_views import look, partition, topics


def row(drawn: dict[str, Any], name: str) -> dict[str, Any]:
    """A row by what its entries mean."""
    fields = ("topic", "partition", "leader", "roles", "start", "high_watermark", "rate")
    return dict(zip(fields, drawn["rows"][name], strict=True))


def node(drawn: dict[str, Any], node_id: int) -> dict[str, Any]:
    """What is drawn of one node."""
    return next(each for each in drawn["nodes"] if each["id"] == node_id)


def test_replicas_have_their_roles_by_node() -> None:
    """Leader, in sync, behind, offline, and nothing where there is no replica; a dead broker is offline in any role."""
    found = topics(
        a=[partition(0), partition(1, isr=(1, 3)), partition(2, leader=3, replicas=(2, 3), isr=(3,))],
    )
    drawn = picture(look(found=found, nodes={1: "alive", 2: "alive", 3: "down", 101: "alive"}), Choice())

    assert [row(drawn, name)["roles"] for name in drawn["order"]] == ["LFX ", "LBX ", " BX "]
    assert [row(drawn, name)["leader"] for name in drawn["order"]] == [1, 1, None]


def test_offsets_and_rates_stand_beside_their_partition() -> None:
    """What is not known is no zero."""
    found = topics(a=[partition(0, high_watermark=40), partition(1, high_watermark=None)])
    drawn = picture(look(found=found, rates={("a", 0): 2.5}), Choice())

    assert (row(drawn, "a-0")["high_watermark"], row(drawn, "a-0")["rate"]) == (40, 2.5)
    assert (row(drawn, "a-1")["start"], row(drawn, "a-1")["high_watermark"], row(drawn, "a-1")["rate"]) == (
        None,
        None,
        0,
    )


def test_nodes_say_how_they_are() -> None:
    """Cut off is who loses everything both ways; a controller of its own has no address."""
    cut = {(3, 1), (1, 3), (3, 2), (2, 3), (3, 101), (101, 3), (1, 2)}
    nodes = {1: "alive", 2: "paused", 3: "alive", 101: "down"}
    drawn = picture(look(nodes=nodes, cut=frozenset(cut), slow_ms={1: (20, 0), 2: (5, 10)}, controller=101), Choice())

    assert [each["state"] for each in drawn["nodes"]] == ["alive", "paused", "cut off", "down"]
    assert [each["slow"] for each in drawn["nodes"]] == ["+20 ms", "+5 to 15 ms", "", ""]
    assert [each["is_controller"] for each in drawn["nodes"]] == [False, False, False, True]
    assert (node(drawn, 101)["is_broker"], node(drawn, 101)["address"]) == (False, "")
    assert drawn["cuts"] == [[1, 2, False], [1, 3, True], [2, 3, True], [3, 101, True]]


def test_broker_that_is_down_leads_nothing() -> None:
    """Brokers tell the old numbers for a while; the picture knows better, and counts the replicas that are offline."""
    seen = look(found=topics(a=[partition()]), nodes={1: "down", 2: "paused"})
    seen = replace(seen, offsets=replace(seen.offsets, counts={1: (3, 2), 2: (1, 4)}))
    drawn = picture(seen, Choice())

    assert node(drawn, 1)["holds"] == {"leads": 0, "follows": 0, "offline": 5}
    assert node(drawn, 2)["holds"] == {"leads": 1, "follows": 4, "offline": 0}


def test_partition_without_records_is_called_empty() -> None:
    """An empty range is no range: "offsets 0 to 0" would be one record to most people."""
    found = topics(a=[partition(0), replace(partition(1), log_start_offset=7, high_watermark=7)])
    words = in_words(picture(look(found=found), Choice()))

    assert "a-0: 1 leads, 2 follows in sync, 3 follows in sync; empty\n" in words
    assert words.endswith("; empty, next offset 7")


def test_one_way_cut_back_is_drawn_from_its_source() -> None:
    """The arrow points to who does not hear."""
    assert picture(look(cut=frozenset({(3, 1)})), Choice())["cuts"] == [[3, 1, False]]


@pytest.mark.parametrize(
    ("choice", "shown"),
    [
        (Choice(), ["music", "music.live", "skips"]),
        (Choice("MUS"), ["music", "music.live"]),
        (Choice("music"), ["music"]),
        (Choice(internal=True), ["__consumer_offsets", "music", "music.live", "skips"]),
        (Choice("offsets"), []),
    ],
)
def test_filter_chooses_topics(choice: Choice, shown: list[str]) -> None:
    """A whole name means that topic alone; Kafka's own topics are shown when they are asked for."""
    drawn = picture(look(found=topics("__consumer_offsets", "music", "music.live", "skips")), choice)
    assert [row(drawn, name)["topic"] for name in drawn["order"]] == shown


def test_many_partitions_come_in_pages_and_are_counted() -> None:
    """A page is full until the last one; a page that is not there any more is the last one."""
    found = topics(*(f"t{number:04}" for number in range(1_000)))
    first, last = picture(look(found=found), Choice()), picture(look(found=found), Choice(page=999))

    assert (len(first["order"]), first["order"][0]) == (PAGE_SIZE, "t0000-0")
    assert (last["order"][-1], last["counts"]["page"]) == ("t0999-0", 999 // PAGE_SIZE)
    assert first["counts"] == {"topics": 1000, "matching": 1000, "partitions": 1000, "page": 0, "page_size": PAGE_SIZE}
    assert len(first["names"]) == MAX_NAMES
    assert len(json.dumps(first)) < 20_000


@pytest.mark.parametrize(
    ("seen", "choice", "told"),
    [
        (look(read_ms=0), Choice(), "Looking for topics"),
        (look(), Choice(), "No topics yet"),
        (look(found=topics("__consumer_offsets")), Choice(), "only Kafka's own topics"),
        (look(found=topics("a")), Choice("<b>"), "No topic has “<b>” in its name"),
    ],
)
def test_nothing_to_show_has_a_reason(seen: Any, choice: Choice, told: str) -> None:
    """An empty view says why it is empty and what fills it."""
    drawn = picture(seen, choice)
    assert drawn["order"] == []
    assert told in drawn["empty"]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (look(found=topics("a"), nodes={1: "down", 2: "down"}), "Every broker is down. Restart one. What you see"),
        (look(nodes={1: "down", 2: "paused"}, read_ms=0), "No broker answers: they are paused or down."),
        (look(nodes={1: "down", 101: "alive"}, read_ms=0), "Every broker is down."),
        (look(trouble="It is too far away."), "It is too far away. What you see"),
        (look(time_ms=9_000, read_ms=1_000), "8 seconds old"),
        (look(time_ms=2_000, read_ms=1_000), ""),
    ],
)
def test_trouble_is_told_in_words(seen: Any, told: str) -> None:
    """What is old or unknown is not shown as if it were new."""
    trouble = picture(seen, Choice())["trouble"]
    assert trouble.startswith(told) if told and not told[0].isdigit() else told in trouble
    assert bool(trouble) == bool(told)


def test_words_say_the_same() -> None:
    """The picture's twin for who has no browser."""
    found = topics(a=[partition(0, isr=(1, 3), high_watermark=7), partition(1, leader=None, high_watermark=None)])
    drawn = picture(look(found=found, faults=("The network is cut: {2} from {1}.",), slow_ms={2: (9, 0)}), Choice())

    assert in_words(drawn).splitlines() == [
        "Broker 1: alive, active controller",
        "Broker 2: alive, slow (+9 ms)",
        "Broker 3: alive",
        "The network is cut: {2} from {1}.",
        "a-0: 1 leads, 2 is behind, 3 follows in sync; offsets 0 to 6",
        "a-1: no leader, 1 follows in sync, 2 follows in sync, 3 follows in sync; offsets unknown",
    ]


def test_changes_make_the_new_picture_of_the_old_one() -> None:
    """Rows that came, went and changed travel; those that stayed do not."""
    before = picture(look(1_000, topics(a=[partition(0), partition(1)], b=[partition()])), Choice())
    after = picture(
        look(2_000, topics(a=[partition(0), partition(1, isr=(1,))], c=[partition()]), nodes={1: "down"}), Choice()
    )
    changed = json.loads(json.dumps(changes(before, after)))

    assert applied(before, changed) == after
    before, after = (picture(look(1_000, topics(a=[partition(0), partition(1, high_watermark=at)])), Choice())
                     for at in (1, 2))  # fmt: skip
    assert changes(before, after) == {"rows": {"a-1": after["rows"]["a-1"]}}


def test_time_alone_is_no_change() -> None:
    """A quiet cluster sends next to nothing."""
    found = topics("a")
    assert changes(picture(look(1_000, found), Choice()), picture(look(1_200, found), Choice())) == {}
