"""The command line: what it prints, how it ends, and that a mistake is one sentence."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.console import COMMANDS, grade
from autograder.pipeline.batch import open_ledger
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from tests.support import grading, pretend

Say = Callable[..., tuple[int, str, str]]


def test_help_lists_every_command(say: Say) -> None:
    """And each of them has its own."""
    status, out, _ = say("--help")
    assert status == 0
    assert all(f"  {name} " in out for name in COMMANDS)
    for name in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            say(name, "--help")
        assert ended.value.code == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["grde"], 2, "did you mean 'grade'?"),
        (["grade"], 2, "assignment"),
        (["grade", "streems"], 2, "did you mean 'streams'?"),
        (["grade", "streams", "--worker", "3"], 2, "did you mean '--workers'?"),
        (["grade", "streams", "--workers", "0"], 2, "choose 1 to 256"),
        (["grade", "streams", "--allow-weaker-jail", "paper"], 2, "invalid choice"),
        (["grade", "streams", "--cluster", "paper"], 2, "invalid choice"),
        (["grade", "streams", "--cluster", "docker"], 2, "streams has no arena"),
        (["grade", "streams"], 1, "Nobody handed anything in for streams"),
        (["grade", "streams", "--student", "ada"], 2, "handed nothing in"),
        (["grade", "streams", "--csv", "no/marks.csv"], 2, "there is no folder"),
        (["report", "streams", "--output", "."], 2, "it is a folder"),
        (["resume"], 2, "There is nothing to go on with"),
        (["explain", "ada"], 2, "Nothing was graded for 'ada'"),
        (["check", "streams"], 1, "Nobody handed anything in for streams"),
        (["report", "streams"], 1, "Nothing was graded for streams"),
        (["release", "streams"], 1, "released already"),
        (["collect", "streams", "nothing.zip"], 1, "nothing.zip"),
        (["check", "streams", "--course", "/dev"], 1, "is no nbgrader course"),
        (["grade", "streams", "--scheduler", "tcp://127.0.0.1:9"], 1, "No Dask scheduler answers"),
        (["grade", "streams", "--scheduler", "shm://here"], 1, "must begin with tcp:// or tls://"),
    ],
)
def test_mistakes_are_one_sentence(say: Say, words: list[str], status: int, said: str, course: Path) -> None:
    """With the exit status that scripts can rely on."""
    if "--scheduler" in words:
        grading.hand_in(course, "ada", grading.work(course))
    got, _, err = say(*words)

    assert (got, err.count("\n")) == (status, 1)
    assert said in err
    assert err.startswith("autograder: ")


@pytest.mark.parametrize(
    ("words", "content", "said"),
    [
        (("report", "streams"), None, "No such assignment"),
        (("report", "streams"), b"lost" * 99, "file is not a database"),
        (("explain", "ada"), b"lost" * 99, "file is not a database"),
    ],
)
def test_gradebook_that_cannot_be_used_is_one_sentence(
    say: Say, course: Path, words: tuple[str, ...], content: bytes | None, said: str
) -> None:
    """Somebody moved it away, or a disk failed."""
    grading.hand_in(course, "ada", grading.work(course))
    open_ledger(open_course(course)).append(Entry("key", "ada", "streams", "graded", "probes", 1))
    (course / "gradebook.db").unlink()
    if content is not None:
        (course / "gradebook.db").write_bytes(content)
    status, _, err = say(*words)

    assert (status, err.count("\n")) == (1, 1)
    assert said in err


def test_grade_writes_marks_pages_and_lines(say: Say, course: Path) -> None:
    """One command: gradebook, pages, a file of marks, and a line about whatever there is to say."""
    grading.hand_in(course, "ada", grading.work(course))
    grading.hand_in(course, "bob", b"{")
    status, out, _ = say("grade", "streams", "--workers", "1")

    assert status == 0
    assert "ada: 13 of 13 points." in out
    assert "bob: streams.ipynb: " in out
    assert "grading: 2 of 2" in out
    assert "2 of 2, about" not in out
    assert "To be graded: 2 new." in out
    assert "1 graded, 1 with nothing to grade (0 points)." in out
    assert "To be looked at: 1. `autograder report streams` lists them with the reasons." in out
    assert (course / "feedback" / "ada" / "streams" / "streams.html").is_file()
    marks = (course / "grades.csv").read_text().splitlines()
    assert [line.split(",")[3] + " " + line.split(",")[7] for line in marks[1:]] == ["ada 13.0", "bob 0.0"]

    status, out, _ = say("grade", "streams")
    assert "0 graded, 2 unchanged." in out
    assert "To be looked at: 1." in out
    assert "Feedback: 0 written." in out


def test_grade_has_marks_and_pages_of_all_where_one_answer_would_never_end(
    say: Say, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marks are written before the pages; the text is shown as it is, and who reads the lines is told."""
    from autograder.console import feedback

    there: list[bool] = []

    def watching(*arguments: Any, **more: Any) -> None:
        there.append((course / "grades.csv").is_file())
        write(*arguments, **more)

    write = feedback.write_pages
    monkeypatch.setattr(feedback, "write_pages", watching)
    grading.hand_in(course, "ada", grading.work(course, text="![" * 50_000))
    grading.hand_in(course, "bob", grading.work(course))
    begun = time.monotonic()
    status, out, _ = say("grade", "streams", "--workers", "1")

    assert (status, there) == (0, [True])
    assert "ada: streams.ipynb: shown as plain text, as more would take too long: 1 of its cells or outputs." in out
    assert "Feedback: 2 written." in out
    assert time.monotonic() - begun < 60
    pages = {each: (course / "feedback" / each / "streams" / "streams.html").read_text() for each in ("ada", "bob")}
    assert all("</html>" in page and "property" in page for page in pages.values())
    assert "![" * 50_000 in pages["ada"]


def test_marks_that_are_not_finished_are_said(say: Say, course: Path) -> None:
    """In `grade` and `report`, with how many and where; the page has the numbers that `grade` has."""
    grading.hand_in(course, "ada", grading.work(course))
    grading.hand_in(course, "bob", b"{")
    line = "To be graded by hand: 1 submission has points that a person gives, in formgrader"
    assert line in say("grade", "streams", "--workers", "1")[1]
    assert line in say("report", "streams")[1]
    page = (course / "report-streams.html").read_text(encoding="utf-8")
    assert "<b>1</b>to be graded by hand" in page
    assert "<b>1</b>to be looked at" in page

    with open_course(course).gradebook() as gradebook:
        (grade,) = [each for each in _grades(gradebook, "ada") if each.needs_manual_grade]
        grade.manual_score, grade.needs_manual_grade = 2, False
        gradebook.db.commit()
    assert "To be graded by hand" not in say("grade", "streams")[1]


def _grades(gradebook: Any, student: str) -> list[Any]:
    submission = gradebook.find_submission("streams", student)
    return [grade for notebook in submission.notebooks for grade in notebook.grades]


def test_feedback_writes_again_what_was_not_written_to_its_end(say: Say, course: Path) -> None:
    """Whoever wrote the page was killed, or the disk was full."""
    grading.hand_in(course, "ada", grading.work(course))
    say("grade", "streams", "--workers", "1")
    page = course / "feedback" / "ada" / "streams" / "streams.html"
    page.chmod(0o644)
    page.write_bytes(page.read_bytes()[:-50])

    assert "Feedback: 1 written." in say("feedback", "streams")[1]
    assert "</html>" in page.read_text()[-100:]


def test_grade_says_that_asserts_can_be_forged(say: Say, course: Path) -> None:
    """In what it prints, in the page for students, and in the explanation."""
    grading.set_judging(course, "asserts")
    grading.hand_in(course, "ada", grading.work(course))
    _, out, _ = say("grade", "streams", "--workers", "1")

    assert "forgeable" in out
    page = (course / "feedback" / "ada" / "streams" / "streams.html").read_text()
    assert "forgeable" in page
    assert "Run in the jail none (nothing is held)." in page
    assert "forgeable" in say("explain", "ada")[1]


def test_grade_ends_with_3_when_somebody_has_no_marks(say: Say, course: Path) -> None:
    """A script sees that it has to look; the marks of the others are there."""
    grading.hand_in(course, "ada", grading.work(course))
    grading.hand_in(course, "bob", grading.work(course, first=pretend.DIE))
    status, out, err = say("grade", "streams", "--workers", "1")

    assert status == 3
    assert "bob: its worker ended twice" in out
    assert "1 of 2 submissions could not be graded" in err
    assert "ada,,,,13.0" in (course / "grades.csv").read_text()


def test_grade_names_the_jail_and_refuses_a_weaker_one(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing as strong as the assignment asks for works here: an error, until that is allowed explicitly."""
    from autograder.assignment import read_assignment
    from autograder.jail import JailError
    from autograder.pipeline.course import GradingError
    from autograder.pipeline.pool import LocalPool

    def found(pool: LocalPool) -> str:
        if asked[-1] == "none":
            return "none"
        raise JailError("nothing as strong as that works here")

    asked: list[str] = []
    monkeypatch.setattr(LocalPool, "begin", lambda _, rung: asked.append(rung))
    monkeypatch.setattr(LocalPool, "held_by", found)
    monkeypatch.setattr("autograder.pipeline.batch.Batch.run", lambda *_: None)
    assignment = read_assignment(course, "streams")
    grading.hand_in(course, "ada", grading.work(course))
    with pytest.raises(GradingError, match="--allow-weaker-jail"):
        grade.run(["streams", "--course", str(course)])
    grade.run(["streams", "--course", str(course), "--no-feedback", "--allow-weaker-jail", "none"])
    assert asked == [assignment.weakest_rung, "none"]
    assert "Jail: none. This is weaker than the assignment asks for." in capsys.readouterr().out


def test_explain_says_everything(say: Say, course: Path) -> None:
    """Property, points, reason, proof, seed, rung and flags."""
    work = grading.work(course, grading.answers(distinct="return None"))
    work["cells"].append(grading.cell_of(work, "test-lag"))
    grading.hand_in(course, "ada", work)
    say("grade", "streams", "--workers", "1", "--no-feedback")
    status, out, _ = say("explain", "ada")

    assert status == 0
    assert "ada: streams: 10 of 13 points" in out
    assert "judged by probes; jail: none (nothing is held); seed " in out
    assert "test-distinct / distinct is right: 0 of 2. 0 of 10 calls gave the right answer." in out
    assert "      distinct([" in out
    assert "      it gave None" in out
    assert "  flag: streams.ipynb, " in out


def test_what_lies_in_the_wrong_place_is_told(say: Say, course: Path) -> None:
    """Nobody would look at it otherwise, and whoever handed it in would have no points."""
    grading.hand_in(course, "ada", grading.work(course))
    (course / "submitted" / "bob" / "streems").mkdir(parents=True)
    (course / "submitted" / "cyd").mkdir()
    (course / "submitted" / "cyd" / "streams.ipynb").write_text("{}")
    expected = [
        "submitted/bob/streems: there is no such assignment (did you mean 'streams'?); nobody looks at it.",
        "submitted/cyd/streams.ipynb: it is in no folder of an assignment's; nobody looks at it.",
    ]
    for words in (("check", "streams"), ("grade", "streams", "--workers", "1", "--no-feedback")):
        assert [line for line in say(*words)[1].splitlines() if line.startswith("submitted/")] == expected
    assert "that is an assignment" in say("explain", "streams")[2]
    assert "in 'streem' (did you mean 'streams'?)" in say("explain", "ada", "streem")[2]


def test_explain_shows_no_control_characters(say: Say, course: Path) -> None:
    """An answer cannot move the cursor of an instructor's terminal."""
    evil = grading.answers(distinct="return '\\x1b[2J\\u202e'")
    grading.hand_in(course, "ada", grading.work(course, evil))
    say("grade", "streams", "--workers", "1", "--no-feedback")
    _, out, _ = say("explain", "ada")

    assert out.replace("\n", "").isprintable()


def test_collect_check_grade_report(say: Say, course: Path, tmp_path: Path) -> None:
    """From a download to the page about the class."""
    download = tmp_path / "download" / "Ada Lovelace_7_assignsubmission_file"
    download.mkdir(parents=True)
    (download / "streams.ipynb").write_text(json.dumps(grading.work(course)))
    assert "Collected: 1 new" in say("collect", "streams", str(download.parent))[1]
    say("grade", "streams", "--workers", "1", "--no-feedback")
    status, out, _ = say("report", "streams")

    assert status == 0
    assert "ada-lovelace" in (course / "report-streams.html").read_text()
    assert "report-streams.html" in out


def _late(course: Path, student: str, due: str, at: str) -> None:
    """Make it late."""
    import datetime as dt

    config = course / "nbgrader_config.py"
    config.write_text(
        config.read_text() + 'c.AssignLatePenalties.plugin_class = "autograder.late.LinearLatePenalty"\n'
        "c.LinearLatePenalty.grace_hours = 2\nc.LinearLatePenalty.percent_per_day = 10\n"
    )
    (course / "submitted" / student / "streams" / "timestamp.txt").write_text(at)
    with open_course(course).gradebook() as gradebook:
        gradebook.find_assignment("streams").duedate = dt.datetime.fromisoformat(due)
        gradebook.db.commit()


def test_explain_tells_what_being_late_costs(say: Say, course: Path) -> None:
    """The points that count, those that were taken off, and by how much it was late."""
    grading.hand_in(course, "ada", grading.work(course))
    _late(course, "ada", due="2026-11-20 12:00:00", at="2026-11-21 15:30:00 UTC")
    say("grade", "streams", "--workers", "1", "--no-feedback")
    _, out, _ = say("explain", "ada")

    assert "in the gradebook: 10.4 of 16 points; 2.6 of 13 were taken off for being 27.5 hours late" in out
    assert "a part is still to be graded by hand" in out

    with open_course(course).gradebook() as gradebook:
        gradebook.grant_extension("streams", "ada", days=2)
    assert "; now it would be 0: `autograder grade streams` sees to it" in say("explain", "ada")[1]
    _, out, _ = say("grade", "streams", "--workers", "1", "--no-feedback")
    assert "ada: 2.6 points that were taken off for being late count again: nothing of it is late now." in out
    assert ",13.0," in (course / "grades.csv").read_text()


def test_report_tells_who_is_like_whom(say: Say, course: Path) -> None:
    """Each of the two has a flag, and the pair a line; who wrote their own has none."""
    copied = dedent("""\
        found = {}
        for key, value in records:
            if key is None or value is None:
                continue
            if key not in found:
                found[key] = {"count": 0, "values": [], "last": None}
            entry = found[key]
            entry["count"] += 1
            entry["values"].append(value)
            entry["last"] = max(entry["last"] or value, value)
        return {key: found[key]["values"] for key in sorted(found) if len(found[key]["values"]) == found[key]["count"]}
    """)
    cut = dedent("""\
        made, piece = [], []
        for each in records:
            piece.append(each)
            if len(piece) == size:
                made.append(piece)
                piece = []
        return made + [piece] if piece else made
    """)
    for student, bodies in {
        "ada": {"by_key": copied, "batches": cut},
        "bob": {"by_key": copied.replace("found", "mine"), "batches": cut.replace("piece", "chunk")},
        "cyd": grading.answers(),
    }.items():
        grading.hand_in(course, student, grading.work(course, bodies))
    say("grade", "streams", "--workers", "1", "--no-feedback")
    say("report", "streams")
    page = (course / "report-streams.html").read_text()

    assert "of its code is like that of bob" in page
    assert "of its code is like that of ada" in page
    assert "like that of cyd" not in page
    assert "Pairs of submissions that share code" in page


def test_report_exports_marks_for_an_lms(say: Say, course: Path) -> None:
    """The same files as nbgrader's export with the plugins makes, of this assignment alone."""
    grading.hand_in(course, "ada", grading.work(course))
    say("grade", "streams", "--workers", "1", "--no-feedback")
    status, out, _ = say("report", "streams", "--export", "canvas", "--export", "moodle", "--export", "csv")

    assert status == 0
    assert "to be graded by hand: 1" in out
    assert (course / "canvas-streams.csv").read_text().splitlines() == [
        "Student,ID,SIS User ID,SIS Login ID,Section,streams",
        "    Points Possible,,,,,16",
        "ada,,,ada,,13",
    ]
    assert (course / "moodle-streams.csv").read_text().splitlines()[1] == "ada,,,,,13"
    assert (course / "csv-streams.csv").read_text() == (course / "grades.csv").read_text()


def test_scheduler_runs_on_the_workers_of_a_cluster(say: Say, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the jails that they have; tests/grading has a real cluster, here threads stand in for it."""
    from autograder.pipeline import scheduler

    closed: list[bool] = []
    client = SimpleNamespace(
        status="running",
        nthreads=lambda: {"tcp://10.0.0.6:1": 1, "tcp://10.0.0.7:1": 4},
        run=lambda function, rung, **_: {"tcp://10.0.0.6:1": function(rung) | {"rung": "landlock"}},
        get_executor=lambda **_: ThreadPoolExecutor(2),
        close=lambda _: closed.append(True),
    )
    monkeypatch.setattr("distributed.Client", lambda *_, **__: client)
    monkeypatch.setattr(scheduler, "_knock", lambda _: None)
    grading.hand_in(course, "ada", grading.work(course))
    status, out, _ = say("grade", "streams", "--scheduler", "tcp://10.0.0.5:8786", "--no-feedback")

    assert (status, closed) == (0, [True])
    assert "Jail: landlock, on the workers of tcp://10.0.0.5:8786." in out
    assert "ada: 13 of 13 points." in out


def test_scheduler_needs_its_package(say: Say, course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has no cluster needs no Dask."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    grading.hand_in(course, "ada", grading.work(course))
    status, _, err = say("grade", "streams", "--scheduler", "tcp://10.0.0.5:8786")

    assert (status, err.count("\n")) == (1, 1)
    assert "needs the package distributed" in err
