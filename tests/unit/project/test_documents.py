"""What README and the docs point to is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_page_has_no_broken_link(page: Path) -> None:
    """Every link inside the project leads to a file or folder, pictures included."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_readme_names_only_commands_that_exist() -> None:
    """Each `make` target of README is in the Makefile, and each script is in the project."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)", readme, flags=re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert targets == {"lab", "test"}
    assert targets <= set(re.findall(r"^(\w+):", makefile, flags=re.MULTILINE))
    assert (ROOT / "tasks.py").exists()


def test_readme_fits_one_screen() -> None:
    """One screen: what it is, the two commands, a picture, a sample, where things are."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 60


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, r"listens \d+ 0 b'ada' b'Clair de Lune'\n"),
        (1, r"(?s).*Node \d was killed\.\n.*listens-0: broker \d leads in epoch 1 .*"),
    ],
)
def test_readme_sample_runs(number: int, expected: str) -> None:
    """A code sample does what it says when it is run as it stands."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    samples = re.findall(r"^```python\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)

    answer = subprocess.run(
        [sys.executable, "-c", samples[number]], capture_output=True, text=True, timeout=60, check=False
    )

    assert len(samples) == 2
    assert re.fullmatch(expected, answer.stdout), answer.stderr
