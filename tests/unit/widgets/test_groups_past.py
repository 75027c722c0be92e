"""What is remembered of a group, and what is drawn of it."""

from __future__ import annotations

import json

import pytest

from kit.widgets.groups import GroupLook, GroupMember, PartitionProgress
from kit.widgets.groups.past import LAG_WINDOW_MS, Past, Pasts
from kit.widgets.groups.picture import as_text, detail, listed, matching, timeline_lines


def look(
    state: str = "Stable", *, lag: int = 0, group_id: str = "g", trouble: str = "", **held: list[int]
) -> GroupLook:
    """A group whose members hold these partitions of topic t, the first one lagging."""
    members = tuple(
        GroupMember(name, f"{name}-1", "127.0.0.1", tuple(("t", n) for n in numbers)) for name, numbers in held.items()
    )
    holders = {n: name for name, numbers in held.items() for n in numbers}
    partitions = tuple(PartitionProgress("t", n, holders.get(n), 0, 0, lag if n == 0 else 0) for n in range(2))
    return GroupLook(group_id, state, "range", 1, members, partitions, trouble)


def past_of(*looks: GroupLook) -> Past:
    """A past of one look each half second."""
    past = Past()
    for at, each in enumerate(looks):
        past.add(500 * at, each)
    return past


def test_past_begins_an_era_when_something_changes_and_only_then() -> None:
    """Two looks at the same are one era; it lasts until the first look at something else."""
    past = past_of(look(a=[0, 1]), look(a=[0, 1]), look("PreparingRebalance", a=[], b=[]), look(a=[0], b=[1]))

    assert [(era.kind, era.number, era.from_ms, era.to_ms) for era in past.eras] == [
        ("held", 1, 0, 1000),
        ("rebalancing", 0, 1000, 1500),
        ("held", 2, 1500, 1500),
    ]
    assert past.eras[2].words == "a 0; b 1"
    assert past.eras[1].is_seen


def test_rebalance_that_no_look_saw_is_between_the_two_looks() -> None:
    """Another assignment needs a rebalance: it has a stretch of its own, from the look before to the look after."""
    past = past_of(look(a=[0, 1]), look(a=[0, 1]), look(a=[0], b=[1]), look("Empty"), look(c=[0, 1]))

    assert [(era.kind, era.from_ms, era.to_ms) for era in past.eras] == [
        ("held", 0, 500),
        ("rebalancing", 500, 1000),
        ("held", 1000, 1500),
        ("empty", 1500, 1500),
        ("rebalancing", 1500, 2000),
        ("held", 2000, 2000),
    ]
    assert past.eras[1].words == "rebalance, somewhere in this time: between two looks"


def test_no_rebalance_is_told_where_none_must_have_been() -> None:
    """A group whose last member leaves, one that was not seen for a while, and the first look: nothing is made up."""
    past = past_of(look(a=[0, 1]), look("Empty"))
    past.missed(1000)
    past.add(1500, look(a=[0, 1]))

    assert [era.kind for era in past.eras] == ["held", "empty", "unseen", "held"]


def test_timeline_begins_where_it_is_asked_to() -> None:
    """What was over before is left out, what went on is there."""
    past = past_of(look(a=[0, 1]), look("Empty"), look("Empty"), look("Empty"))

    assert [line.split("  ")[1] for line in timeline_lines(past, since_ms=501)] == ["no member"]


def test_past_sees_that_a_member_joined_anew() -> None:
    """The same partitions in the hands of another incarnation: a rebalance was between the looks."""
    again = GroupMember("a", "a-2", "127.0.0.1", (("t", 0), ("t", 1)))
    first = look(a=[0, 1])
    second = GroupLook("g", "Stable", "range", 1, (again,), first.partitions)

    assert [era.number for era in past_of(first, second).eras] == [1, 0, 2]


def test_one_rebalance_is_one_era_whoever_waits_in_it() -> None:
    """Members come and go while they wait; the pause is one."""
    past = past_of(
        look("PreparingRebalance", a=[]), look("PreparingRebalance", a=[], b=[]), look("CompletingRebalance")
    )

    assert [era.kind for era in past.eras] == ["rebalancing"]


def test_past_tells_idle_members_and_empty_groups() -> None:
    """A member without a partition is named; a group without members has an era of its own."""
    past = past_of(look(a=[0, 1], b=[]), look("Empty"))

    assert [era.words for era in past.eras] == ["a 0, 1; b no partition", "no member"]


def test_past_is_bounded() -> None:
    """Lags leave the window, eras and letters leave the memory, whatever goes on for hours."""
    past = Past()
    for at in range(3_000):
        past.add(1000 * at, look(lag=at, **{f"consumer-{at}": [0, 1]}))

    assert past.lags[-1][0] - past.lags[0][0] <= LAG_WINDOW_MS
    assert len(past.eras) < 300
    assert len(past.letters) < 1_000


def test_pasts_tell_gone_from_unseen() -> None:
    """A group that a whole look lacks is gone; after a look with holes it is not seen, and comes back."""
    pasts = Pasts()
    pasts.add(0, {"g": look(a=[0, 1])}, is_whole=True)
    pasts.add(500, {}, is_whole=False)
    pasts.add(1000, {"g": look(a=[0, 1])}, is_whole=True)
    events = pasts.add(1500, {}, is_whole=True)

    assert [era.kind for era in pasts.of["g"].eras] == ["held", "unseen", "held", "gone"]
    assert events == ["g: the group is gone."]
    assert pasts.widest_gap_ms == 500


def test_pasts_forget_the_oldest_groups() -> None:
    """Groups with random names do not fill the memory."""
    pasts = Pasts()
    for at in range(1_000):
        pasts.add(at, {f"console-{at}": look(group_id=f"console-{at}")}, is_whole=True)

    assert len(pasts.of) <= 401


@pytest.mark.parametrize(
    ("needle", "found"),
    [("", ["busy", "calm"]), ("CAL", ["calm"]), ("ana", ["busy"]), ("t", ["busy", "calm"]), ("<", [])],
)
def test_matching_finds_groups_members_and_topics(needle: str, found: list[str]) -> None:
    """The filter looks into names of groups, members and topics, in any case; the largest lag comes first."""
    looks = {"calm": look(group_id="calm"), "busy": look(group_id="busy", lag=5, ana=[0])}

    assert [each.group_id for each in matching(looks, needle, "lag")] == found
    assert [each.group_id for each in matching(looks, needle, "name")] == sorted(found)


def test_picture_is_json_and_bounded() -> None:
    """Whatever the group, the browser gets plain JSON of a modest size."""
    partitions = tuple(PartitionProgress(f"topic-{n}", 0, None, None, 0, n) for n in range(5_000))
    big = GroupLook("<b>g</b>", "Stable", "range", 1, look(**{f"m{n}": [0] for n in range(500)}).members, partitions)
    pasts = Pasts()
    for at in range(300):
        pasts.add(500 * at, {"<b>g</b>": big}, is_whole=True)

    shown = detail(big, pasts.of["<b>g</b>"], pasts, "lag")

    assert len(json.dumps([shown, listed([big])])) < 100_000
    assert shown["partitions"][0]["lag"] == 4_999
    assert shown["left_out"] > 5_000
    assert shown["lags"][-1][0] == 500 * 299


def test_text_says_what_the_picture_shows() -> None:
    """The twin in words: state, members, idle ones, lag by partition, and the past."""
    pasts = Pasts()
    seen = look(lag=7, a=[0, 1], b=[])
    pasts.add(0, {"g": seen}, is_whole=True)

    text = as_text([seen], pasts, "")

    assert "Group g: Stable, 2 members, 1 of them without a partition, lag 7" in text
    assert "b: no partition" in text
    assert "t-0: committed 0, log end offset 7, lag 7" in text
    assert timeline_lines(pasts.of["g"])[0] in text
