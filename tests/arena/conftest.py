"""What tests of the arena share: the jail for a student's functions."""

from __future__ import annotations

import pytest

from autograder import jail
from tests.support.requirements import missing


@pytest.fixture(scope="module")
def rung() -> str:
    """The strongest rung of this machine that a student's cluster work may have."""
    try:
        return str(jail.strongest("landlock"))
    except jail.JailError as error:
        missing("a jail", str(error))
