"""Who of a consumer group read what: members and generations as the coordinator told them, records as they committed.

A step of the student's is nobody to a broker; a member is. So what the steps returned must be what the members, each
assigned to one step, have read and committed.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.judge.case import Case, Entry, short
from autograder.judge.finding import Finding

Counts = Callable[[list[Any]], Mapping[str, int]]
_MOST = 1_000_000_000  # of a count; no log here has so many records
_MOST_MEMBERS = 6  # a consumer that lost its place joins under a new id; more of them than this nobody needs


@dataclass(frozen=True, slots=True)
class Taken:
    """A commit that was accepted, for one partition: a member took the records from ``first`` to before ``after``.

    Attributes:
        generation: of the group; -1 from who is no member, as after `assign`.
    """

    entry: Entry
    member: str
    generation: int
    partition: int
    first: int
    after: int

    def values(self, case: Case) -> list[Any]:
        """The values of the records."""
        return [each[2] for each in case.logs.get(self.partition, ()) if self.first <= each[0] < self.after]


def taken(case: Case, group: str) -> list[Taken]:
    """What a group committed, in order."""
    found: list[Taken] = []
    at: dict[int, int] = {}
    for entry in case.entries("OffsetCommit"):
        asked = entry["asked"]
        fine = {(each[0], each[1]) for each in entry["answered"] or () if each[2] == 0}
        for topic, partition, offset in asked.get("offsets", ()) if asked.get("group") == group else ():
            if topic == case.topic and (topic, partition) in fine:
                who = (asked["member"], asked["generation"])
                found.append(Taken(entry, *who, partition, at.get(partition, 0), offset))
                at[partition] = offset
    return found


def given(case: Case, group: str) -> dict[tuple[str, int], set[int]]:
    """(member, generation) -> the partitions of the topic that the member was given."""
    found: dict[tuple[str, int], set[int]] = {}
    for entry in case.entries("SyncGroup"):
        asked, answered = entry["asked"], entry["answered"]
        if asked.get("group") == group and answered and answered["error"] == 0:
            mine = {partition for topic, partition in answered["partitions"] if topic == case.topic}
            found[asked["member"], asked["generation"]] = mine
    return found


def counted(case: Case, step: str) -> Counter[str]:
    """What a step returned, as far as it is a count: whole numbers, none of them 0 or beyond all measure."""
    value = case.step(step)["value"]
    counts = value.items() if isinstance(value, Mapping) else ()
    return Counter({song: number for song, number in counts if type(number) is int and 0 < abs(number) < _MOST})


def odd(case: Case, step: str) -> Iterator[tuple[str, Any]]:
    """What a step returned as a count and is none."""
    value = case.step(step)["value"]
    for song, number in value.items() if isinstance(value, Mapping) else ():
        if type(number) is not int or abs(number) >= _MOST:
            yield song, number


def shared(case: Case, group: str, steps: Sequence[str], counts: Counts) -> Iterator[Finding]:
    """Two members of one generation each took partitions of their own, and what the steps returned is what they took.

    Args:
        steps: those that ran beside one another.
        counts: the right counts of some values.
    """
    partitions, commits = given(case, group), taken(case, group)
    yield from _outsiders(case, partitions, commits)
    yield from other_groups(case, group)
    values = _values(case, partitions, commits)
    proof = tuple(f"member {short(member)} committed {len(read):,} records" for member, read in values.items())
    with_some = Counter(generation for (_, generation), mine in partitions.items() if mine)
    if len(values) < len(steps) or max(with_some.values(), default=0) < len(steps):
        text = f"The work was not shared: {len(values)} of {len(steps)} members of group {group} read and committed."
        yield Finding("shared", text, proof)
    elif not any(
        _is_theirs(case, steps, [counts(each) for each in read.values()])
        for read in (values, _values(case, partitions, [*commits, *_left_over(case, partitions, commits)]))
    ):
        text = "What your functions returned is not what the members of the group read and committed."
        told = (f"{name} returned {counted(case, name).total():,} plays" for name in steps)
        yield Finding("shared", text, (*proof, *told))


def _values(
    case: Case, partitions: Mapping[tuple[str, int], set[int]], commits: Sequence[Taken]
) -> dict[str, list[Any]]:
    """Member -> the values of the records that it took."""
    values: dict[str, list[Any]] = {}
    for each in commits:
        if (each.member, each.generation) in partitions and each.after > each.first:
            values.setdefault(each.member, []).extend(each.values(case))
    return values


def _left_over(case: Case, partitions: Mapping[tuple[str, int], set[int]], commits: Sequence[Taken]) -> Iterator[Taken]:
    """The ends of partitions that nobody committed, as read by their last member: it costs `committed`, not sharing."""
    held = {partition: (*who, 0) for who, mine in partitions.items() for partition in mine}
    for each in commits:
        if each.partition in partitions.get((each.member, each.generation), ()):
            held[each.partition] = (each.member, each.generation, each.after)
    for partition, (member, generation, after) in held.items():
        end = max((record[0] + 1 for record in case.logs.get(partition, ())), default=0)
        yield Taken({}, member, generation, partition, after, end)


def _outsiders(
    case: Case, partitions: Mapping[tuple[str, int], set[int]], commits: Sequence[Taken]
) -> Iterator[Finding]:
    for each in commits:
        mine = partitions.get((each.member, each.generation))
        if mine is not None and each.partition in mine:
            continue
        where = f"{case.topic}-{each.partition}"
        who = "who is no member of the group: subscribe() makes one, and assign() does not"
        if mine is not None:
            who = f"a member that was not given {where}"
        yield Finding(
            "shared",
            f"Offset {each.after} of {where} was committed by {who}.",
            (case.line(each.entry, f"commits {where} offset {each.after}"),),
        )


def other_groups(case: Case, group: str, name: str = "shared") -> Iterator[Finding]:
    """Offsets were committed for another group than the one that was given: a place for notes between kernels."""
    for entry in case.entries("OffsetCommit"):
        other = entry["asked"].get("group")
        if other != group:
            text = f"Offsets were committed for group {short(str(other))}, and the group is {group}."
            yield Finding(name, text, (case.line(entry, f"commits for group {short(str(other))}"),))


def _is_theirs(case: Case, steps: Sequence[str], read: Sequence[Mapping[str, int]]) -> bool:
    """Whether members can be assigned to the steps, one at least to each, so that each returned what its own read."""
    if len(read) > _MOST_MEMBERS:
        return False
    returned = [counted(case, name) for name in steps]
    for choice in itertools.product(range(len(steps)), repeat=len(read)):
        sums: list[Counter[str]] = [Counter() for _ in steps]
        for step, mine in zip(choice, read, strict=True):
            sums[step].update(mine)
        if len(set(choice)) == len(steps) and sums == returned:
            return True
    return False
