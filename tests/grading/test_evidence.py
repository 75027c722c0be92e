"""Work with a cluster, from submissions to the gradebook: the arena plays, the judge reads what brokers saw."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import yaml

from autograder.console import main
from autograder.pipeline.batch import open_ledger
from autograder.pipeline.course import open_course
from tests.support import grading, surviving

pytestmark = pytest.mark.slow

_NAME = "surviving"
_POINTS = {"lost-write": 2, "duplicate": 1, "order": 1}
_JUDGE = """\
from autograder.judge.evidence import STANDARD, Rule, cases_of, judged
from autograder.judge.timeline import picture

NAMES = {"lost-write": 2, "duplicate": 1, "order": 1}


def judge(outcome, seed):
    cases = cases_of(outcome.evidence, "orders", "results")
    return judged(cases, [Rule("test-survive", name, points, *STANDARD[name]) for name, points in NAMES.items()])


def pictures(outcome, seed):
    case = cases_of(outcome.evidence, "orders", "results")[0]
    return {"test-survive": picture(case, list(STANDARD["lost-write"][0](case)))}
"""


def source() -> grading.Notebook:
    """An answer of one cell, and a test of 4 points that the student sees as it is."""
    solution = surviving.SOLUTION.strip()
    answer = f"### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    usual = {"grade": False, "locked": False, "solution": True, "task": False, "schema_version": 3}
    marks = usual | {"grade": True, "locked": True, "solution": False, "points": 4}
    code = {"cell_type": "code", "outputs": [], "execution_count": None}
    return {
        "cells": [
            code | {"id": "answer", "metadata": {"nbgrader": usual | {"grade_id": "answer"}}, "source": answer},
            code
            | {"id": "test-survive", "metadata": {"nbgrader": marks | {"grade_id": "test-survive"}}, "source": "1"},
        ],
        "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def make_course(folder: Path) -> Path:
    """A course with the assignment, released."""
    (folder / "source" / _NAME).mkdir(parents=True)
    (folder / "source" / _NAME / "survive.ipynb").write_text(json.dumps(source()))
    judging = folder / "judging" / _NAME
    judging.mkdir(parents=True)
    properties = [{"grade_id": "test-survive", "name": name, "points": points} for name, points in _POINTS.items()]
    values = {
        "title": "Surviving failure",
        "judging": "evidence",
        "weakest_rung": "none",
        "properties": properties,
        "arena": surviving.plan("survive"),
    }
    (judging / "assignment.yaml").write_text(yaml.safe_dump(values))
    (judging / "judge.py").write_text(_JUDGE)
    assert main(["release", _NAME, "--course", str(folder)]) == 0
    return folder


def hand_in(course: Path, student: str, answer: str) -> None:
    """Put a student's work where it is looked for."""
    notebook = json.loads((course / "release" / _NAME / "survive.ipynb").read_text())
    notebook["cells"][0]["source"] = textwrap.dedent(answer)
    place = course / "submitted" / student / _NAME
    place.mkdir(parents=True)
    (place / "survive.ipynb").write_text(json.dumps(notebook))


def test_evidence_becomes_points_reasons_and_a_picture(tmp_path: Path) -> None:
    """Right work has all points; the producer that waits for one broker only loses those of lost writes."""
    course = make_course(tmp_path / "course")
    hand_in(course, "right", surviving.SOLUTION)
    hand_in(course, "acks-one", surviving.WRONG["acks-one"][2])
    assert main(["grade", _NAME, "--course", str(course), "--workers", "1"]) == 0
    entries = open_ledger(open_course(course)).latest(_NAME)

    points = {name: {score.name: score.points for score in entry.scores} for name, entry in entries.items()}
    assert points == {"right": _POINTS, "acks-one": _POINTS | {"lost-write": 0}}
    lost = entries["acks-one"].scores[0]
    assert lost.proof
    page = (course / "feedback" / "acks-one" / _NAME / "survive.html").read_text()
    assert "lost-write" in page
    assert "<svg" in page
    assert {name: sum(filter(None, cells.values())) for name, cells in grading.scores(course).items()} == {
        "right": 4,
        "acks-one": 2,
    }
