"""A small course with one assignment of 14 code cells, and students' work for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

Notebook = dict[str, Any]
ASSIGNMENT = "streams"
FILE = "streams.ipynb"

FUNCTIONS = {
    "by_key": ("records", "return {key: [v for k, v in records if k == key] for key, _ in records}"),
    "partition_of": ("key, partitions", "return sum(key.encode()) % partitions"),
    "lag": ("end, committed", "return {p: end[p] - committed.get(p, 0) for p in end}"),
    "batches": ("records, size", "return [records[i:i + size] for i in range(0, len(records), size)]"),
    "distinct": ("records", "return list(dict.fromkeys(records))"),
    "windows": ("times, width", "return sorted({t // width * width for t in times})"),
}
TESTS = {
    "by_key": ("by_key([('a', 1)]) == {'a': [1]}", "by_key([('a', 1), ('b', 2), ('a', 3)]) == {'a': [1, 3], 'b': [2]}"),
    "partition_of": ("partition_of('a', 3) == 1", "partition_of('listens-7', 5) == sum(b'listens-7') % 5"),
    "lag": ("lag({0: 5}, {0: 2}) == {0: 3}", "lag({0: 5, 1: 7}, {}) == {0: 5, 1: 7}"),
    "batches": ("batches([1, 2, 3], 2) == [[1, 2], [3]]", "batches([], 4) == []"),
    "distinct": ("distinct(['x', 'x']) == ['x']", "distinct(['q', 'p', 'q']) == ['q', 'p']"),
    "windows": ("windows([1, 11], 10) == [0, 10]", "windows([59, 61, 3], 60) == [0, 60]"),
}
POINTS = dict.fromkeys(FUNCTIONS, 2.0) | {"all": 1.0}
AUTO_POINTS = 13.0

JUDGE = '''\
"""The judge of the assignment of the tests: each function is asked ten times."""

import random

from autograder.judge import Probe, share

FUNCTIONS = {
    "by_key": lambda records: {key: [v for k, v in records if k == key] for key, _ in records},
    "partition_of": lambda key, partitions: sum(key.encode()) % partitions,
    "lag": lambda end, committed: {p: end[p] - committed.get(p, 0) for p in end},
    "batches": lambda records, size: [records[i : i + size] for i in range(0, len(records), size)],
    "distinct": lambda records: list(dict.fromkeys(records)),
    "windows": lambda times, width: sorted({t // width * width for t in times}),
}


def arguments(name, chance):
    keys = [chance.choice("abcdef") for _ in range(chance.randint(3, 9))]
    numbers = [chance.randint(0, 99) for _ in keys]
    return {
        "by_key": ([list(each) for each in zip(keys, numbers)],),
        "partition_of": ("".join(keys), chance.randint(2, 9)),
        "lag": ({str(p): n + 100 for p, n in enumerate(numbers)}, {str(p): n for p, n in enumerate(numbers[1:])}),
        "batches": (numbers, chance.randint(1, 4)),
        "distinct": (keys,),
        "windows": (numbers, chance.randint(5, 20)),
    }[name]


def probes(seed):
    chance = random.Random(seed)
    made = [Probe(f"{name} {number}", name, arguments(name, chance)) for name in FUNCTIONS for number in range(10)]
    return [*made, *(Probe(f"all {each.name}", each.function, each.arguments) for each in made[::10])]


def judge(outcome, seed):
    asked = probes(seed)
    right = {each.name: FUNCTIONS[each.function](*each.arguments) for each in asked}
    scores = [
        share(
            outcome, [each for each in asked if each.name.startswith(f"{name} ")], right,
            grade_id=f"test-{name}", name=f"{name} is right", points=2,
        )
        for name in FUNCTIONS
    ]
    together = [each for each in asked if each.name.startswith("all ")]
    return [*scores, share(
        outcome, together, right, grade_id="test-all", name="all are right", points=1, all_or_nothing=True
    )]
'''


def _cell(kind: str, grade_id: str, source: str, **marks: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if marks:
        usual = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
        metadata = {"nbgrader": usual | {"grade_id": grade_id} | marks}
    cell: dict[str, Any] = {"cell_type": kind, "id": grade_id, "metadata": metadata, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def source() -> Notebook:
    """What the instructor wrote: 1 cell of imports, 6 functions, 7 tests, and a question for a human."""
    cells = [
        _cell("markdown", "title", "# Streams"),
        _cell("code", "imports", "import json\nfrom kafka import TopicPartition"),
    ]
    for name, (arguments, body) in FUNCTIONS.items():
        answer = f"def {name}({arguments}):\n    ### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION"
        visible, hidden = TESTS[name]
        test = f"assert {visible}\n### BEGIN HIDDEN TESTS\nassert {hidden}\n### END HIDDEN TESTS"
        cells.append(_cell("code", f"answer-{name}", answer, solution=True))
        cells.append(_cell("code", f"test-{name}", test, grade=True, locked=True, points=2))
    together = "\n".join(f"assert {hidden}" for _, hidden in TESTS.values())
    cells.append(
        _cell(
            "code", "test-all", f"### BEGIN HIDDEN TESTS\n{together}\n### END HIDDEN TESTS",
            grade=True, locked=True, points=1,
        )
    )  # fmt: skip
    cells.append(_cell("markdown", "why", "YOUR ANSWER HERE", grade=True, solution=True, points=3))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def make_course(folder: Path, judging: str = "probes", **manifest: Any) -> Path:
    """A course with the one assignment, not released yet."""
    (folder / "source" / ASSIGNMENT).mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "streaming"\n')
    (folder / "source" / ASSIGNMENT / FILE).write_text(json.dumps(source(), indent=1))
    set_judging(folder, judging, **manifest)
    return folder


def set_judging(course: Path, judging: str, **manifest: Any) -> None:
    """Write how the assignment is judged."""
    import yaml

    folder = course / "judging" / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    values: dict[str, Any] = {"title": "Streams", "judging": judging, **manifest}
    if judging == "probes":
        values["properties"] = [
            {
                "grade_id": f"test-{name}",
                "name": "all are right" if name == "all" else f"{name} is right",
                "points": points,
            }
            for name, points in POINTS.items()
        ]
        (folder / "judge.py").write_text(JUDGE)
    (folder / "assignment.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def released(course: Path) -> Notebook:
    """What students were given; each cell's text is one string."""
    notebook: Notebook = json.loads((course / "release" / ASSIGNMENT / FILE).read_text())
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def cell_of(notebook: Notebook, cell_id: str) -> dict[str, Any]:
    """The cell of this id."""
    found: dict[str, Any] = next(cell for cell in notebook["cells"] if cell["id"] == cell_id)
    return found


def answers(**changed: str) -> dict[str, str]:
    """Right bodies of all functions, but those that are ``changed``."""
    return {name: changed.get(name, body) for name, (_, body) in FUNCTIONS.items()}


def work(course: Path, bodies: Mapping[str, str] | None = None, *, first: str = "", text: str = "Order.") -> Notebook:
    """A student's notebook.

    Args:
        bodies: of the functions; all right when None; a function without one stays as released.
        first: code that stands before the imports.
        text: the answer to the question.
    """
    notebook = released(course)
    for name, body in (answers() if bodies is None else bodies).items():
        head = f"def {name}({FUNCTIONS[name][0]}):\n"
        cell_of(notebook, f"answer-{name}")["source"] = head + "\n".join(f"    {line}" for line in body.splitlines())
    if first:
        cell_of(notebook, "imports")["source"] = dedent(first) + "\n" + cell_of(notebook, "imports")["source"]
    cell_of(notebook, "why")["source"] = text
    return notebook


def hand_in(course: Path, student: str, notebook: Notebook | bytes, **files: str) -> Path:
    """Put a student's work where nbgrader collects it."""
    folder = course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    content = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    (folder / FILE).write_bytes(content)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def nbgrader(course: Path, *arguments: str, succeeds: bool = True) -> str:
    """Run one of nbgrader's own commands in a course; what it said."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        env=os.environ | {"PATH": path, "HOME": str(course), "JUPYTER_PREFER_ENV_PATH": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert (done.returncode == 0) is succeeds, done.stderr
    return done.stderr


def scores(course: Path) -> dict[str, dict[str, float | None]]:
    """What the gradebook has: student -> cell -> points that were given automatically."""
    import sqlite3

    with sqlite3.connect(course / "gradebook.db") as database:
        rows = database.execute(
            "SELECT submitted_assignment.student_id, base_cell.name, grade.auto_score FROM grade "
            "JOIN base_cell ON grade.cell_id = base_cell.id "
            "JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id "
            "JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id"
        ).fetchall()
    database.close()
    found: dict[str, dict[str, float | None]] = {}
    for student, cell, points in rows:
        found.setdefault(student, {})[cell] = points
    return found
