"""How a result reads, and how a scenario introduces itself."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape

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
        rules="Nothing & nobody is lost.",
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
    """One step that is not as it should be spoils it, and so does a story without steps."""
    assert result(GOOD, GOOD).ok
    assert not result(GOOD, BAD).ok
    assert not result(BAD, GOOD)
    assert not result().ok


def test_result_reads_as_text() -> None:
    """The verdict, the rules, each step with its own verdict, and what the history says."""
    assert str(result(GOOD, BAD)).splitlines() == [
        "✘ A <cut>: not as Kafka's rules say",
        "Kafka's rules: Nothing & nobody is lost.",
        "1. It was cut.",
        "   ✔ as Kafka's rules say: It went on.",
        "2. It was healed.",
        "   ✘ not as Kafka's rules say: A record <is> gone.",
        "kit.history: No anomaly in 0 operations: 0 values acknowledged, 0 read.",
    ]
    assert repr(result(GOOD)) == "<✔ A <cut>: as Kafka's rules say>"


def test_result_reads_as_a_table_with_heads_and_caption() -> None:
    """Rows and columns have heads for screen readers, text is escaped, times count from the beginning."""
    html = result(GOOD, BAD)._repr_html_()

    assert html.count('scope="row"') == 2
    assert html.count('scope="col"') == 4
    assert "<caption" in html
    assert "A record &lt;is&gt; gone." in html
    assert "✘ no<" in html
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
        assert f"kit.scenarios.{scenario.name}(cluster{', my_guess' * bool(scenario.choices)})" in shown
        assert scenario.title in shown
        assert scenario.rules not in shown
    assert scenario.question.endswith("?")


@pytest.mark.parametrize(
    ("guess", "step", "said"),
    [
        (None, GOOD, ""),
        (" REFUSED ", GOOD, "It was “refused”: as you said."),
        ("lost", GOOD, "It was “refused”: you said “lost”."),
        ("not_seen", GOOD, "It was “refused”: you said “NOT_SEEN”."),
        ("lost", BAD, "You said “lost”. This run did not come out as it should, so it does not decide: run it again."),
        (7, GOOD, 'You said 7, which is none of the answers: "refused", "lost", "NOT_SEEN".'),
    ],
)
def test_guess_is_compared_with_what_came_out(guess: object, step: Step, said: str) -> None:
    """Only who has said something is told whether it was so, and a run that went wrong decides nothing."""
    told = replace(result(step), guess=guess, answer="refused", choices=("refused", "lost", "NOT_SEEN"))

    assert told.compared == said
    assert (said in str(told).splitlines()) == bool(said)
    assert escape(said) in told._repr_html_()


@pytest.mark.parametrize("scenario", kit.scenarios.ALL, ids=lambda each: each.name)
def test_scenario_shows_its_choices(scenario: kit.scenarios.Scenario[object]) -> None:
    """The right answer is one of those that can be chosen, and all of them can be read before the run."""
    assert scenario.answer in (scenario.choices or [""])
    for choice in scenario.choices:
        assert f'"{choice}"' in str(scenario)
        assert escape(f'"{choice}"') in scenario._repr_html_()
