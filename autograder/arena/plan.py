"""What an arena is to do with a student's functions, as data: `docs/reference/arena.md` describes it.

Chance comes from a seed alone: which records are written, and where a fault happens that the plan says may happen
between two counts.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit import datagen
from kit.broker.witness import RuleError, Rules

_BROKERS = range(1, 6)
_SEEDS = range(1, 21)
_RESTARTS = range(6)
_COUNTS = range(1, 20_001)
_KINDS = ("orders", "listens")
CLUSTERS = ("embedded", "docker")
"""What a plan can be played on: the kit's own cluster, or Apache Kafka in containers."""
# What a student's function may decide about a topic that the arena makes, and how that can be written.
_ALLOWED_SETTINGS = {"min.insync.replicas": r"[1-9][0-9]{0,3}", "unclean.leader.election.enable": "true|false"}
_NOTE = "a note to the kitchen, "


class PlanError(ValueError):
    """A plan that cannot be played; the text says where, in one line."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that is there before the first step, or that a step makes (then ``config_from`` names it).

    ``is_filled``: the run's records are in it before the first step.
    """

    name: str
    partitions: int = 3
    replicas: int = 3
    config: Mapping[str, str] = field(default_factory=dict)
    config_from: str | None = None
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a function of the student's.

    Attributes:
        name: unique in its run.
        function: of the student's notebook.
        session: which of the student's kernels; those of one name are the same one until it is killed.
        arguments: what JSON can hold; texts that begin with ``$`` stand for what `Play` puts there.
        timeout_s: how long it may take.
        kill_after: a rule; when it has fired, the kernel is killed.
        is_beside: it begins together with the step before it, in another session.
        is_killed: when its call has ended, its kernel is killed: nothing of it closes a client or leaves a group.
        restarts: how often a call that an error has ended is made again, in a new kernel and within ``timeout_s``.
    """

    name: str
    function: str
    session: str
    arguments: tuple[Any, ...] = ()
    timeout_s: float = 30.0
    kill_after: str | None = None
    is_beside: bool = False
    is_killed: bool = False
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Records:
    """What is to be written: orders of customers, the key being the customer, or listens to songs, with the user.

    Listens take no notice of ``keys`` and ``value_bytes``.
    """

    kind: str = "orders"
    count: int = 400
    keys: int = 12
    value_bytes: int = 300

    def made(self, seed: int) -> list[list[str]]:
        """The records, [key, value]; each value is there once, and is a JSON object."""
        if self.kind == "listens":
            return [[each.user, json.dumps(_listen(each))] for each in datagen.listens(seed=seed).take(self.count)]
        chance = random.Random(f"records {seed}")
        found = []
        for number in range(self.count):
            customer = f"customer-{chance.randrange(self.keys):02d}"
            order = {"order": number, "customer": customer, "amount": chance.randrange(100, 10_000), "note": ""}
            text = json.dumps(order)
            room = max(0, self.value_bytes - len(text))
            note = (_NOTE * (room // len(_NOTE) + 1))[:room]
            found.append([customer, f'{text[:-2]}{note}"}}'])
        return found


def _listen(event: datagen.Listen) -> dict[str, str]:
    return {"id": event.id, "user": event.user, "song": event.song}


@dataclass(frozen=True, slots=True)
class Run:
    """One cluster's life."""

    name: str
    steps: tuple[Step, ...]
    topics: tuple[Topic, ...]
    records: Records = field(default_factory=Records)
    rules: tuple[Mapping[str, Any], ...] = ()
    brokers: int = 3
    config: Mapping[str, Any] = field(default_factory=dict)

    def rules_for(self, seed: int) -> list[dict[str, Any]]:
        """The rules with every ``{"between": [least, most]}`` decided."""
        chance = random.Random(f"rules {seed}")
        return [_decided(rule, chance) for rule in self.rules]


@dataclass(frozen=True, slots=True)
class Plan:
    """Runs, each of which is played with several seeds, on one of `CLUSTERS`."""

    runs: tuple[Run, ...]
    seeds: int = 1
    cluster: str = CLUSTERS[0]

    @classmethod
    def read(cls, described: Mapping[str, Any]) -> Plan:
        """The plan as an assignment describes it.

        Raises:
            PlanError: it cannot be played.
        """
        _known(described, {"runs", "seeds", "cluster"}, "the plan")
        seeds = _whole(described.get("seeds", 1), _SEEDS, "seeds")
        runs = tuple(_run(each) for each in _list(described.get("runs"), "runs"))
        _unique([run.name for run in runs], "runs")
        cluster = described.get("cluster", CLUSTERS[0])
        if cluster not in CLUSTERS:
            raise PlanError(f"cluster is {cluster!r}; it must be one of {', '.join(CLUSTERS)}")
        return cls(runs, seeds, cluster)

    @property
    def longest_s(self) -> float:
        """Seconds that its steps may take together, when each of them takes all of its own."""
        alone = [
            max(step.timeout_s, 0 if after is None or not after.is_beside else after.timeout_s)
            for run in self.runs
            for step, after in zip(run.steps, (*run.steps[1:], None), strict=True)
            if not step.is_beside
        ]
        return self.seeds * sum(alone)


def decided_settings(value: Any) -> dict[str, str]:
    """What a student's function decided about a topic, as far as it may and a topic can have it."""
    if not isinstance(value, Mapping):
        return {}
    decided = {name: str(value[name]).strip().lower() for name in _ALLOWED_SETTINGS if name in value}
    return {name: text for name, text in decided.items() if re.fullmatch(_ALLOWED_SETTINGS[name], text)}


def _run(described: Any) -> Run:
    _known(described, {"name", "steps", "topics", "records", "rules", "brokers", "config"}, "a run")
    name = _text(described.get("name"), "the name of a run")
    where = f"run {name}"
    steps = tuple(_step(each, where) for each in _list(described.get("steps"), f"steps of {where}"))
    topics = tuple(_topic(topic, each or {}, where) for topic, each in dict(described.get("topics", {})).items())
    records = described.get("records", {})
    _known(records, {"kind", "count", "keys", "value_bytes"}, f"records of {where}")
    numbers = {key: _whole(value, _COUNTS, f"{key} of {where}") for key, value in records.items() if key != "kind"}
    kind = records.get("kind", "orders")
    if kind not in _KINDS:
        raise PlanError(f"{where}: the kind of records is {kind!r}; it must be one of {', '.join(_KINDS)}")
    run = Run(
        name=name,
        steps=steps,
        topics=topics,
        records=Records(kind, **numbers),
        rules=tuple(described.get("rules", ())),
        brokers=_whole(described.get("brokers", 3), _BROKERS, f"brokers of {where}"),
        config=dict(described.get("config", {})),
    )
    _unique([step.name for step in steps], f"steps of {where}")
    _beside(steps, where)
    try:
        rules = Rules(run.rules_for(0), lambda _: None).rules
    except (RuleError, TypeError, ValueError) as error:
        raise PlanError(f"{where}: {error}") from error
    known = {rule.name for rule in rules}
    for step in steps:
        if step.kill_after is not None and step.kill_after not in known:
            raise PlanError(f"{where}: step {step.name} waits for rule {step.kill_after!r}, and there is none")
    for topic in topics:
        if topic.config_from is not None and topic.config_from not in {step.name for step in steps}:
            raise PlanError(f"{where}: topic {topic.name} waits for step {topic.config_from!r}, and there is none")
    return run


def _step(described: Any, where: str) -> Step:
    names = {"name", "call", "session", "arguments", "timeout_s", "kill_after", "beside", "then_kill", "restarts"}
    _known(described, names, f"a step of {where}")
    function = _text(described.get("call"), f"call in a step of {where}")
    timeout_s = described.get("timeout_s", 30)
    if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not 0 < timeout_s <= 600:
        raise PlanError(f"{where}: timeout_s is {timeout_s!r}; it must be a number of seconds up to 600")
    return Step(
        name=_text(described.get("name", function), f"name of a step of {where}"),
        function=function,
        session=_text(described.get("session", "student"), f"session of a step of {where}"),
        arguments=tuple(described.get("arguments", ())),
        timeout_s=timeout_s,
        kill_after=described.get("kill_after"),
        is_beside=described.get("beside", False) is True,
        is_killed=described.get("then_kill", False) is True,
        restarts=_whole(described.get("restarts", 0), _RESTARTS, f"restarts in a step of {where}"),
    )


def _topic(name: str, described: Any, where: str) -> Topic:
    _known(described, {"partitions", "replicas", "config", "config_from", "filled"}, f"topic {name} of {where}")
    return Topic(
        name=name,
        partitions=_whole(described.get("partitions", 3), range(1, 51), f"partitions of topic {name}"),
        replicas=_whole(described.get("replicas", 3), _BROKERS, f"replicas of topic {name}"),
        config={key: str(value) for key, value in dict(described.get("config", {})).items()},
        config_from=described.get("config_from"),
        is_filled=described.get("filled", False) is True,
    )


def _beside(steps: Sequence[Step], where: str) -> None:
    for before, step in zip((None, *steps), steps, strict=False):
        if step.is_beside and (before is None or step.session == before.session):
            raise PlanError(f"{where}: step {step.name} needs a step before it to be beside, in another session")
        is_replaced = step.is_killed or step.kill_after is not None or step.restarts
        if is_replaced and (step.is_beside or any(each.is_beside for each in steps)):
            raise PlanError(
                f"{where}: step {step.name} cannot be killed or restarted in a run with steps beside one another"
            )


def _decided(part: Any, chance: random.Random) -> Any:
    if isinstance(part, Mapping):
        if set(part) == {"between"}:
            return chance.randint(*part["between"])
        return {key: _decided(value, chance) for key, value in part.items()}
    if isinstance(part, Sequence) and not isinstance(part, str):
        return [_decided(each, chance) for each in part]
    return part


def _known(described: Any, names: set[str], where: str) -> None:
    if not isinstance(described, Mapping):
        raise PlanError(f"{where} is {described!r:.60}; it must be a mapping")
    unknown = sorted(map(str, described.keys() - names))
    if unknown:
        raise PlanError(f"{where} has {', '.join(unknown)}; known are {', '.join(sorted(names))}")


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise PlanError(f"{where} must be a list with something in it")
    return list(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise PlanError(f"{where} is {value!r}; it must be a text")
    return value


def _whole(value: Any, allowed: range, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise PlanError(f"{where} is {value!r}; it must be a whole number from {allowed[0]} to {allowed[-1]}")
    return value


def _unique(names: Sequence[str], where: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlanError(f"{where}: {', '.join(twice)} is there twice")
