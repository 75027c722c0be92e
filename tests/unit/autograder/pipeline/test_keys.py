"""What is graded again when something changes, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignment import Assignment, read_assignment
from autograder.pipeline import keys
from tests.support.course import COURSE


def test_difference_says_what_has_changed() -> None:
    """The first of work, assignment and autograder that has."""
    key = keys.joined("w", "a", "g")
    assert keys.difference(None, key) == "new"
    assert keys.difference(key, key) == ""
    assert keys.difference("v.a.f", key) == "handed in again"
    assert keys.difference("w.b.f", key) == "release, source or judging has changed"
    assert keys.difference("w.a.f", key) == "graded by another version of the autograder"
    assert keys.difference("one digest of everything", key) == "graded by another version of the autograder"


def test_marks_from_another_cluster_are_other_marks(tmp_path: Path) -> None:
    """What was graded on the kit's own brokers is graded again on Apache's."""
    made = {cluster: keys.of_assignment([tmp_path], "namespaces", cluster) for cluster in (None, "embedded", "docker")}
    assert len(set(made.values())) == 3
    assert made[None] == keys.of_assignment([tmp_path], "namespaces")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small autograder and kit, to change."""
    for name, text in {
        "autograder/judge/share.py": "1",
        "autograder/console/grade.py": "1",
        "kit/checks/__init__.py": "import kit.everything",
        "kit/checks/facts.py": "from kit.wording import words",
        "kit/wording.py": "words = 1",
        "kit/everything.py": "1",
        "kit/broker/log.py": "1",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(keys, "_PACKAGES", tmp_path)
    keys._module.cache_clear()  # noqa: SLF001
    keys._content.cache_clear()  # noqa: SLF001
    return tmp_path


def _key(assignment: Assignment) -> str:
    keys._content.cache_clear()  # noqa: SLF001 - as a new process has none
    return keys.of_autograder(assignment)


@pytest.mark.parametrize(
    ("changed", "matters"),
    [
        ("autograder/judge/share.py", True),
        ("autograder/console/grade.py", False),
        ("kit/checks/facts.py", True),
        ("kit/wording.py", True),
        ("kit/checks/__init__.py", False),
        ("kit/everything.py", False),
        ("kit/broker/log.py", False),
    ],
)
def test_code_that_marks_come_from_is_in_the_key(packages: Path, changed: str, matters: bool) -> None:
    """Everybody is graded again when a judge was mended, the autograder's or the kit's; not when a page was."""
    assignment = Assignment("a", packages, "A", "probes", script="from kit.checks import facts\n")
    before = _key(assignment)
    (packages / changed).write_text("words = 2")
    assert (_key(assignment) != before) is matters


def test_cluster_is_in_the_key_where_there_is_one(packages: Path) -> None:
    """What brokers do decides about work that is judged by evidence."""
    assignment = Assignment("a", packages, "A", "evidence", arena={"runs": []})
    before = _key(assignment), _key(replace(assignment, arena=None))
    (packages / "kit/broker/log.py").write_text("2")
    assert _key(assignment) != before[0]
    assert _key(replace(assignment, arena=None)) == before[1]


def test_facts_of_the_first_pipeline_are_in_its_key() -> None:
    """Its judge and its check in the notebook share them."""
    found: set[Path] = set()
    keys._follow(read_assignment(COURSE, "first-pipeline").script, found)  # noqa: SLF001
    assert "pipeline_facts.py" in {path.name for path in found}
