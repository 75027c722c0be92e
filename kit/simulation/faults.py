"""Fault schedules: what goes wrong, when, and for how long. Data only; `player` makes it happen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

KILL, POWER_LOSS, STOP, PAUSE = "kill", "power_loss", "stop", "pause"
ISOLATE, CUT, SLOW, DROP = "isolate", "cut", "slow", "drop"
CONSUMER_CRASH = "consumer_crash"
REASSIGN, ELECT = "reassign", "elect"
NODE_FAULTS = (KILL, POWER_LOSS, STOP, PAUSE)
NETWORK_FAULTS = (ISOLATE, CUT, SLOW, DROP)

_WEIGHTS = {
    KILL: 6, POWER_LOSS: 3, STOP: 2, PAUSE: 3, ISOLATE: 4, CUT: 4, SLOW: 2, DROP: 3, CONSUMER_CRASH: 3,
}  # fmt: skip
_OF_NODE = frozenset({"node"})
_ARGUMENTS = {
    KILL: _OF_NODE, POWER_LOSS: _OF_NODE, STOP: _OF_NODE, PAUSE: _OF_NODE, ISOLATE: _OF_NODE,
    CUT: frozenset({"groups", "one_way", "clients"}), SLOW: _OF_NODE | {"delay_ms", "jitter_ms"},
    DROP: _OF_NODE | {"what", "share"}, CONSUMER_CRASH: frozenset({"consumer"}),
    REASSIGN: frozenset({"topic", "partition", "replicas"}), ELECT: frozenset(),
}  # fmt: skip
MIN_FAULTS, MAX_FAULTS = 6, 10
MAX_ADMINISTRATION = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """What a schedule is made for.

    Attributes:
        producers: their client ids.
        topics: how many partitions each topic has.
        num_records: all that will be sent.
        sending_ms: how long the producers take when nothing goes wrong.
    """

    node_ids: Sequence[int]
    producers: Sequence[str]
    num_consumers: int
    topics: Mapping[str, int]
    replication_factor: int
    num_records: int
    sending_ms: float


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and its end; or something that an administrator does, which has none.

    Attributes:
        kind: one of the names above.
        duration_ms: how long until the node is started or resumed, the network whole again, the consumer back.
        at_ms: when it begins, in milliseconds after the producers began; None when ``after_acked`` says it.
        after_acked: it begins when so many records were acknowledged.
        arguments: ``node`` of most kinds; of a cut ``groups`` (lists of node ids), ``one_way`` and ``clients`` (client
            id: number of its group); ``delay_ms`` and ``jitter_ms`` of slow; ``what`` and ``share`` of drop;
            ``consumer`` (its number) of consumer_crash; ``topic``, ``partition`` and ``replicas`` of reassign.
    """

    kind: str
    duration_ms: float
    at_ms: float | None = None
    after_acked: int | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nodes(self) -> list[Any]:
        """Every node that it names."""
        node = [self.arguments["node"]] if "node" in self.arguments else []
        groups = self.arguments.get("groups", ())
        return [*node, *self.arguments.get("replicas", ()), *(node_id for group in groups for node_id in group)]

    def as_json(self) -> dict[str, Any]:
        """The fault as JSON."""
        when = {"at_ms": self.at_ms} if self.after_acked is None else {"after_acked": self.after_acked}
        return {"kind": self.kind, **when, "duration_ms": self.duration_ms, **self.arguments}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """The opposite of `as_json`.

        Raises:
            ValueError: it describes no fault; the text says why, as the end of a sentence.
        """
        if not isinstance(data, Mapping):
            raise ValueError(f"{data!r} is no JSON object")
        kind = data.get("kind")
        if kind not in _ARGUMENTS:
            raise ValueError(f"kind {kind!r} is none of {', '.join(_ARGUMENTS)}")
        when = [name for name in ("at_ms", "after_acked") if data.get(name) is not None]
        for name in ("duration_ms", *when):
            if not isinstance(data.get(name), int | float) or data[name] < 0:
                raise ValueError(f"{name} must be a number, 0 or more, not {data.get(name)!r}")
        if len(when) != 1:
            raise ValueError("it begins either at_ms or after_acked")
        rest = {key: value for key, value in data.items() if key not in cls.__slots__}
        if rest.keys() != _ARGUMENTS[kind]:
            raise ValueError(f"{kind} needs {', '.join(sorted(_ARGUMENTS[kind])) or 'nothing'} besides")
        lists = [rest.get("replicas", []), rest.get("groups", [])]
        if not all(isinstance(each, list) for each in (*lists, *(lists[1] if isinstance(lists[1], list) else ()))):
            raise ValueError("replicas and groups are lists of nodes")
        return cls(kind, data["duration_ms"], data.get("at_ms"), data.get("after_acked"), rest)


Schedule = tuple[Fault, ...]


def generate(random: Random, scope: Scope) -> Schedule:
    """Six to ten faults, and up to three acts of an administrator, in the time in which the producers send."""
    kinds = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=random.randint(MIN_FAULTS, MAX_FAULTS))
    kinds += random.choices((REASSIGN, ELECT), k=random.randint(0, MAX_ADMINISTRATION))
    return tuple(_fault(kind, random, scope) for kind in kinds)


def _fault(kind: str, random: Random, scope: Scope) -> Fault:
    duration_ms = float(round(random.choice((300, 1_000, 3_000)) * (0.5 + random.random())))
    arguments = _arguments(kind, random, scope)
    if random.random() < 0.5:
        return Fault(kind, duration_ms, float(round(random.random() * scope.sending_ms)), None, arguments)
    return Fault(kind, duration_ms, None, random.randrange(scope.num_records * 9 // 10), arguments)


def _arguments(kind: str, random: Random, scope: Scope) -> dict[str, Any]:
    if kind == CONSUMER_CRASH:
        return {"consumer": random.randrange(scope.num_consumers)}
    if kind == CUT:
        return _cut(random, scope)
    if kind == REASSIGN:
        topic = random.choice(list(scope.topics))
        replicas = random.sample(list(scope.node_ids), scope.replication_factor)
        return {"topic": topic, "partition": random.randrange(scope.topics[topic]), "replicas": replicas}
    if kind == ELECT:
        return {}
    arguments: dict[str, Any] = {"node": random.choice(list(scope.node_ids))}
    if kind == SLOW:
        arguments |= {"delay_ms": random.choice((5, 50, 300)), "jitter_ms": random.choice((0, 20, 200))}
    if kind == DROP:
        arguments |= {"what": random.choice(("requests", "replies")), "share": random.choice((0.1, 0.5, 1.0))}
    return arguments


def _cut(random: Random, scope: Scope) -> dict[str, Any]:
    shuffled = random.sample(list(scope.node_ids), len(scope.node_ids))
    split = random.randint(1, len(shuffled) - 1)
    groups = [sorted(shuffled[:split]), sorted(shuffled[split:])]
    clients = {name: random.randrange(2) for name in scope.producers if random.random() < 0.2}
    return {"groups": groups, "one_way": random.random() < 0.5, "clients": clients}
