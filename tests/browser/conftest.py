"""What the browser tests of every notebook share."""

from __future__ import annotations

import pytest

from tests.browser.jupyter import Complaints


@pytest.fixture(scope="module")
def complaints() -> Complaints:
    """Give what the whole session has complained about so far."""
    return Complaints()
