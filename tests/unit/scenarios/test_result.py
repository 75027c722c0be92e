"""How a result reads, and how a scenario introduces itself."""

from __future__ import annotations

import json

import pytest

import kit
from kit.broker.timeline import Event
from kit.history import History, check
from kit.scenarios import ScenarioResult, Step


def result(*steps: Step) -> ScenarioResult:
    """A result of these steps."""
    history = History()
    return ScenarioResult(
        name="cut",
        title="A <cut>",
        prediction="Nothing & nobody is lost.",
        steps=steps,
        history=history,
        report=check(history),
        timeline=[Event(1_250, "heal")],
        topics={},
        brokers=(1, 2, 3),
        controller=2,
        start_ms=1_000,
        end_ms=2_000,
    )


GOOD = Step("It was cut.", "It went on.", ok=True, evidence={"offsets": [1]})
BAD = Step("It was healed.", "A record <is> gone.", ok=False)


def test_result_is_ok_only_if_every_step_is() -> None:
    """One step that is not as predicted spoils it, and so does a story without steps."""
    assert result(GOOD, GOOD).ok
    assert not result(GOOD, BAD).ok
    assert not result(BAD, GOOD)
    assert not result().ok


def test_result_reads_as_text() -> None:
    """The verdict, the prediction, each step with its own verdict, and what the history says."""
    assert str(result(GOOD, BAD)).splitlines() == [
        "✘ A <cut>: not as predicted",
        "Predicted: Nothing & nobody is lost.",
        "1. It was cut.",
        "   ✔ as predicted: It went on.",
        "2. It was healed.",
        "   ✘ not as predicted: A record <is> gone.",
        "kit.history: No anomaly in 0 operations: 0 values acknowledged, 0 read.",
    ]
    assert repr(result(GOOD)) == "<✔ A <cut>: as predicted>"


def test_result_reads_as_a_table_with_heads_and_caption() -> None:
    """Rows and columns have heads for screen readers, text is escaped, times count from the beginning."""
    html = result(GOOD, BAD)._repr_html_()

    assert html.count('scope="row"') == 2
    assert html.count('scope="col"') == 4
    assert "<caption" in html
    assert "A record &lt;is&gt; gone." in html
    assert "✘ not as predicted" in html
    assert "<li>250 ms: The network was healed.</li>" in html
    assert "<cut>" not in html


def test_result_is_json_for_a_grader() -> None:
    """Steps with their evidence, the report, and the timeline in sentences."""
    told = json.loads(json.dumps(result(GOOD, BAD).as_json()))

    assert [told["ok"], told["name"]] == [False, "cut"]
    assert told["steps"][0] == {"did": "It was cut.", "seen": "It went on.", "ok": True, "evidence": {"offsets": [1]}}
    assert told["report"]["ok"] is True
    assert told["timeline"] == [{"time_ms": 1_250, "kind": "heal", "text": "The network was healed."}]


@pytest.mark.parametrize("scenario", kit.scenarios.ALL, ids=lambda each: each.name)
def test_scenario_asks_before_it_tells(scenario: kit.scenarios.Scenario[object]) -> None:
    """It is found by its name, and shows its question and how to run it, not the answer."""
    assert getattr(kit.scenarios, scenario.name) is scenario
    for shown in (str(scenario), scenario._repr_html_()):
        assert f"kit.scenarios.{scenario.name}(cluster)" in shown
        assert scenario.title in shown
        assert scenario.prediction not in shown
    assert scenario.question.endswith("?")
