"""What is handed in instead of honest work: taken in without being run, repaired or refused, one plain line each."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.doctor.verdict import Verdict
from autograder.intake import Intake, examine

Json = dict[str, Any]
Make = Callable[[Path, Json], object]
_FILE = "lag.ipynb"
_SECRET = "instructors-own"
_OWNED = "autograder-doctor-was-obeyed"
_LINK = r"is a link, and links are not followed"


@dataclass(frozen=True)
class Case:
    """A submission.

    Attributes:
        name: what is tried.
        make: puts it into a folder, given the notebook with a right answer.
        line: a regular expression for one of the lines.
        graded: whether the notebook can be graded afterwards.
    """

    name: str
    make: Make
    line: str
    graded: bool = True


def released() -> Json:
    """The notebook that students were given: an answer, a test, and a text."""
    usual = dict.fromkeys(("grade", "locked", "solution", "task"), False) | {"schema_version": 3, "checksum": "0"}
    answer = usual | {"grade_id": "lag", "solution": True}
    test = usual | {"grade_id": "test-lag", "grade": True, "locked": True, "points": 4}
    why = usual | {"grade_id": "why", "grade": True, "solution": True, "points": 2}
    code: Json = {"cell_type": "code", "outputs": [], "execution_count": None}
    return {
        "cells": [
            code | {"id": "a", "metadata": {"nbgrader": answer}, "source": "def lag(end, committed):\n    ..."},
            code | {"id": "b", "metadata": {"nbgrader": test}, "source": "assert lag(7, 1) == 6"},
            {"cell_type": "markdown", "id": "c", "metadata": {"nbgrader": why}, "source": "YOUR ANSWER HERE"},
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def right() -> Json:
    """Honest work."""
    made = released()
    made["cells"][0]["source"] = "def lag(end, committed):\n    return end - committed"
    made["cells"][2]["source"] = "It is what is left to read."
    return made


def _write(folder: Path, made: Json | bytes, name: str = _FILE) -> None:
    (folder / name).write_bytes(made if isinstance(made, bytes) else json.dumps(made).encode())


def _changed(change: Callable[[Json], object]) -> Make:
    def make(folder: Path, made: Json) -> None:
        change(made)
        _write(folder, made)

    return make


def _bytes(content: bytes) -> Make:
    return lambda folder, _: _write(folder, content)


def _beside(add: Callable[[Path], object]) -> Make:
    def make(folder: Path, made: Json) -> None:
        _write(folder, made)
        add(folder)

    return make


def _old_format(made: Json) -> None:
    texts = [
        {"cell_type": "code", "language": "python", "input": c["source"], "outputs": []} for c in made["cells"][:2]
    ]
    made.clear()
    made.update({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": texts}]})


def _large(folder: Path, made: Json) -> None:
    made["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}]
    _write(folder, made)


def _many(folder: Path) -> None:
    for number in range(1_100):
        (folder / str(number)).touch()


def _marks(made: Json) -> Json:
    marks: Json = made["cells"][1]["metadata"]["nbgrader"]
    return marks


def _secret(folder: Path) -> Path:
    return folder.parent / _SECRET


def _name(text: str) -> Make:
    return _beside(lambda folder: (folder / text).write_text("x"))


CASES = (
    Case("tampered-tests", _changed(lambda made: made["cells"][1].update(source="assert True")), r"test was edited"),
    Case(
        "thousand-points",
        _changed(lambda made: _marks(made).update(points=1000)),
        r"points were changed from 4 to 1000",
    ),
    Case("deleted-tests", _changed(lambda made: made["cells"].pop(1)), r"this test is missing; it was added"),
    Case(
        "duplicated-cell",
        _changed(lambda made: made["cells"].append(made["cells"][0] | {"id": "z"})),
        r"is a copy of cell 1",
    ),
    Case(
        "metadata-stripped",
        _changed(lambda made: [cell.update(metadata={}) for cell in made["cells"]]),
        r"had lost their nbgrader id",
    ),
    Case("old-format", _changed(_old_format), r"format 3 of 2014"),
    Case(
        "unlocked-test",
        _changed(lambda made: _marks(made).update(locked=False, solution=True)),
        r"metadata were changed",
    ),
    Case("test-as-text", _changed(lambda made: made["cells"][1].update(cell_type="markdown")), r"changed back"),
    Case(
        "skipped-by-tag",
        _changed(lambda made: made["cells"][1]["metadata"].update(tags=["skip-execution"])),
        r"the tag was removed",
    ),
    Case("broken-json", _bytes(b'{"cells": ['), r"cannot be graded", graded=False),
    Case("empty-file", _bytes(b""), r"cannot be graded", graded=False),
    Case("deep-json", _bytes(b"[" * 10**6), r"cannot be graded", graded=False),
    Case("zip-as-notebook", _bytes(b"PK\x03\x04" + bytes(100)), r"cannot be graded", graded=False),
    Case("numbers-that-are-none", _bytes(b'{"nbformat": NaN, "cells": []}'), r"cannot be graded", graded=False),
    Case("fifty-megabytes", _large, r"50.0 MB", graded=False),
    Case("linked-notebook", lambda folder, _: (folder / _FILE).symlink_to(_secret(folder)), _LINK, graded=False),
    Case("linked-file", _beside(lambda folder: (folder / "data.txt").symlink_to(_secret(folder))), _LINK),
    Case("linked-folder", _beside(lambda folder: (folder / "data").symlink_to(folder.parent)), _LINK),
    Case(
        "hard-link-handed-in", _beside(lambda folder: os.link(_secret(folder), folder / "data.txt")), r"is a hard link"
    ),
    Case("fifo", lambda folder, _: os.mkfifo(folder / _FILE), r"named pipe", graded=False),
    Case("fifo-beside", _beside(lambda folder: os.mkfifo(folder / "data.txt")), r"named pipe"),
    Case("name-with-colours", _name("a\x1b[31mred.txt"), r"control characters"),
    Case("name-turned-round", _name("a\u202etxt.exe"), r"turn the reading direction"),
    Case("name-that-leads-out", _name("..\\..\\source\\evil.txt"), r"could lead out"),
    Case("name-in-two-lines", _name("a\nsubmission: 13 of 13 points.txt"), r"control characters"),
    Case("too-many-files", _beside(_many), r"more than 1,000 files"),
    Case("deep-folders", _beside(lambda folder: (folder / "/".join("d" * 30)).mkdir(parents=True)), r"too deep"),
    Case("file-in-the-way", _beside(lambda folder: (folder / "LAG.ipynb").write_text("x")), r"is the same as"),
    Case(
        "large-file-handed-in", _beside(lambda folder: os.truncate(_touched(folder / "data"), 30_000_000)), r"30.0 MB"
    ),
    Case(
        "poisoned-time",
        _beside(lambda folder: (folder / "timestamp.txt").write_text("yesterday; rm -rf")),
        r"no time of submission",
    ),
)


def _touched(path: Path) -> Path:
    path.touch()
    return path


def taken(case: Case, folder: Path) -> Intake:
    """Hand it in, in an empty folder, and have it looked at."""
    release, submission = folder / "release", folder / "submission"
    release.mkdir()
    submission.mkdir()
    _secret(submission).write_text(_SECRET)
    _write(release, released())
    case.make(submission, right())
    return examine(submission, release)


def wrong_with(case: Case, intake: Intake) -> str:
    """What did not hold, in one line; empty when all of it did."""
    lines = intake.lines()
    notebook = intake.notebooks.get(_FILE)
    if not any(re.search(case.line, line) for line in lines):
        return f"the instructor reads {lines}"
    if not all(line.isprintable() for line in lines):
        return "what the instructor reads is not one plain line"
    if (notebook is not None) is not case.graded:
        return "it could be graded" if notebook else "it could not be graded"
    if any(_SECRET.encode() in content for content in intake.files.values()):
        return "it brought a file of the instructor's"
    tests = [cell for cell in (notebook or released())["cells"] if cell["metadata"].get("nbgrader", {}).get("locked")]
    if [(cell["source"], cell["metadata"]["nbgrader"]["points"]) for cell in tests] != [("assert lag(7, 1) == 6", 4)]:
        return f"the test is no longer as released: {tests!r:.200}"
    return ""


def verdicts(rung: str) -> Iterator[Verdict]:
    """Hand each in; nothing of it is run, so the rung does not matter."""
    del rung
    for case in (*CASES, Case("honest-notebook", _write, "")):
        with tempfile.TemporaryDirectory() as folder:
            intake = taken(case, Path(folder))
        lines = intake.lines()
        wrong = wrong_with(case, intake) if case.line else "".join(lines[:1])
        yield Verdict("handing_in", case.name, wrong, next((x for x in lines if re.search(case.line, x)), "no line"))
    yield _shell()


def _shell() -> Verdict:
    """Honest work of somebody whose id, and whose file's name, a shell would obey."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / f"$(touch {_OWNED}); `touch {_OWNED}` & 'x"
        place.mkdir()
        intake = taken(Case("", _name(f"; touch {_OWNED} #.txt"), ""), place)
        is_obeyed = any(Path(each, _OWNED).exists() for each in (folder, place, Path.cwd()))
    wrong = "something obeyed it" if is_obeyed else "".join(intake.lines()[:1])
    return Verdict("handing_in", "shell-in-a-student-id", wrong, "no line")
