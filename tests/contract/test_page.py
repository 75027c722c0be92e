"""The page about the contract, and what its tests have to keep to."""

from __future__ import annotations

import ast

import pytest

from tests.contract import page
from tests.contract.differences import check_differs, documented


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


def test_equal_expectations_are_no_difference() -> None:
    """A line of the page that nothing differs by any more has to go."""
    name = "Fetch sessions of clients (KIP-227)"

    check_differs(name, apache=True, embedded=False)
    with pytest.raises(ValueError, match="nothing to tell apart"):
        check_differs(name, apache=True, embedded=True)
    with pytest.raises(LookupError):
        check_differs("Never written down", apache=True, embedded=False)


def test_what_needs_no_cluster_is_marked_too(request: pytest.FixtureRequest) -> None:
    """``-m contract`` finds the tests of the files before Apache's readers, and this one."""
    assert request.node.get_closest_marker("contract") is not None
