"""`autograder doctor` as an ordinary user runs it: everything in the hostile set holds, and what does not is said."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections import Counter

import pytest

from autograder import doctor
from autograder.console import main
from autograder.doctor import forging, handing_in, reaching, showing, spending, walls
from autograder.doctor.cases import Case
from autograder.job import Budget
from tests.jail import page
from tests.support import ordinary_user
from tests.support.jailed import Grader

pytestmark = pytest.mark.slow


def run_doctor(*words: str) -> tuple[int, dict[str, doctor.Verdict], str]:
    """Its exit status, its verdicts, and what it said besides."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with ordinary_user.start("autograder.console", ["doctor", "--json", *words], **pipes) as process:
        said, trouble = process.communicate()
    verdicts = [doctor.Verdict(**json.loads(line)) for line in said.splitlines()]
    assert [name for name, count in Counter(each.name for each in verdicts).items() if count > 1] == []
    return process.returncode, {each.name: each for each in verdicts}, trouble


@pytest.mark.timeout(300)
def test_everything_holds_on_the_strongest_rung() -> None:
    """Each case is contained, the next submission runs as ever, and what the instructor reads is one plain line."""
    status, verdicts, trouble = run_doctor()
    assert {name: each.wrong for name, each in verdicts.items() if not each.held} == {}, trouble
    assert status == 0
    assert set(doctor.GROUPS) == {each.group for each in verdicts.values()}
    assert {group: {each.name for each in verdicts.values() if each.group == group} for group in doctor.GROUPS} == {
        group: set(walls.names(group)) for group in doctor.GROUPS
    }
    assert not [each for each in verdicts.values() if "\n" in each.line or "\n" in each.wrong]


def test_page_is_what_the_cases_are() -> None:
    """It is written by ``python -m tests.jail.page``: every case once, what contains it, and a line of a real run."""
    text = page.PAGE.read_text(encoding="utf-8")
    lines = page.lines_of(text)
    assert text == page.page(lines)
    assert all(lines.values())
    assert len(lines) == sum(len(walls.names(group)) for group in doctor.GROUPS)
    for case in (*spending.CASES, *handing_in.CASES):
        said = html.unescape(lines[case.name]).replace("\\", "")
        wanted = case.line if isinstance(case, handing_in.Case) else case.line or case.shows
        assert said.endswith("...") or re.search(wanted.replace("_", "."), said), (case.name, said)


def test_what_does_not_hold_is_said() -> None:
    """On a rung that leaves files and network open, those cases say so, and the exit status is 1."""
    status, verdicts, _ = run_doctor("--rung", "rlimits", "--only", "reaching")
    assert status == 1
    broken = {name for name, each in verdicts.items() if not each.held}
    assert {"read-solution", "copy-classmate", "network", "signal-grader"} <= broken
    assert not broken & set(reaching.NEVER)


def test_each_group_can_fail(grader_on: object) -> None:
    """A case that asks for something else than what happens is not held."""
    grader: Grader = grader_on("namespaces")  # type: ignore[operator]
    odd = Case("odd", "print('fine')", line="was interrupted", budget=Budget(cell_s=5, total_s=20))
    assert "the instructor reads" in spending.wrong_with(odd, grader.run(odd.job()))
    honest = forging.Forgery("honest", "def lag(end, committed): return end - committed")
    assert "earned 13" in forging.wrong_with(honest, forging.score(grader.run(forging.job(honest))))
    shown = showing.Case("odd", lambda: "<script>")
    assert "still in it" in showing.wrong_with(shown, shown.show())


def test_tables_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Without ``--json``, a table for each group and how many held."""
    assert main(["doctor", "--only", "showing"]) == 0
    said = capsys.readouterr().out
    assert "The jail ladder" in said
    assert "script-in-an-output" in said
    assert f"{len(showing.CASES)} of {len(showing.CASES)} held." in said


def test_missing_ordinary_user_is_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root's own run must not pass for that of somebody without rights; elsewhere root may go without."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.delenv("KIT_ORDINARY_USER", raising=False)
    monkeypatch.delenv("KIT_REQUIRE_ALL", raising=False)
    assert ordinary_user.ordinary().user > 0
    monkeypatch.setenv("KIT_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match=r"\.ci/ordinary-user"):
        ordinary_user.ordinary()
