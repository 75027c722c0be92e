"""Faults as data, which happen on counts of what clients did and never at a time: a run can be repeated under any load.

A rule is ``{"name": ..., "when": {...}, "after": ..., "do": [...]}``. It is armed from the start, or once the rule
named by ``after`` has fired; it fires once. ``when`` has one of

* ``acknowledged``, ``fetched``: so many records were, since it was armed; with ``topic``, and ``partition``, of these;
* ``requests``: a request for ``api`` comes that is the so-manieth, with ``topic``, ``partition``, ``group`` of these;
  the rule acts before the broker sees it;
* ``high_watermark``: of ``topic`` and ``partition``, at that offset or above;
* ``elected``: ``topic`` and ``partition`` have a leader that is another node than this one (such as ``"rule:NAME"``);
* nothing: at once.

``do`` lists what happens, in order: ``{"fault": "kill" | "stop" | "restart" | "pause" | "resume" | "isolate", "node":
...}``, ``{"fault": "cut", "groups": [[node, ...], ...]}`` (where ``"others"`` in the last group are the brokers in no
other one), ``{"fault": "heal"}``, ``{"fault": "let_go"}`` (of what is held); a node is its number,
``"leader:TOPIC-PARTITION"``, ``"controller"``, or ``"rule:NAME"``, the node that the other rule hit. A rule on requests
may have ``{"request": "lose"}`` (it never arrives), ``"lose_reply"`` (it is served, and nobody hears), ``"hang_up"``
(it is served, and the connection is closed instead of a reply), ``"turn_away"`` (the connection is closed, and it is
not served) or ``"hold"`` (it is served as if nothing had been, but only once a rule lets go, or after five seconds).
Who waits for what is lost does so until `kit.broker.witness.Witness.release`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.broker.faults import FaultError
from kit.broker.witness.describe import FETCH, OFFSET_COMMIT, PRODUCE
from kit.broker.witness.journal import Entry, api_name

REQUEST_FAULTS = ("lose", "lose_reply", "hang_up", "turn_away", "hold")
NODE_FAULTS = ("kill", "stop", "restart", "pause", "resume", "isolate")
CONDITIONS = ("acknowledged", "fetched", "requests", "high_watermark", "elected")


class RuleError(FaultError):
    """A rule that cannot be; the text names it."""


@dataclass(slots=True)
class Rule:
    """One rule and how far it is.

    Attributes:
        is_armed, has_fired: where it stands.
        count: records or requests that it has counted.
        node: the node that its first fault hit.
    """

    name: str
    when: Mapping[str, Any]
    do: Sequence[Mapping[str, Any]]
    after: str | None = None
    is_armed: bool = False
    has_fired: bool = False
    count: int = 0
    node: int | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it may fire."""
        return self.is_armed and not self.has_fired

    def counts(self, topic: str, partition: int) -> bool:
        """Whether it is about records of this partition."""
        return bool(self.when.get("topic", topic) == topic and self.when.get("partition", partition) == partition)


@dataclass(slots=True)
class Rules:
    """The rules of a cluster.

    Args:
        described: as above.
        inflict: makes the faults of a rule that fires, and calls `done` then.

    Raises:
        RuleError: a rule is not as described.
    """

    described: Sequence[Mapping[str, Any]]
    inflict: Callable[[Rule], None]
    rules: list[Rule] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = [_rule(each) for each in self.described]
        names = [rule.name for rule in self.rules]
        for rule in self.rules:
            if names.count(rule.name) > 1 or (rule.after is not None and rule.after not in names):
                raise RuleError(f"Rule {rule.name!r}: names are unique, and after={rule.after!r} is one of them.")
        for rule in self.rules:
            if rule.after is None:
                self._arm(rule)

    @property
    def is_watching(self) -> bool:
        """Whether a rule waits for something that no request tells of."""
        return any(rule.is_waiting and {"high_watermark", "elected"} & rule.when.keys() for rule in self.rules)

    def on_request(self, entry: Entry) -> str | None:
        """Count a request; what becomes of it, None for nothing unusual."""
        fault = None
        for rule in self._waiting("requests"):
            if not _is_about(rule, entry):
                continue
            rule.count += 1
            if rule.count >= rule.when["requests"]:
                fault = next((each["request"] for each in rule.do if "request" in each), fault)
                self._fire(rule)
        return fault

    def on_reply(self, entry: Entry) -> None:
        """Count what a client was told."""
        word = {PRODUCE: "acknowledged", FETCH: "fetched"}.get(entry.api_key)
        if word is None:
            return
        for rule in list(self.rules):
            if rule.is_waiting and word in rule.when:
                rule.count += sum(count for topic, partition, count in _records(entry) if rule.counts(topic, partition))
                if rule.count >= rule.when[word]:
                    self._fire(rule)

    def look(
        self,
        high_watermark: Callable[[str, int], int],
        leader: Callable[[str, int], int | None],
        node: Callable[[Any], int | None],
    ) -> None:
        """Let rules about the cluster's state fire; ``node`` finds who is meant by a name."""
        for rule in self._waiting("high_watermark"):
            when = rule.when
            if high_watermark(when["topic"], when["partition"]) >= when["high_watermark"]:
                self._fire(rule)
        for rule in self._waiting("elected"):
            when = rule.when
            if leader(when["topic"], when["partition"]) not in {None, node(when["elected"])}:
                self._fire(rule)

    def _waiting(self, condition: str) -> list[Rule]:
        """The rules with this condition that may fire now; what is armed meanwhile counts from the next event on."""
        return [rule for rule in self.rules if rule.is_waiting and condition in rule.when]

    def _fire(self, rule: Rule) -> None:
        rule.has_fired = True
        self.inflict(rule)

    def done(self, rule: Rule) -> None:
        """The faults of a rule are in force: those that come after it are armed."""
        for other in self.rules:
            if other.after == rule.name:
                self._arm(other)

    def _arm(self, rule: Rule) -> None:
        rule.is_armed = True
        if not rule.when:
            self._fire(rule)

    def node_of(self, name: str) -> int | None:
        """The node that a rule hit."""
        return next((rule.node for rule in self.rules if rule.name == name), None)


def _records(entry: Entry) -> list[tuple[str, int, int]]:
    """(topic, partition, number of records) that a reply acknowledged or brought."""
    answers = entry.answered or []
    if entry.api_key == FETCH:
        return [(each[0], each[1], each[5]) for each in answers if len(each) > 1]
    fine = {(topic, partition) for topic, partition, code, _ in answers if code == 0}
    batches = entry.asked.get("batches", ())
    return [
        (each["topic"], each["partition"], each["num_records"])
        for each in batches
        if (each["topic"], each["partition"]) in fine
    ]


def _is_about(rule: Rule, entry: Entry) -> bool:
    if api_name(entry.api_key) != rule.when["api"]:
        return False
    if rule.when.get("group", entry.asked.get("group")) != entry.asked.get("group"):
        return False
    if "topic" not in rule.when:
        return True
    if entry.api_key == PRODUCE:
        return any(rule.counts(each["topic"], each["partition"]) for each in entry.asked.get("batches", ()))
    if entry.api_key in {FETCH, OFFSET_COMMIT}:
        return any(rule.counts(topic, partition) for topic, partition, _ in entry.asked.get("offsets", ()))
    return False


def _rule(described: Mapping[str, Any]) -> Rule:
    try:
        rule = Rule(described["name"], described.get("when", {}), described["do"], described.get("after"))
        conditions = [name for name in CONDITIONS if name in rule.when]
        kinds = [_check_deed(each) for each in rule.do]
    except (KeyError, TypeError, AttributeError) as error:
        raise RuleError(f"{described!r} is no rule: {type(error).__name__}: {error}.") from error
    if len(conditions) != (1 if rule.when else 0):
        raise RuleError(f"Rule {rule.name!r} needs one of {', '.join(CONDITIONS)} in its when, not {conditions}.")
    if "request" in kinds and conditions != ["requests"]:
        raise RuleError(f"Rule {rule.name!r} takes a request away, so its when must count requests.")
    needed = {"requests": {"api"}, "high_watermark": {"topic", "partition"}, "elected": {"topic", "partition"}}
    missing = needed.get("".join(conditions), set()) - rule.when.keys()
    if missing:
        raise RuleError(f"Rule {rule.name!r} lacks {', '.join(sorted(missing))} in its when.")
    return rule


def _check_deed(deed: Mapping[str, Any]) -> str:
    if "request" in deed and deed["request"] in REQUEST_FAULTS:
        return "request"
    fault = deed["fault"]
    if (
        (fault in NODE_FAULTS and "node" in deed)
        or (fault == "cut" and "groups" in deed)
        or fault in {"heal", "let_go"}
    ):
        return "fault"
    raise RuleError(f"{dict(deed)!r} is no fault of a rule.")
