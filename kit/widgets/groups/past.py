"""What was seen of a group so far: its lag over time, and who held which partition from when to when.

Kafka tells what a group is like now, and neither its past nor the number of its generation. So this is only as good as
the looks: what came and went between two of them is not here.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kit.widgets.groups.reading import GroupLook, Key

LAG_WINDOW_MS = 180_000
_MOST_LAGS = 400
_MOST_ERAS = 240
_MOST_GROUPS = 400
_MOST_LETTERS = 400

HELD, REBALANCING, EMPTY, GONE, UNSEEN = "held", "rebalancing", "empty", "gone", "unseen"
_BEFORE_A_REBALANCE = (HELD, EMPTY, GONE)


@dataclass(frozen=True, slots=True)
class Era:
    """A stretch of time in which a group looked the same at every look.

    Attributes:
        kind: ``"held"`` (members hold partitions), ``"rebalancing"``, ``"empty"``, ``"gone"`` or ``"unseen"``.
        number: of the assignment, counted from the first one that was seen; 0 for the other kinds.
        from_ms: when the first look saw it, milliseconds since 1970; it may have begun up to one look earlier.
        to_ms: when a look first saw something else; the newest look while it lasts. Before a rebalance that no look
            saw: the last look that saw it.
        holders: topic and partition to a client id.
        idle: client ids of the members without a partition.
        member_ids: of all members; a consumer that joined anew has a new one.
        is_seen: False for a rebalance that must have been between two looks, for the assignment is another one; it was
            somewhere between ``from_ms`` and ``to_ms``.
    """

    kind: str
    number: int
    from_ms: int
    to_ms: int
    holders: Mapping[Key, str] = field(default_factory=dict)
    idle: tuple[str, ...] = ()
    member_ids: frozenset[str] = frozenset()
    is_seen: bool = True

    @property
    def words(self) -> str:
        """Who holds what, in words."""
        if self.kind != HELD:
            return {
                REBALANCING: "rebalance: the partitions are assigned anew"
                if self.is_seen
                else "rebalance, somewhere in this time: between two looks",
                EMPTY: "no member",
                GONE: "the group is gone",
                UNSEEN: "not seen: the cluster did not answer",
            }[self.kind]
        shares: dict[str, list[str]] = {}
        several = len({topic for topic, _ in self.holders}) > 1
        for (topic, number), client_id in sorted(self.holders.items()):
            shares.setdefault(client_id, []).append(f"{topic}-{number}" if several else str(number))
        told = [f"{client_id} {', '.join(keys)}" for client_id, keys in sorted(shares.items())]
        return "; ".join([*told, *(f"{client_id} no partition" for client_id in self.idle)])


class Past:
    """One group's past, with a bounded memory.

    Attributes:
        eras: oldest first.
        lags: time in milliseconds since 1970 and lag, oldest first, of the last `LAG_WINDOW_MS`.
        letters: client id to a number, in the order in which they were first seen.
    """

    def __init__(self) -> None:
        self.eras: deque[Era] = deque(maxlen=_MOST_ERAS)
        self.lags: deque[tuple[int, int]] = deque(maxlen=_MOST_LAGS)
        self.letters: dict[str, int] = {}
        self._assignments = 0

    def add(self, time_ms: int, look: GroupLook) -> Era | None:
        """Take in a look; gives the era that begins with it, None when nothing changed."""
        for member in look.members:
            if len(self.letters) < _MOST_LETTERS:
                self.letters.setdefault(member.client_id, len(self.letters))
        if look.partitions and not look.trouble:
            self.lags.append((time_ms, look.lag))
        while self.lags and time_ms - self.lags[0][0] > LAG_WINDOW_MS:
            self.lags.popleft()
        return self._enter(_era(time_ms, look))

    def missed(self, time_ms: int) -> None:
        """Nothing was seen this time."""
        self._enter(Era(UNSEEN, 0, time_ms, time_ms))

    def vanished(self, time_ms: int) -> Era | None:
        """The group is no longer listed."""
        return self._enter(Era(GONE, 0, time_ms, time_ms))

    def _enter(self, era: Era) -> Era | None:
        last = self.eras[-1] if self.eras else None
        if last is not None:
            is_same = (last.kind, last.holders, last.member_ids) == (era.kind, era.holders, era.member_ids)
            if era.kind == HELD and last.kind in _BEFORE_A_REBALANCE and not is_same:
                # Another assignment needs a rebalance. It can be over in less time than there is between two looks.
                self.eras.append(Era(REBALANCING, 0, last.to_ms, era.from_ms, is_seen=False))
            else:
                self.eras[-1] = replace(last, to_ms=era.to_ms)
            if is_same:
                return None
        if era.kind == HELD:
            self._assignments += 1
            era = replace(era, number=self._assignments)
        self.eras.append(era)
        return era


class Pasts:
    """The pasts of all groups, those that are gone included, up to a limit."""

    def __init__(self) -> None:
        self.of: dict[str, Past] = {}
        self.looks_ms: deque[int] = deque(maxlen=60)

    def add(self, time_ms: int, looks: Mapping[str, GroupLook], *, is_whole: bool) -> list[str]:
        """Take in one look at all groups; gives what changed, a sentence each.

        Args:
            looks: by group id.
            is_whole: whether a group that is not among them is gone, and not only unseen.
        """
        self.looks_ms.append(time_ms)
        events = []
        for group_id, look in looks.items():
            era = self.of.setdefault(group_id, Past()).add(time_ms, look)
            if era is not None:
                events.append(f"{group_id}: {era.words}.")
        for group_id in self.of.keys() - looks.keys():
            past = self.of[group_id]
            if not is_whole:
                past.missed(time_ms)
            elif past.vanished(time_ms) is not None:
                events.append(f"{group_id}: the group is gone.")
        for group_id in list(self.of)[: max(0, len(self.of) - _MOST_GROUPS)]:
            del self.of[group_id]
        return events

    def missed(self, time_ms: int) -> None:
        """Nothing was seen this time, of any group."""
        for past in self.of.values():
            past.missed(time_ms)

    @property
    def widest_gap_ms(self) -> int:
        """The longest time between two of the last looks: how wrong the edge of an era may be."""
        times = list(self.looks_ms)
        return max((after - before for before, after in itertools.pairwise(times)), default=0)


def _era(time_ms: int, look: GroupLook) -> Era:
    member_ids = frozenset(member.member_id for member in look.members)
    if look.state == "Dead":
        return Era(GONE, 0, time_ms, time_ms)
    if look.is_rebalancing:
        # Who waits in it differs from look to look; it is one rebalance all the same.
        return Era(REBALANCING, 0, time_ms, time_ms)
    if not look.members:
        return Era(UNSEEN if look.trouble else EMPTY, 0, time_ms, time_ms)
    idle = tuple(sorted(member.client_id for member in look.members if not member.keys))
    return Era(HELD, 0, time_ms, time_ms, look.holders, idle, member_ids)
