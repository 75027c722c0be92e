"""`Scenario`: one story that is replayed with one call: show the question, predict, run, see."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Generic, TypeVar

from kit.cluster import Cluster, start
from kit.errors import ScenarioError
from kit.plain_errors import plainly
from kit.scenarios.result import Ending, ScenarioResult, Step
from kit.scenarios.stage import Stage
from kit.scenarios.wording import quoted

Facts = TypeVar("Facts")


@dataclass(frozen=True, slots=True)
class Scenario(Generic[Facts]):
    """A story about a cluster, called to replay it.

    Attributes:
        name: its name in `kit.scenarios`.
        question: what to think about before it is run.
        rules: what should come about by Kafka's rules, and why; a result begins with it.
        play: acts on the stage, with ordinary clients and faults, and returns what it saw. It may leave faults behind.
        tell: what was seen as steps, each with its verdict. Pure: whatever decides is in its arguments.
        brokers: how many are needed.
        choices, answer: short answers to choose from before it is run, and the right one; none and "" for no choice.
        controllers, config: of the cluster that is started when none is given, see `kit.start`.
    """

    name: str
    title: str
    question: str
    rules: str
    play: Callable[[Stage], Facts]
    tell: Callable[[Facts, Ending], Sequence[Step]]
    brokers: int = 3
    choices: Sequence[str] = ()
    answer: str = ""
    controllers: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)

    @plainly
    def __call__(self, cluster: Cluster | None = None, my_guess: object = None) -> ScenarioResult:
        """Replay it, on topics of its own; all brokers run and all links are whole before and after, also on errors.

        Faults of yours end with that too: links are healed, paused brokers go on, dead ones are started again.

        Args:
            cluster: where; None starts one for this call.
            my_guess: one of ``choices``; the result compares it with what came out. None for no guess.

        Raises:
            ScenarioError: this is no cluster, it does not have what the scenario needs, or something that must come
                about did not within 30 seconds; the text says what.
            ClusterClosedError: the cluster is closed.
        """
        with self._on(cluster) as running, Stage(running) as stage:
            facts = self.play(stage)
            report, logs = stage.end()
            timeline = stage.timeline()
            return ScenarioResult(
                name=self.name,
                title=self.title,
                rules=self.rules,
                steps=tuple(self.tell(facts, Ending(report, logs, timeline))),
                history=stage.history,
                report=report,
                timeline=timeline,
                topics=stage.topics_before,
                brokers=stage.broker_ids,
                controller=stage.controller_before,
                start_ms=stage.start_ms,
                end_ms=stage.end_ms,
                guess=my_guess,
                answer=self.answer,
                choices=self.choices,
            )

    @contextlib.contextmanager
    def _on(self, cluster: Cluster | None) -> Iterator[Cluster]:
        if cluster is None:
            with start(brokers=self.brokers, controllers=self.controllers, config=self.config) as own:
                yield own
            return
        given: object = cluster
        if not isinstance(given, Cluster):
            raise ScenarioError(
                f"{self.name} is replayed on a cluster, not on {given!r}: try "
                f"kit.scenarios.{self.name}(kit.start(brokers={self.brokers}))."
            )
        if len(cluster.brokers) < self.brokers:
            raise ScenarioError(
                f"{self.name} needs {self.brokers} brokers and this cluster has {len(cluster.brokers)}: "
                f"start one with kit.start(brokers={self.brokers})."
            )
        yield cluster

    def __str__(self) -> str:
        choose = f"\nChoose: {quoted(self.choices)}." if self.choices else ""
        return f"{self.title}\n{self.question}{choose}\nPredict, then run kit.scenarios.{self.name}{self._arguments}."

    @property
    def _arguments(self) -> str:
        return "(cluster, my_guess)" if self.choices else "(cluster)"

    def __repr__(self) -> str:
        return f"<scenario {self.name}: {self.title}>"

    def _repr_html_(self) -> str:
        answers = "".join(f"<li><code>{escape(quoted([each]))}</code></li>" for each in self.choices)
        return (
            f"<p><b>{escape(self.title)}</b></p><p>{escape(self.question)}</p>"
            f"{f'<ul>{answers}</ul>' if answers else ''}"
            f"<p>Predict, then run <code>kit.scenarios.{escape(self.name)}{self._arguments}</code>.</p>"
        )


AnyScenario = Scenario[Any]
