"""The page about the contract, and the names of differences in the tests."""

from __future__ import annotations

import ast

from tests.contract import page
from tests.contract.differences import documented


def test_page_is_what_the_tests_say() -> None:
    """It is written by ``python -m tests.contract.page``."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_every_difference_is_documented() -> None:
    """Also those that a run on one backend alone would not come across."""
    named = {
        name
        for path in page.FOLDER.glob("test_*.py")
        for test in page.behaviours(ast.parse(path.read_text(encoding="utf-8")))
        for name in test.differences.split("; ")
        if name and name != "Not there yet"
    }
    assert named
    assert named <= documented()
