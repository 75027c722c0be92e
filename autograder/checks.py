"""Checks that students call in a notebook as ``kit.check("A3.deck")``.

They are here and not in the kit, which does not know the autograder: it finds them by the entry point ``kit.checks``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder import deck
from kit.checks.evidence import Evidence
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import short

title("A3", "Project ideation")


@judge("A3.deck")
def deck_structure(evidence: Evidence, answer: Any) -> CheckResult:
    """Has your deck the pages and sections that were asked for? ``answer``: its file, when there are several."""
    del evidence
    name = "A3.deck"
    if answer is not None and not isinstance(answer, (str, Path)):
        hint = 'Write kit.check("A3.deck", answer="my-deck.pdf").'
        return CheckResult(name, False, f"Your answer is {short(answer)}.", "your answer", hint)
    names = [answer] if answer is not None else deck.decks(each.name for each in Path().iterdir())
    there = [each for each in map(Path, names) if each.is_file()]
    if not there:
        asked = str(answer) if answer is not None else " or ".join(deck.NAMES)
        hint = "Save your slides as PDF or PPTX beside this notebook."
        return CheckResult(name, False, f"There is no {asked} here.", "the notebook's folder", hint)
    result = _result(name, deck.check(there[0]))
    if not there[1:]:
        return result
    others = ", ".join(each.name for each in there[1:])
    said = f"{result.happened} {there[0].name} was looked at, as it will be when you hand in; {others} was not."
    return replace(result, happened=said)


def _result(name: str, report: deck.DeckReport) -> CheckResult:
    lost = [each.reason for each in report.properties if each.points is not None and each.points < each.most_points]
    if lost:
        hint = "Mend your slides, save them again, and run this cell again."
        return CheckResult(name, False, f"{report.least_points:g} of {report.most_points:g} points. {' '.join(lost)}",
                           report.where, hint)  # fmt: skip
    if report.needs_human:
        hint = "A person will decide. Text that can be selected in the file is marked at once."
        return CheckResult(name, False, report.line, report.where, hint)
    return CheckResult(name, True, report.line, report.where)
