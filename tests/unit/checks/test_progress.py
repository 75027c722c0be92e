"""What a learner has done is remembered, shown, exported and forgotten on request."""

from __future__ import annotations

import csv
import json
import re
import threading
from pathlib import Path
from typing import Any, Self

import pytest

import kit
from kit import checks
from kit.checks import registry
from kit.checks.attempts import Attempts, attempts_file, remember
from kit.checks.evidence import Evidence
from kit.checks.progress_view import Progress, progress
from kit.checks.result import CheckResult
from kit.json_file import JsonFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "progress.json"


@pytest.fixture
def future_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lab that nobody has written yet."""
    monkeypatch.setattr(registry, "_JUDGES", registry._JUDGES.copy())  # noqa: SLF001
    monkeypatch.setattr(registry, "_TITLES", registry._TITLES.copy())  # noqa: SLF001

    @registry.judge("77.first")
    def first(evidence: Evidence, answer: Any) -> CheckResult:
        """Does ``it`` <b>work</b>? Needs no answer."""
        return CheckResult("77.first", True, "", "")

    registry.title("77", "Things & to come")


def lab(shown: Progress, number: str) -> Any:
    """One lab's progress."""
    return next(each for each in shown.labs if each.lab.number == number)


def test_progress_begins_with_every_lab_undone_and_writes_nothing(path: Path) -> None:
    """Whoever only looks leaves no file."""
    shown = progress(path)

    assert shown.num_done == 0
    assert shown.num_steps == len(checks.names())
    assert "01 First records" in str(shown)
    assert list(path.parent.iterdir()) == []


def test_tries_and_passes_are_counted(path: Path) -> None:
    """A step is done from its first pass on, and later tries take nothing back."""
    for passed in (False, True, False):
        assert remember("01.record", passed=passed, path=path) == ""
    step = lab(progress(path), "01").steps[1]

    assert (step.step.name, step.is_done) == ("01.record", True)
    assert (step.attempts.tries, step.attempts.passes) == (3, 1)
    assert step.attempts.first_pass_ms <= step.attempts.last_ms
    assert step.words == "done, 3 tries"
    assert str(progress(path)).startswith(f"Your progress: 1 of {len(checks.names())} steps\n")
    assert re.search(r"01 First records +1 of 5 +20\d\d-\d\d-\d\d \d\d:\d\d", str(progress(path)))


def test_check_remembers_what_it_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`kit.check` notes passes and tries, but not when the cluster could not be asked."""
    monkeypatch.setenv("KIT_PROGRESS", str(path))
    monkeypatch.setattr(registry, "ClusterEvidence", _Nothing)
    cluster: Any = type("Nobody", (), {"bootstrap_servers": "127.0.0.1:1"})()
    result = registry.check("01.record", cluster)
    monkeypatch.undo()
    monkeypatch.setenv("KIT_PROGRESS", str(path))
    unanswered = registry.check("01.record", cluster)

    assert (result.passed, result.note) == (False, "")
    assert "could not be asked" in unanswered.happened
    assert attempts_file().read()["01.record"].tries == 1


class _Nothing:
    """Evidence of an empty cluster."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def records(self, _topic: str) -> list[checks.SeenRecord]:
        """See `Evidence`."""
        return []


def test_a_check_works_where_nothing_can_be_remembered(tmp_path: Path) -> None:
    """The result stands; a note says why it is not counted."""
    note = remember("01.record", passed=True, path=tmp_path / "nowhere" / "progress.json")
    result = CheckResult("01.record", True, "This happened.", "topic t", note=note)

    assert "cannot be kept in" in note
    assert "\n" not in note
    assert f"Note: {note}" in str(result)
    assert "Note" not in str(CheckResult("01.record", True, "This happened.", "topic t"))


def test_future_labs_appear_by_themselves(path: Path, future_lab: None) -> None:
    """A lab with checks is on the list, with its title and questions; names are never HTML."""
    shown = progress(path)

    assert lab(shown, "77").name == "77 Things & to come"
    assert lab(shown, "77").steps[0].step.question == "Does it <b>work</b>?"
    assert "<b>work" not in shown._repr_html_()
    assert "Things &amp; to come" in shown._repr_html_()


def test_table_can_be_read_without_eyes(path: Path) -> None:
    """A caption, headers of columns and rows, and each bar has its words."""
    remember("01.record", passed=True, path=path)
    html = progress(path)._repr_html_()

    assert "<caption" in html
    assert html.count('scope="col"') == 3
    assert 'aria-label="01 First records: 1 of 5 steps done"' in html
    assert "done, 1 try" in html
    assert "not tried" in html


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b'{"steps": {"01.record": 3}}', b"[" * 100_000,
                                     b'{"steps": {"01.record": {"tries": "many"}}}',
                                     b'{"steps": {"01.record": {"tries": 1e99}}}'])  # fmt: skip
def test_a_damaged_file_is_kept_aside(path: Path, content: bytes) -> None:
    """One sentence says so, and a new file is begun; the old one can be looked at, also a second time."""
    path.write_bytes(content)
    shown = progress(path)
    path.write_bytes(content)
    note = remember("01.record", passed=True, path=path)

    assert (
        shown.trouble == "progress.json was damaged: it is now called progress.json.damaged-1, and a new one was begun."
    )
    assert shown.trouble in str(shown)
    assert "damaged" in shown._repr_html_()
    assert "progress.json.damaged-2" in note
    assert path.with_name("progress.json.damaged-1").read_bytes() == content
    assert progress(path).num_done == 1


def test_export_as_table_and_as_json(path: Path, tmp_path: Path) -> None:
    """One line for each step, times in UTC; the same in both."""
    remember("01.record", passed=True, path=path)
    shown = progress(path)
    with shown.export(tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    entries = json.loads(shown.export(str(tmp_path / "out.json")).read_text(encoding="utf-8"))

    assert [{name: str(value) for name, value in entry.items()} for entry in entries] == rows
    row = next(row for row in rows if row["step"] == "01.record")
    assert (row["lab"], row["title"], row["done"], row["tries"]) == ("01", "First records", "True", "1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row["first_passed"])


def test_export_refuses_other_files(path: Path, tmp_path: Path) -> None:
    """One sentence for a kind of file that it cannot write, and for a folder that is not there."""
    with pytest.raises(kit.ProgressError, match=r"ends in \.csv or \.json"):
        progress(path).export(tmp_path / "out.xlsx")
    with pytest.raises(kit.ProgressError, match="cannot be written"):
        progress(path).export(tmp_path / "nowhere" / "out.csv")


def test_reset_forgets_one_lab_or_all(path: Path, future_lab: None) -> None:
    """The other labs keep what was done."""
    for name in ("01.record", "01.offsets", "77.first"):
        remember(name, passed=True, path=path)

    assert lab(progress(path).reset("01"), "01").num_done == 0
    assert progress(path).num_done == 1
    assert progress(path).reset("all").num_done == 0
    with pytest.raises(kit.ProgressError, match="There is no lab '1' to reset"):
        progress(path).reset("1")


def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    """A folder in its place, for example."""
    path.mkdir()

    with pytest.raises(kit.ProgressError, match="cannot be read"):
        progress(path)


def test_two_kernels_lose_nothing(path: Path) -> None:
    """A change waits for another one that is under way, and neither overwrites the other."""

    def many(name: str) -> None:
        for _ in range(40):
            assert remember(name, passed=True, path=path) == ""

    threads = [threading.Thread(target=many, args=[f"01.{name}"]) for name in ("record", "record", "offsets")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    attempts = attempts_file(path).read()

    assert (attempts["01.record"].tries, attempts["01.offsets"].tries) == (80, 40)
    assert sorted(each.name for each in path.parent.iterdir()) == [".progress.json.lock", "progress.json"]


def test_a_change_that_fails_leaves_the_old_file(path: Path) -> None:
    """Neither a half-written file nor a draft stays behind."""
    remember("01.record", passed=True, path=path)
    before = path.read_bytes()
    file: JsonFile[dict[str, Attempts]] = JsonFile(path, decode=dict, encode=lambda _: {1, 2}, empty=dict)

    with pytest.raises(TypeError):
        file.change(lambda content: content)
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == [".progress.json.lock", "progress.json"]


def test_default_file_is_beside_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder where the kernel runs."""
    monkeypatch.delenv("KIT_PROGRESS")
    monkeypatch.chdir(tmp_path)
    remember("01.record", passed=True)

    assert (tmp_path / ".kafka-kit-progress.json").exists()
    assert kit.progress().num_done == 1
