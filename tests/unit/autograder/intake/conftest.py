"""A desk for each test: what was released lies on it, and what was handed in."""

from pathlib import Path

import pytest

from tests.support.submissions import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An assignment of one notebook, `count.ipynb`, and an empty submission."""
    return Desk(tmp_path)
