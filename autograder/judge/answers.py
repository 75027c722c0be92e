"""Answers to probes, compared with what is right: in the grader's process, as JSON, so no object can claim equality."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from autograder.job import Answer, Outcome, Probe, Score

_MOST_CHARACTERS = 200  # of a value in a sentence


def same(value: Any, expected: Any, *, tolerance: float = 1e-9) -> bool:
    """Whether two JSON values are equal: true is not 1, numbers may differ by ``tolerance`` relatively or absolutely.

    Tuples in ``expected`` count as lists, and keys that are no texts as what `json.dumps` makes of them.
    """
    return _same(value, json.loads(json.dumps(expected)), tolerance)


def _same(value: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and value.keys() == expected.keys()
            and all(_same(value[key], expected[key], tolerance) for key in expected)
        )
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(value) == len(expected)
            and all(_same(mine, theirs, tolerance) for mine, theirs in zip(value, expected, strict=True))
        )
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return type(value) is type(expected) and value == expected
    return _same_number(value, expected, tolerance)


def _same_number(value: Any, expected: float, tolerance: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, int) and isinstance(expected, int):
        return value == expected
    try:
        return math.isclose(value, expected, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:  # an integer that no float can hold
        return False


def share(
    outcome: Outcome,
    probes: Sequence[Probe],
    expected: Mapping[str, Any],
    *,
    grade_id: str,
    name: str,
    points: float,
    all_or_nothing: bool = False,
    tolerance: float = 1e-9,
) -> Score:
    """Points by the share of ``probes`` that were answered right; the reason shows the first that was not.

    Args:
        probes: those of this property, as they were asked.
        expected: name of the probe -> the right answer.
    """
    answers = {answer.probe: answer for answer in outcome.answers}
    wrong = [
        (probe, answer)
        for probe in probes
        if (answer := answers.get(probe.name, Answer(probe.name, error="it was not asked"))).error is not None
        or not same(answer.value, expected[probe.name], tolerance=tolerance)
    ]
    if not wrong:
        return Score(grade_id, name, points, points, f"All {len(probes)} calls gave the right answer.")
    right = len(probes) - len(wrong)
    earned = 0.0 if all_or_nothing else points * right / len(probes)
    probe, answer = wrong[0]
    return Score(
        grade_id,
        name,
        earned,
        points,
        f"{right} of {len(probes)} calls gave the right answer.",
        proof=(_call(probe), _answered(answer), f"right is {shown(expected[probe.name])}"),
    )


def shown(value: Any) -> str:
    """A JSON value as Python writes it, cut off where it is long."""
    text = repr(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."


def _call(probe: Probe) -> str:
    return f"{probe.function}({', '.join(shown(each) for each in probe.arguments)})"


def _answered(answer: Answer) -> str:
    return f"it failed: {answer.error}" if answer.error is not None else f"it gave {shown(answer.value)}"
