"""The page about the practice CLI says what there is."""

from __future__ import annotations

from pathlib import Path

from kit.practice.program import tree

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "practice-cli.md"


def test_page_names_every_command_and_its_flags() -> None:
    """A command or a flag that is added has to be told of."""
    page = PAGE.read_text(encoding="utf-8")

    for command in tree().below():
        *group, verb = command.path
        rows = [line for line in page.splitlines() if line.startswith("| `") and f"{verb}" in line]
        own = [line for line in rows if " ".join(group) in line]
        assert own, f"{command.usage} is missing"
        for flag in command.flags:
            if not flag.hidden:
                assert f"--{flag.name}" in page or f"-{flag.short}`" in page, f"--{flag.name} of {command.usage}"
