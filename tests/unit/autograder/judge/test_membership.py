"""Two members of a group as the coordinator tells of them, and what two steps say that they counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from autograder.judge.case import Case
from autograder.judge.membership import Taken, counted, odd, shared, taken
from tests.support.evidence import TOPIC, Made

GROUP, STEPS = "tally", ("one", "two")
PARTITIONS = {"m1": [0, 1], "m2": [2, 3]}


def counts(values: list[Any]) -> dict[str, int]:
    """How often each value is there."""
    return dict(Counter(values))


class Group:
    """Two members that share four partitions, each read and committed in two halves."""

    def __init__(self) -> None:
        self.made = Made(partitions=4).produce()
        self.returned: dict[str, Any] = {}
        self.given = {member: list(mine) for member, mine in PARTITIONS.items()}
        self.generation = 3

    def commit(self, member: str, partition: int, offset: int, **fields: Any) -> None:
        """A commit of a member."""
        asked = {"group": GROUP, "member": member, "generation": self.generation}
        asked |= {"offsets": [[TOPIC, partition, offset]], **fields}
        self.made.entry("OffsetCommit", asked, [[TOPIC, partition, 0]])

    def played(self) -> Group:
        """Both members do their work, and each step returns what its member read."""
        steps = [self.made.step(name) for name in STEPS]
        for member, mine in self.given.items():
            asked = {"group": GROUP, "member": member, "generation": self.generation}
            self.made.entry("SyncGroup", asked, {"error": 0, "partitions": [[TOPIC, each] for each in mine]})
        for step, (member, mine) in zip(steps, PARTITIONS.items(), strict=True):
            read: list[Any] = []
            for partition in mine:
                log = self.made.logs[f"{TOPIC}-{partition}"]
                self.commit(member, partition, len(log) // 2)
                self.commit(member, partition, len(log))
                read += [record[2] for record in log]
            step["value"] = counts(read)
        return self

    def faults(self) -> list[str]:
        """What is found."""
        return [found.text for found in shared(Case(self.made.evidence(), TOPIC), GROUP, STEPS, counts)]


def test_two_members_that_share_are_no_fault_whichever_step_each_was() -> None:
    """A broker does not know the steps' names: any way to assign the members to them is good."""
    group = Group().played()
    assert group.faults() == []
    one, two = group.made.steps[-2:]
    one["value"], two["value"] = two["value"], one["value"]
    assert group.faults() == []


def test_records_that_were_read_and_not_committed_are_shared_too() -> None:
    """A commit one too low, or a last one that is missing, costs what is about commits and not the sharing."""
    group = Group().played()
    for entry in group.made.entries:
        for place in entry["asked"].get("offsets", ()) if entry["api"] == "OffsetCommit" else ():
            place[2] -= 1
    assert group.faults() == []
    group.made.entries = [each for each in group.made.entries if each["asked"].get("offsets", [[TOPIC, 0]])[0][1] != 3]
    assert group.faults() == []
    one, two = group.made.steps[-2:]
    one["value"], two["value"] = {**one["value"], "more": 1}, two["value"]
    assert any("is not what the members" in text for text in group.faults())


def test_only_whole_numbers_are_counts_and_all_else_is_odd() -> None:
    """One way for all that is judged: what nobody can add up is kept apart, and not forgotten."""
    made = Made().produce()
    value = {"a": 2, "b": 0, "c": -3, "d": 10**4000, "e": "4", "f": None, "g": True}
    made.step("one", value)
    made.step("two", [])
    case = Case(made.evidence(), TOPIC)
    assert counted(case, "one") == {"a": 2, "c": -3}
    assert dict(odd(case, "one")) == {each: value[each] for each in "defg"}
    assert (counted(case, "two"), list(odd(case, "two"))) == ({}, [])


def _one_returns_all(group: Group) -> None:
    one, two = group.made.steps[-2:]
    one["value"], two["value"] = dict(Counter(one["value"]) + Counter(two["value"])), {}


def _no_member(group: Group) -> None:
    group.generation = -1
    group.commit("", 0, 3)


def _other_group(group: Group) -> None:
    group.commit("m1", 0, 7, group="mailbox")


def _of_another(group: Group) -> None:
    group.commit("m2", 0, len(group.made.logs[f"{TOPIC}-0"]))


def _one_had_none(group: Group) -> None:
    for entry in group.made.entries:
        if entry["api"] == "SyncGroup" and entry["asked"]["member"] == "m2":
            entry["answered"]["partitions"] = []


def _one_after_the_other(group: Group) -> None:
    for entry in group.made.entries:
        if entry["api"] in {"SyncGroup", "OffsetCommit"} and entry["asked"]["member"] == "m2":
            entry["asked"]["generation"] = 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_one_returns_all, "is not what the members"),
        (_no_member, "who is no member of the group"),
        (_other_group, "for group mailbox, and the group is tally"),
        (_of_another, "a member that was not given orders-0"),
        (_one_had_none, "a member that was not given orders-2"),
        (_one_after_the_other, "was not shared"),
    ],
)
def test_what_is_no_sharing_is_found(change: Callable[[Group], None], words: str) -> None:
    """Counting for another, assign(), partitions of another, one member after the other."""
    group = Group().played()
    change(group)
    assert any(words in text for text in group.faults())


def test_a_commit_that_was_refused_takes_nothing() -> None:
    """Only what the coordinator accepted moves a group on, and only the group that is asked about."""
    made = Made().produce()
    asked = {"group": GROUP, "member": "m", "generation": 1}
    made.entry("OffsetCommit", {**asked, "offsets": [[TOPIC, 0, 2]]}, [[TOPIC, 0, 0]])
    made.entry("OffsetCommit", {**asked, "offsets": [[TOPIC, 0, 3]]}, [[TOPIC, 0, 22]])
    made.entry("OffsetCommit", {**asked, "group": "other", "offsets": [[TOPIC, 0, 4]]}, [[TOPIC, 0, 0]])
    made.entry("OffsetCommit", {**asked, "offsets": [[TOPIC, 0, 5]]}, [[TOPIC, 0, 0]])
    case = Case(made.evidence(), TOPIC)
    found = taken(case, GROUP)
    assert [(each.first, each.after) for each in found] == [(0, 2), (2, 5)]
    assert isinstance(found[0], Taken)
    assert [each.values(case) for each in found] == [
        [record[2] for record in made.logs[f"{TOPIC}-0"][first:after]] for first, after in ((0, 2), (2, 5))
    ]
