"""What is wrong with the links of a cluster: cut, slow, losing messages. State and dice only; nothing is sent here.

A link goes from one end to another, and an end is a node (its id, an int) or a client (its client id, a str). A
request travels over one link and its reply over the opposite one, so each can be lost alone. What a node sends to
itself is never harmed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from random import Random
from typing import Any

from kit.wire import codec

REQUESTS, REPLIES = "requests", "replies"

End = int | str


class FaultError(Exception):
    """A fault that cannot be made; the text says why, what to try, and what goes on nevertheless if anything does."""


@dataclass(frozen=True, slots=True)
class _Cut:
    groups: tuple[tuple[int, ...], ...]
    one_way: bool
    clients: Mapping[str, int]

    def text(self) -> str:
        sides = [_braces(group) for group in self.groups]
        words = f"what {sides[0]} sends does not reach {_and(sides[1:])}" if self.one_way else " from ".join(sides)
        placed = [f"client {name!r} is with {sides[index]}" for name, index in self.clients.items()]
        return ", ".join([words, *placed])


class Links:
    """The faults of all links of one cluster. They add up until `heal`.

    Args:
        node_ids: every broker and controller.
        random: decides which messages of a lossy link get lost, and how much later than its delay each one arrives.
        is_patient: whether anybody waits longer for the sake of slow links.

    Attributes:
        is_quiet: nothing is wrong with any link, so nobody has to ask `passes` and `delay_ms`.
        slack_ms: how much longer than usual a request and its answer may take between the two slowest nodes; it stays
            so when they become faster, for the sake of what is still under way, until `relax`.
    """

    def __init__(self, node_ids: Sequence[int], random: Random, *, is_patient: bool = True) -> None:
        self.is_quiet = True
        self._is_patient = is_patient
        self.slack_ms = 0.0
        self._node_ids = tuple(sorted(node_ids))
        self._random = random
        self._clear()

    def _clear(self) -> None:
        self._cuts: list[_Cut] = []
        self._slow: dict[int, tuple[float, float]] = {}
        self._drops: dict[tuple[int, str, int | None], float] = {}
        self._settle()

    def _settle(self) -> None:
        """Work out what follows from the faults, so that asking is quick."""
        self._cut_links: set[tuple[End, End]] = set()
        for cut in self._cuts:
            sides: list[list[End]] = [list(group) for group in cut.groups]
            for name, index in cut.clients.items():
                sides[index].append(name)
            self._cut_links.update(_between(sides, one_way=cut.one_way))
        self.is_quiet = not (self._cuts or self._slow or self._drops)
        self.slack_ms = max(self.slack_ms, self._round_trip_ms())

    def _round_trip_ms(self) -> float:
        if not self._is_patient:
            return 0.0
        slowest = sorted((delay_ms + jitter_ms for delay_ms, jitter_ms in self._slow.values()), reverse=True)
        return 2.0 * sum(slowest[:2])

    def relax(self) -> None:
        """What was under way when links became faster has arrived: to be called `slack_ms` after each change."""
        self.slack_ms = self._round_trip_ms()

    # -- making faults -------------------------------------------------------------------------------------------

    def isolate(self, node_id: int) -> None:
        """Cut a node off from every other node; clients still reach all of them.

        Raises:
            FaultError: there is no such node, or no other one.
        """
        self._check_node(node_id)
        others = tuple(other for other in self._node_ids if other != node_id)
        if not others:
            raise FaultError(
                f"Node {node_id} is alone in its cluster: start one with brokers=3 to isolate one of them."
            )
        self._cuts.append(_Cut(((node_id,), others), one_way=False, clients={}))
        self._settle()

    def cut(
        self, groups: Sequence[Collection[int]], *, one_way: bool = False, clients: Mapping[str, int] | None = None
    ) -> str:
        """Lose every message between nodes of different groups; nodes in no group are not affected.

        Args:
            one_way: lose only what the first group sends to the others.
            clients: the group, counted from 0, whose side a client is on: it loses the nodes of the other groups.
                A client that is not named reaches every node.

        Returns:
            The cut in words, without a full stop.

        Raises:
            FaultError: the groups are no two or more groups without a common node, or a client's group is none.
        """
        made = self._checked_cut(groups, one_way, clients)
        self._cuts.append(made)
        self._settle()
        return made.text()

    def check_cut(self, groups: Sequence[Collection[int]], clients: Mapping[str, int] | None) -> None:
        """Make sure that a cut is possible, and do not make it; raises `FaultError` as `cut`."""
        self._checked_cut(groups, False, clients)

    def slow(self, node_id: int, delay_ms: float, jitter_ms: float = 0) -> None:
        """Hold up every message to and from a node; a later call for the node replaces an earlier one.

        Args:
            delay_ms: milliseconds for each message, at least; together with ``jitter_ms`` 0 for none any more.
            jitter_ms: up to so many milliseconds more, at random.

        Raises:
            FaultError: there is no such node, or a time is negative.
        """
        self._check_node(node_id)
        _check_time("delay_ms", delay_ms)
        _check_time("jitter_ms", jitter_ms)
        if delay_ms or jitter_ms:
            self._slow[node_id] = (delay_ms, jitter_ms)
        else:
            self._slow.pop(node_id, None)
        self._settle()

    def drop(self, node_id: int, what: str = REQUESTS, share: float = 1.0, api_key: int | None = None) -> None:
        """Lose requests to a node, or its replies; a later call for the same messages replaces an earlier one.

        Args:
            what: "requests", which the node then never sees, or "replies": it does what was asked, and nobody hears.
            share: of them, 0 for none any more to 1 for all.
            api_key: only those of one API; None for all.

        Raises:
            FaultError: there is no such node or API, or an argument has another value.
        """
        self._check_node(node_id)
        if what not in (REQUESTS, REPLIES):
            raise FaultError(f"what={what!r} cannot be dropped: choose 'requests' or 'replies'.")
        if not _is_number(share) or not 0 <= share <= 1:
            raise FaultError(f"share={share!r} is not a share of the {what}: give a number from 0 to 1, 1 for all.")
        if api_key is not None:
            api_key_of(api_key)
        if share:
            self._drops[node_id, what, api_key] = share
        else:
            self._drops.pop((node_id, what, api_key), None)
        self._settle()

    def heal(self) -> None:
        """Make every link whole and fast again.

        Raises:
            FaultError: they are.
        """
        if self.is_quiet:
            raise FaultError(
                "There is nothing to heal: no link is cut, slow or losing messages. "
                "A killed or stopped broker needs restart(), a paused one resume()."
            )
        self._clear()

    # -- asking --------------------------------------------------------------------------------------------------

    def passes(self, source: End, target: End, *, api_key: int, is_reply: bool) -> bool:
        """Whether a message gets through; throws the dice where a share of them is lost.

        Args:
            source, target: of this message, so the node that answers is the source of a reply.
        """
        if source == target:
            return True
        if (source, target) in self._cut_links:
            return False
        if not self._drops:
            return True
        node_id, what = (source, REPLIES) if is_reply else (target, REQUESTS)
        return not (self._loses(node_id, what, None) or self._loses(node_id, what, api_key))

    def may_lose(self, source: End, target: End, *, api_key: int, is_reply: bool) -> bool:
        """Whether such a message, see `passes`, gets lost sometimes or always."""
        if source == target or (source, target) in self._cut_links:
            return source != target
        node_id, what = (source, REPLIES) if is_reply else (target, REQUESTS)
        keys = {(node_id, what, None), (node_id, what, api_key)}
        return not keys.isdisjoint(self._drops)

    def _loses(self, node_id: End, what: str, api_key: int | None) -> bool:
        share = self._drops.get((node_id, what, api_key), 0) if isinstance(node_id, int) else 0
        return share >= 1 or (share > 0 and self._random.random() < share)

    def delay_ms(self, source: End, target: End) -> float:
        """How many milliseconds longer than usual the next message takes."""
        if source == target or not self._slow:
            return 0.0
        total_ms = 0.0
        for end in (source, target):
            if isinstance(end, int) and end in self._slow:
                delay_ms, jitter_ms = self._slow[end]
                total_ms += delay_ms + (self._random.random() * jitter_ms if jitter_ms else 0.0)
        return total_ms

    def can_ask(self, source: int, target: int) -> bool:
        """Whether requests from one node to another, and the replies to them, get through at least now and then."""
        if {(source, target), (target, source)} & self._cut_links:
            return False
        return source == target or not any(
            share >= 1 and node_id == target and api_key is None for (node_id, _, api_key), share in self._drops.items()
        )

    def can_join(self, node_id: int, running: Collection[int], voters: Collection[int]) -> bool:
        """Whether a node can get into the cluster: it reaches a voter that a majority of the voters can elect.

        Args:
            running: the nodes that are up and not paused.
            voters: of the metadata quorum, running or not.
        """
        alive = [voter for voter in voters if voter in running]
        for leader in alive:
            electing = [each for each in alive if self.can_ask(leader, each) and self.can_ask(each, leader)]
            if len(electing) > len(voters) // 2 and self.can_ask(node_id, leader):
                return True
        return False

    def describe(self) -> list[str]:
        """What is wrong, one sentence each."""
        cuts = [f"The network is cut: {cut.text()}." for cut in self._cuts]
        slow = [slow_text(node_id, *times_ms) for node_id, times_ms in sorted(self._slow.items())]
        return [*cuts, *slow, *(drop_text(*key[:2], share, key[2]) for key, share in self._drops.items())]

    def look(self) -> dict[str, Any]:
        """What is wrong, as JSON knows it, for who draws it.

        Returns:
            ``cut``: the links from node to node that lose everything; ``slow``: by node, its delay and its jitter in
            milliseconds; ``texts``: all that is wrong, one sentence each.
        """
        pairs = [link for link in self._cut_links if isinstance(link[0], int) and isinstance(link[1], int)]
        return {
            "cut": sorted(map(list, pairs)),
            "slow": [[node_id, *times_ms] for node_id, times_ms in sorted(self._slow.items())],
            "texts": self.describe(),
        }

    # -- the same faults in another process ------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """The state as JSON knows it; see `load`."""
        return {
            "cuts": [
                {"groups": [list(group) for group in cut.groups], "one_way": cut.one_way, "clients": dict(cut.clients)}
                for cut in self._cuts
            ],
            "slow": [[node_id, *times_ms] for node_id, times_ms in self._slow.items()],
            "drops": [[*key, share] for key, share in self._drops.items()],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `dump` gave, in place of everything that was."""
        self._cuts = [
            _Cut(tuple(tuple(group) for group in cut["groups"]), cut["one_way"], cut["clients"])
            for cut in state["cuts"]
        ]
        self._slow = {node_id: (delay_ms, jitter_ms) for node_id, delay_ms, jitter_ms in state["slow"]}
        self._drops = {(node_id, what, api_key): share for node_id, what, api_key, share in state["drops"]}
        self._settle()

    # -- checks --------------------------------------------------------------------------------------------------

    def _check_node(self, node_id: object) -> None:
        check_node(node_id, self._node_ids)

    def _checked_cut(self, groups: Sequence[Collection[int]], one_way: bool, clients: Mapping[str, int] | None) -> _Cut:
        return _Cut(self._checked_groups(groups), one_way, _checked_clients(clients, len(groups)))

    def _checked_groups(self, groups: Sequence[Collection[int]]) -> tuple[tuple[int, ...], ...]:
        if len(groups) < 2:
            raise FaultError(f"A cut needs two groups of nodes or more, not {len(groups)}: try cut({{1}}, {{2, 3}}).")
        seen: set[int] = set()
        for group in groups:
            if not group:
                raise FaultError("A group of the cut is empty: put a node into each, as in cut({1}, {2, 3}).")
            for node_id in sorted(set(group), key=str):  # whatever else than numbers is in there
                self._check_node(node_id)
                if node_id in seen:
                    raise FaultError(f"Node {node_id} is in two groups of the cut: a node can be on one side only.")
                seen.add(node_id)
        return tuple(tuple(sorted(set(group))) for group in groups)


def check_node(node_id: object, node_ids: Sequence[int], kind: str = "node") -> None:
    """Make sure that there is such a node.

    Args:
        kind: "node" or "broker", for the sentence.

    Raises:
        FaultError: there is none.
    """
    if not isinstance(node_id, int) or isinstance(node_id, bool) or node_id not in node_ids:
        have = f"the {kind}s {_and([str(known) for known in node_ids])}" if len(node_ids) > 1 else f"only {node_ids[0]}"
        raise FaultError(f"There is no {kind} {node_id!r}: this cluster has {have}.")


def api_key_of(api: str | int) -> int:
    """The number of an API that is named as in Kafka's protocol, "Produce", or numbered.

    Raises:
        FaultError: there is none of that name or number.
    """
    names = {each.name: key for key, each in codec.apis().items()}
    if isinstance(api, str):
        by_lower = {name.lower(): key for name, key in names.items()}
        if api.lower() in by_lower:
            return by_lower[api.lower()]
    elif not isinstance(api, bool) and api in names.values():
        return api
    close = get_close_matches(str(api), names, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(close)}?" if close else "'Produce', 'Fetch' and 'Metadata' are some."
    raise FaultError(f"Kafka's protocol has no API {api!r} here: {hint}")


def slow_text(node_id: int, delay_ms: float, jitter_ms: float) -> str:
    """What `Links.slow` means, as a sentence."""
    if not delay_ms and not jitter_ms:
        return f"Node {node_id}'s links are as fast as usual again."
    times = f"{delay_ms:g} to {delay_ms + jitter_ms:g} ms" if jitter_ms else f"{delay_ms:g} ms"
    return f"Node {node_id}'s links are slower by {times}."


def drop_text(node_id: int, what: str, share: float, api_key: int | None) -> str:
    """What `Links.drop` means, as a sentence."""
    of_api = "" if api_key is None else f"{codec.api(api_key).name} "
    messages = f"{of_api}{what} {'to' if what == REQUESTS else 'from'} node {node_id}"
    return f"{share * 100:.3g}% of the {messages} get lost." if share else f"No {messages} get lost any more."


def _checked_clients(clients: Mapping[Any, Any] | None, num_groups: int) -> dict[str, int]:
    for name, index in (clients or {}).items():
        if not isinstance(name, str) or not name:
            raise FaultError(f"clients: {name!r} is not a client id: name the client_id that the client was made with.")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < num_groups:
            raise FaultError(
                f"clients: {name!r} cannot be in group {index!r}: groups are counted from 0 to {num_groups - 1}."
            )
    return dict(clients or {})


def _check_time(name: str, value: object) -> None:
    if not _is_number(value) or not 0 <= value < math.inf:  # type: ignore[operator]
        raise FaultError(f"{name}={value!r} is not a time: give milliseconds, 0 or more.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _between(sides: Sequence[Iterable[End]], *, one_way: bool) -> Iterable[tuple[End, End]]:
    """The links from each side to each other side, or from the first side only."""
    for number, side in enumerate(sides[:1] if one_way else sides):
        for other_number, other in enumerate(sides):
            if other_number != number:
                yield from ((source, target) for source in side for target in other)


def _braces(group: Iterable[int]) -> str:
    return "{" + ", ".join(str(node_id) for node_id in group) + "}"


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
