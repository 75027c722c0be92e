"""Write docs/reference/hostile-set.md from the cases and a run of them: ``python -m tests.jail.page``, two minutes."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

from autograder.doctor import GROUPS, Verdict
from autograder.doctor.walls import WALLS
from tests.support import ordinary_user

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hostile-set.md"
_MOST_CHARACTERS = 110
_ROW = re.compile(r"^\| `([^`]+)` \| .* \| (.*) \|$", re.MULTILINE)
_HEAD = """\
# The hostile set

What submissions have tried elsewhere, and more: {count} cases. `autograder doctor` tries all of it on your computer and
says what held (exit status 1 when something did not). CI does the same as an ordinary user, on the strongest rung of
the jail ladder: `tests/jail/test_hostile_set.py::test_everything_holds_on_the_strongest_rung`. The cases are data in
`autograder/doctor/`. Each is contained, the submissions after it run as ever, and what there is to read is one line.

The last column is from one run (rung "namespaces", an ordinary user). `python -m tests.jail.page` writes this page.
"""
_ABOUT = {
    "reaching": (
        "A cell each; the last column is what the student's cell says. `tests/jail/test_reaching_out.py` shows that "
        "each reaches what it is after where there is no jail."
    ),
    "spending": (
        "A notebook of three cells: one that is right, the deed, one that follows. The last column is what the "
        "instructor reads, or the student's own error. More of it: `tests/jail/test_running.py`, "
        "`tests/jail/test_poison.py`."
    ),
    "forging": (
        "A notebook without a right answer; the judge asks its function four times and gives 0 of 13 points, for this "
        "reason. `tests/jail/test_hostile_set.py::test_each_group_can_fail` has one that is honest."
    ),
    "handing_in": (
        "Taken in without being run; tests are as released afterwards. The last column is what the instructor reads. "
        "More of it, with files exchanged while they are read: `tests/unit/autograder/intake/`."
    ),
    "showing": (
        "Pages of formgrader and feedback, lines of a terminal, cells of a table, decks; the last column is what is "
        "left. In Chromium: `tests/browser/test_student_pages.py`. More of it: "
        "`tests/unit/autograder/pipeline/test_pages.py`, `tests/unit/autograder/deck/`, "
        "`tests/unit/autograder/exports/`."
    ),
    "clusters": (
        "A jailed kernel against the arena's brokers; whoever tampers has 0 points, and this is the reason. More: "
        "`tests/arena/test_tampering.py`, `tests/arena/test_jailed.py`."
    ),
}
_END = """
## What is not in it

Holes of the Linux kernel itself, what can be learned from the processor's caches, and people: who types another's
password into a notebook is not stopped by any of this.
"""


def page(lines: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        lines: case -> what is to be read about it.
    """
    rows = {
        group: "".join(
            f"| `{name}` | {held} | {lines.get(name, '')} |\n"
            for held, listed in walls.items()
            for name in listed.split()
        )
        for group, walls in WALLS.items()
    }
    parts = [_HEAD.format(count=sum(row.count("\n") for row in rows.values()))]
    for group, what in GROUPS.items():
        parts.append(f"## What tries to {what}\n\n{textwrap.fill(_ABOUT[group], 120)}\n")
        parts.append(f"| tried | what contains it | said |\n| --- | --- | --- |\n{rows[group]}")
    return "\n".join(parts).rstrip() + "\n" + _END


def lines_of(text: str) -> dict[str, str]:
    """Case -> what is to be read about it, as a page has it."""
    return dict(_ROW.findall(text))


def shown(line: str) -> str:
    """A line as a cell of a table in Markdown."""
    short = line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 3]}..."
    signs = {"<": "&lt;", "|": "\\|", "*": "\\*", "_": "\\_", "[": "&#91;", "]": "&#93;", "`": "'", "$": "\\$"}
    return "".join(signs.get(each, each) for each in short if each.isprintable()).strip() or "-"


def _run() -> dict[str, str]:
    with ordinary_user.start("autograder.console", ["doctor", "--json"], stdout=subprocess.PIPE) as process:
        said, _ = process.communicate()
    verdicts = [Verdict(**json.loads(line)) for line in said.splitlines()]
    broken = [each.name for each in verdicts if not each.held]
    assert not broken, f"these did not hold: {broken}"
    return {each.name: shown(each.line) for each in verdicts}


if __name__ == "__main__":
    PAGE.write_text(page(_run()), encoding="utf-8")
