"""What a scenario did and saw: printed by a lab, read by a grader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from kit.broker.timeline import Event
from kit.history import History, Report
from kit.scenarios.wording import plain, quoted, short
from kit.topics import Topic

_AS_RULED = "as Kafka's rules say"
_TABLE = "border-collapse:collapse;max-width:75em;text-align:left"
_CELL = "padding:4px 10px;vertical-align:top;text-align:left;border-top:1px solid var(--jp-border-color1,#bdbdbd)"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, and what was seen then.

    Attributes:
        did, seen: one plain sentence each.
        ok: whether it is what Kafka's rules say.
        evidence: the facts behind the sentence, by name; values that JSON knows.
    """

    did: str
    seen: str
    ok: bool
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The verdict in words, with a sign that differs in shape."""
        return f"✔ {_AS_RULED}" if self.ok else f"✘ not {_AS_RULED}"


@dataclass(frozen=True, slots=True)
class Ending:
    """How it all ended, once every fault was mended and every replica in sync.

    Attributes:
        report: what `kit.history.check` found.
        logs: by topic, what its leaders hold at the end, as (partition, offset, value).
        timeline: what happened in the cluster meanwhile.
    """

    report: Report
    logs: Mapping[str, Sequence[tuple[int, int, str]]]
    timeline: Sequence[Event]

    def values(self, topic: str) -> list[str]:
        """The values that a topic holds, partition by partition."""
        return [value for _partition, _offset, value in self.logs.get(topic, ())]

    def events(self, kind: str, topic: str | None = None) -> list[Event]:
        """The events of one kind, of one topic if that is given."""
        return [each for each in self.timeline if each.kind == kind and topic in {None, each.topic}]


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What one run of a scenario did and saw.

    Attributes:
        name: the scenario's name in `kit.scenarios`.
        rules: what should come about by Kafka's rules, and why.
        history, report: what the clients did, and what `kit.history.check` says about it. In some scenarios a record
            is lost on purpose: then the report names it, and that is as Kafka's rules say.
        timeline: what happened in the cluster meanwhile, see `kit.Cluster.timeline`.
        topics: the scenario's topics by name, as they were before the first fault.
        brokers: the node ids of the brokers.
        controller: the active controller's node id at the beginning, if there was one.
        start_ms, end_ms: when it began, and when all was mended again; in milliseconds since 1970.
        guess: what the learner said before; None for nothing.
        answer, choices: the right one of the answers that could be chosen; "" and none where nothing is asked.
    """

    name: str
    title: str
    rules: str
    steps: Sequence[Step]
    history: History
    report: Report
    timeline: Sequence[Event]
    topics: Mapping[str, Topic]
    brokers: Sequence[int]
    controller: int | None
    start_ms: int
    end_ms: int
    guess: object = None
    answer: str = ""
    choices: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that Kafka's rules say was seen."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        return f"{'✔' if self.ok else '✘'} {self.title}: {'' if self.ok else 'not '}{_AS_RULED}"

    @property
    def compared(self) -> str:
        """The learner's guess beside what came out; "" without a guess."""
        if self.guess is None or not self.choices:
            return ""
        said = next((each for each in self.choices if plain(each) == plain(self.guess)), None)
        if said is None:
            return f"You said {short(self.guess)}, which is none of the answers: {quoted(self.choices)}."
        if not self.ok:
            return f"You said “{said}”. This run did not come out as it should, so it does not decide: run it again."
        came = "as you said" if said == self.answer else f"you said “{said}”"
        return f"It was “{self.answer}”: {came}."

    def as_json(self) -> dict[str, Any]:
        """The result for a file: steps, report and timeline."""
        return {
            "name": self.name,
            "ok": self.ok,
            "steps": [
                {"did": step.did, "seen": step.seen, "ok": step.ok, "evidence": dict(step.evidence)}
                for step in self.steps
            ],
            "report": self.report.as_json(),
            "timeline": [{"time_ms": each.time_ms, "kind": each.kind, "text": each.text} for each in self.timeline],
        }

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [self.headline, *filter(None, [self.compared]), f"Kafka's rules: {self.rules}"]
        for number, step in enumerate(self.steps, start=1):
            lines += [f"{number}. {step.did}", f"   {step.verdict}: {step.seen}"]
        return "\n".join([*lines, f"kit.history: {self.report.explain()}"])

    def __repr__(self) -> str:
        return f"<{self.headline}>"

    def _repr_html_(self) -> str:
        heads = "".join(
            f'<th scope="col" style="{_CELL};{style}">{head}</th>'
            for head, style in (
                ("", ""),
                ("Done", "width:32%"),
                ("Seen", ""),
                ("By Kafka's rules?", "white-space:nowrap"),
            )
        )
        rows = "".join(
            f'<tr><th scope="row" style="{_CELL}">{number}</th>'
            + "".join(f'<td style="{_CELL}">{escape(text)}</td>' for text in (step.did, step.seen, _yes(step.ok)))
            + "</tr>"
            for number, step in enumerate(self.steps, start=1)
        )
        times = "".join(f"<li>{each.time_ms - self.start_ms} ms: {escape(each.text)}</li>" for each in self.timeline)
        return (
            f"{f'<p><b>{escape(self.compared)}</b></p>' if self.compared else ''}"
            f"<p><b>Kafka's rules:</b> {escape(self.rules)}</p>"
            f'<table style="{_TABLE}"><caption style="text-align:left"><b>{escape(self.headline)}</b></caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
            f"<details><summary>What kit.history says</summary><pre>{escape(self.report.explain())}</pre></details>"
            f"<details><summary>The cluster's timeline</summary><ol>{times}</ol></details>"
        )


def _yes(ok: bool) -> str:
    return "✔ yes" if ok else "✘ no"
