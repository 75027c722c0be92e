"""Each submission is graded once, whatever happens to workers and to the grader, and none of them harms another."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignment import AssignmentError, read_assignment
from autograder.job import Budget
from autograder.pipeline.batch import Batch, Progress, open_ledger
from autograder.pipeline.course import GradingError, open_course
from autograder.pipeline.ledger import Entry
from autograder.pipeline.pool import LocalPool
from autograder.pipeline.submission import Desk
from tests.support import grading, pretend
from tests.support.wait import wait_until

Start = Callable[..., "subprocess.Popen[str]"]

_GRADE = """\
import sys
from autograder.console import grade, resume
from tests.support import pretend
if __name__ == "__main__":
    command = {"grade": grade, "resume": resume}[sys.argv[1]]
    sys.exit(command.run(sys.argv[2:], pretend.execute))
"""


def run(folder: Path, *, workers: int = 2, again: bool = True) -> tuple[Progress, dict[str, Entry]]:
    """Grade a course; how much there was to do, and what came of it."""
    course = open_course(folder)
    desk = Desk(course, read_assignment(course.root, grading.ASSIGNMENT))
    batch = Batch(desk, LocalPool(workers), open_ledger(course), pretend.execute)
    progress = batch.choose(course.students(grading.ASSIGNMENT), again=again)
    told: list[Entry] = []
    batch.run(told.append)
    assert not list((folder / ".autograder" / "work").rglob("*.ipynb"))
    return progress, {entry.student: entry for entry in told}


def points(entry: Entry) -> float:
    """All points of a result."""
    return sum(score.points for score in entry.scores)


def test_run_gives_each_student_their_points(course: Path) -> None:
    """Right work has all points, wrong functions cost theirs, and the gradebook says the same."""
    grading.hand_in(course, "ada", grading.work(course))
    grading.hand_in(course, "bob", grading.work(course, grading.answers(lag="return end", windows="return times")))
    grading.hand_in(course, "cyd", grading.released(course))
    progress, entries = run(course)

    assert progress.total == 3
    assert {name: points(entry) for name, entry in entries.items()} == {"ada": 13, "bob": 8, "cyd": 0}
    assert {name: sum(filter(None, cells.values())) for name, cells in grading.scores(course).items()} == {
        "ada": 13,
        "bob": 8,
        "cyd": 0,
    }
    assert all(entry.status == "graded" and not entry.flags for entry in entries.values())


def test_run_asks_each_student_something_else(course: Path) -> None:
    """The same wrong work shows another call in each one's feedback, and the same one each time."""
    for name in ("ada", "bob"):
        grading.hand_in(course, name, grading.work(course, grading.answers(distinct="return None")))
    _, first = run(course)
    (course / ".autograder" / "ledger.jsonl").unlink()
    _, second = run(course)

    proofs = {name: entry.scores[4].proof for name, entry in first.items()}
    assert proofs["ada"] != proofs["bob"]
    assert first["ada"].scores == second["ada"].scores


def test_standard_error_costs_nothing(course: Path) -> None:
    """A warning is no mistake; nbgrader alone would give no points for the cell."""
    noisy = grading.work(course, first="import sys\ndef noisy(): print('broker away', file=sys.stderr)")
    grading.hand_in(course, "ada", noisy)

    assert points(run(course)[1]["ada"]) == 13


def test_run_goes_on_when_a_worker_dies(course: Path) -> None:
    """The one that kills its worker twice is told in a line; everybody else has all points."""
    for name in ("ada", "bob", "dee", "eve"):
        grading.hand_in(course, name, grading.work(course))
    grading.hand_in(course, "cyd", grading.work(course, first=pretend.DIE))
    _, entries = run(course)

    assert Counter(entry.status for entry in entries.values()) == {"graded": 4, "failed": 1}
    assert entries["cyd"].trouble == "its worker ended twice, or did not answer in time; it was not graded."
    assert entries["cyd"].needs_human
    assert {points(entry) for name, entry in entries.items() if name != "cyd"} == {13}


def test_run_tries_once_more_when_a_worker_dies(course: Path) -> None:
    """A worker that somebody killed costs nobody anything."""
    for name in ("ada", "bob"):
        grading.hand_in(course, name, grading.work(course))
    grading.hand_in(course, "cyd", grading.work(course, first=pretend.DIE_ONCE))
    _, entries = run(course)

    assert [entry.status for entry in entries.values()] == ["graded"] * 3
    assert {points(entry) for entry in entries.values()} == {13}


def test_run_takes_every_kind_of_submission(course: Path) -> None:
    """What cannot be read has no points and a line; what can be repaired is; names are never given to a shell."""
    grading.hand_in(course, "empty", b"")
    (course / "submitted" / "none" / grading.ASSIGNMENT).mkdir(parents=True)
    copied = grading.work(course)
    copied["cells"].append(grading.cell_of(copied, "test-lag"))
    grading.hand_in(course, "copied", copied)
    grading.hand_in(course, "$(touch x); 'q' [a-z]* +é", grading.work(course))
    linked = course / "submitted" / "linked" / grading.ASSIGNMENT
    linked.mkdir(parents=True)
    (linked / grading.FILE).symlink_to(course / "source" / grading.ASSIGNMENT / grading.FILE)
    _, entries = run(course)

    found = {name: (entry.status, points(entry), bool(entry.flags)) for name, entry in entries.items()}
    assert found == {
        "empty": ("nothing", 0, True),
        "none": ("nothing", 0, True),
        "linked": ("nothing", 0, True),
        "copied": ("graded", 13, True),
        "$(touch x); 'q' [a-z]* +é": ("graded", 13, False),
    }
    assert sum(filter(None, grading.scores(course)["empty"].values())) == 0


def test_run_follows_no_link_to_a_classmate(course: Path) -> None:
    """A student's whole folder that is another's."""
    grading.hand_in(course, "ada", grading.work(course))
    (course / "submitted" / "bob").symlink_to("ada")
    _, entries = run(course)

    assert (entries["bob"].status, points(entries["bob"])) == ("failed", 0)
    assert entries["bob"].trouble == "it could not be prepared: its folder is a link, and links are not followed."


def test_run_takes_away_what_was_given_for_earlier_work(course: Path) -> None:
    """Work that cannot be graded any more does not keep the points of the work before it."""
    grading.hand_in(course, "ada", grading.work(course))
    run(course)
    grading.hand_in(course, "ada", b"not a notebook")
    run(course)

    assert sum(filter(None, grading.scores(course)["ada"].values())) == 0


def test_choose_takes_only_what_changed(course: Path) -> None:
    """Nothing the second time; one student's new work; everybody when the judge changed."""
    for name in ("ada", "bob"):
        grading.hand_in(course, name, grading.work(course))
    run(course)
    assert (run(course)[0].total, run(course)[0].unchanged) == (0, 2)

    grading.hand_in(course, "bob", grading.work(course, grading.answers(lag="return {}")))
    progress, entries = run(course)
    assert (list(entries), progress.reasons) == (["bob"], {"handed in again": 1})

    judge = course / "judging" / grading.ASSIGNMENT / "judge.py"
    judge.write_text(judge.read_text() + "\n# another one\n")
    progress, entries = run(course)
    assert (sorted(entries), progress.reasons) == (["ada", "bob"], {"release, source or judging has changed": 2})


def test_desk_misses_the_assignment_in_the_gradebook(course: Path) -> None:
    """Somebody removed the gradebook: the ledger alone gives nobody a mark."""
    grading.hand_in(course, "ada", grading.work(course))
    run(course)
    (course / "gradebook.db").unlink()

    with pytest.raises(AssignmentError, match="release streams --force"):
        run(course)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"runs": [{"name": "one", "steps": []}]}, "the arena cannot be played: steps of run one must be a list"),
        ({"runs": [{"name": "one", "steps": [{"call": "f", "timeout_s": 90}]}], "seeds": 2}, "may take 180 s together"),
    ],
)
def test_desk_finds_an_arena_that_cannot_be_played(course: Path, plan: dict[str, object], says: str) -> None:
    """Each submission would find it out for itself, or one slow run would cost another its points."""
    assignment = replace(read_assignment(course, grading.ASSIGNMENT), arena=plan, budget=Budget(total_s=100))
    with pytest.raises(AssignmentError, match=says):
        Desk(open_course(course), assignment)


@pytest.mark.parametrize("step", ["prepare", "record", "record_nothing"])
def test_full_disk_ends_the_batch_and_costs_nobody_anything(
    course: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """It is no submission's fault: who has no marks yet is graded by the next `resume`."""
    for name in ("ada", "bob"):
        grading.hand_in(course, name, b"{" if step == "record_nothing" else grading.work(course))

    def full(*_: object, **__: object) -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("nbgrader cannot write") from error

    with monkeypatch.context() as patched:
        patched.setattr(Desk, step, full)
        with pytest.raises(GradingError, match="no room left on the disk"):
            run(course, workers=1)
    assert not list(open_ledger(open_course(course)).entries())
    assert len(run(course, workers=1, again=False)[1]) == 2


def test_choose_grades_again_what_is_gone_from_the_gradebook(course: Path) -> None:
    """Somebody removed a student's work there."""
    grading.hand_in(course, "ada", grading.work(course))
    run(course)
    with open_course(course).gradebook() as gradebook:
        gradebook.remove_submission(grading.ASSIGNMENT, "ada")

    assert points(run(course)[1]["ada"]) == 13


def test_a_judge_that_stops_is_a_line(course: Path) -> None:
    """The submission has no marks; the others have theirs."""
    judge = course / "judging" / grading.ASSIGNMENT / "judge.py"
    surprised = "    assert outcome.student != 'bob', 'surprised'\n    asked = probes(seed)\n    right"
    judge.write_text(judge.read_text().replace("    asked = probes(seed)\n    right", surprised))
    for name in ("ada", "bob"):
        grading.hand_in(course, name, grading.work(course))
    _, entries = run(course)

    assert entries["ada"].status == "graded"
    assert entries["bob"].status == "failed"
    assert "judge.py stopped: AssertionError: surprised" in entries["bob"].trouble


def test_probes_that_stop_end_the_batch_in_a_line(course: Path) -> None:
    """They would for everybody."""
    judge = course / "judging" / grading.ASSIGNMENT / "judge.py"
    judge.write_text(judge.read_text().replace("chance = random.Random(seed)", "chance = seed / 0"))
    grading.hand_in(course, "ada", grading.work(course))

    with pytest.raises(GradingError, match="stopped: ZeroDivisionError"):
        run(course)


@pytest.fixture
def started(course: Path) -> Iterator[Start]:
    """Starts graders in process groups of their own, and ends what is left of them."""
    script = course.parent / "grade_script.py"
    script.write_text(_GRADE)
    path = os.pathsep.join([str(Path(__file__).parents[4]), os.environ.get("PYTHONPATH", "")])
    made: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(script), *words, "--course", str(course)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        made.append(process)
        return process

    yield start
    for process in made:
        with process:
            process.kill()


def lines(course: Path) -> list[dict[str, object]]:
    """What is in the ledger."""
    path = course / ".autograder" / "ledger.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit status, and what it said."""
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def _full(course: Path, names: Sequence[str]) -> None:
    assert {name: sum(filter(None, cells.values())) for name, cells in grading.scores(course).items()} == dict.fromkeys(
        names, 13
    )


@pytest.mark.slow
def test_resume_after_kill_runs_only_what_was_under_way(course: Path, started: Start) -> None:
    """The grader is killed in the middle, twice: no result is lost, hardly one is made again, no worker stays."""
    names = [f"s{number}" for number in range(10)]
    for name in names:
        grading.hand_in(course, name, grading.work(course, first=pretend.SLOW))
    first = started("grade", grading.ASSIGNMENT, "--workers", "2", "--no-feedback")
    wait_until(lambda: len(lines(course)) >= 3, "results in the ledger", timeout_s=60)
    first.kill()
    finished(first)  # its workers have its pipes: this ends when they do
    second = started("resume")
    wait_until(lambda: len(lines(course)) >= 6, "results in the ledger", timeout_s=60)
    second.kill()
    finished(second)
    status, out, err = finished(started("resume"))

    assert status == 0, err
    assert "unchanged" in out
    assert sorted(str(line["student"]) for line in lines(course)) == sorted(names)
    _full(course, names)


@pytest.mark.slow
def test_interrupt_ends_cleanly(course: Path, started: Start) -> None:
    """Ctrl-C reaches grader and workers: one line, status 130, nothing left, and the rest can be done later."""
    names = [f"s{number}" for number in range(5)]
    for number, name in enumerate(names):
        grading.hand_in(course, name, grading.work(course, first=pretend.HELD if number > 1 else ""))
    script = started("grade", grading.ASSIGNMENT, "--workers", "2", "--no-feedback")
    wait_until(lambda: len(lines(course)) >= 2, "results in the ledger", timeout_s=60)
    os.killpg(script.pid, signal.SIGINT)
    status, out, _ = finished(script)
    (course.parent / pretend.LET_GO).touch()

    assert status != 0
    assert "are graded and kept" in out
    assert finished(started("resume"))[0] == 0
    _full(course, names)


_FILES_JUDGE = """\
from autograder.judge import Score


def judge(outcome, seed, files):
    text = files.get("plan.txt", b"").decode()
    return [
        Score(f"test-{name}", what, points if text else 0, points, f"The plan has {len(text)} characters.")
        for name, what, points in PROPERTIES
    ]


def pages(files, seed):
    return {"why": {"source": "<p>the plan</p>", "attachments": {"p.png": {"image/png": "aGVsbG8="}}}}
"""


def test_files_are_judged_and_shown(course: Path) -> None:
    """Where files are what is handed in, no notebook is needed, and a person sees what the judge made of them."""
    import yaml

    folder = course / "judging" / grading.ASSIGNMENT
    values = yaml.safe_load((folder / "assignment.yaml").read_text()) | {"needs_notebooks": False}
    (folder / "assignment.yaml").write_text(yaml.safe_dump(values))
    properties = [
        (each["grade_id"].removeprefix("test-"), each["name"], each["points"]) for each in values["properties"]
    ]
    (folder / "judge.py").write_text(f"{_FILES_JUDGE}\n\nPROPERTIES = {properties!r}\n")
    for name, files in {"ada": {"plan.txt": "a plan"}, "bob": {"other.txt": "x"}, "cyd": {}}.items():
        place = course / "submitted" / name / grading.ASSIGNMENT
        place.mkdir(parents=True)
        for file, text in files.items():
            (place / file).write_text(text)
    _, entries = run(course)

    assert {name: (entry.status, points(entry)) for name, entry in entries.items()} == {
        "ada": ("graded", 13),
        "bob": ("graded", 0),
        "cyd": ("nothing", 0),
    }
    assert not entries["ada"].flags
    made = json.loads((course / "autograded" / "ada" / grading.ASSIGNMENT / grading.FILE).read_text())
    shown = grading.cell_of(made, "why")
    assert "".join(shown["source"]) == "<p>the plan</p>"
    assert shown["attachments"] == {"p.png": {"image/png": "aGVsbG8="}}
    with open_course(course).gradebook() as gradebook:
        assert gradebook.find_grade("why", "streams", grading.ASSIGNMENT, "ada").needs_manual_grade
