"""The tutorial shows what there is: its commands exist, and its recorder fills its blocks."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from kit.practice.commands import Command, find
from kit.practice.flags import check_required, check_values, parse
from kit.practice.program import tree
from kit.practice.shell import split
from tools.record_practice_session import PAGE, filled
from tools.terminal_svg import Screen, svg_of

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "practice-cli.md"


@pytest.mark.parametrize("page", [PAGE, REFERENCE], ids=lambda page: page.name)
def test_every_command_line_of_the_pages_is_one(page: Path) -> None:
    """Names, flags and numbers of arguments: what a student copies is accepted."""
    lines = re.findall(r"^(?:\$ )?(kit confluent [a-z].*)", page.read_text(encoding="utf-8"), re.MULTILINE)

    for line in lines:
        node, rest = find(tree(), split(line))
        assert isinstance(node.entry, Command), line
        args, flags = parse(node.entry.all_flags, rest)
        node.entry.check_args(args)
        check_required(node.entry.flags, flags)
        check_values(node.entry.all_flags, flags)
    assert len(lines) > 12


def test_page_has_recorded_blocks_without_secrets() -> None:
    """None is empty, and no API secret is in it."""
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- session: ([\w-]+) -->\n(.*?)<!-- end -->", page, re.DOTALL)

    assert len(blocks) >= 12
    assert all(text.startswith("```text\n$ kit confluent") for _, text in blocks)
    assert not re.search(r"[A-Za-z0-9+/]{40,}", page)


def test_filled_replaces_blocks_and_nothing_else() -> None:
    """A block that was not recorded is an error of the page."""
    page = "a\n<!-- session: one -->\nold\n<!-- end -->\nb\n"

    assert filled(page, {"one": "$ x  \ny\n"}) == "a\n<!-- session: one -->\n```text\n$ x\ny\n```\n<!-- end -->\nb\n"
    with pytest.raises(KeyError):
        filled(page, {})


def test_terminals_are_a_picture_that_can_be_read_aloud() -> None:
    """Text is escaped, and the description has all of it."""
    root = ET.fromstring(svg_of("Two", [Screen("one", [("$ a < b", True), ("c", False)]), Screen("two", [])], "make"))

    texts = ["".join(each.itertext()) for each in root.iter() if each.tag.endswith(("text", "desc"))]
    assert texts == ["one: $ a < b / c. two: .", "one", "$ a < b", "c", "two"]
