"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("kit", deadline=None, print_blob=True)
settings.load_profile("kit")


@pytest.fixture(scope="session", autouse=True)
def progress_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let checks, in kernels too, note a learner's progress where it is thrown away."""
    before = os.environ.get("KIT_PROGRESS")
    os.environ["KIT_PROGRESS"] = str(tmp_path_factory.mktemp("progress") / "progress.json")
    yield
    if before is None:
        del os.environ["KIT_PROGRESS"]
    else:
        os.environ["KIT_PROGRESS"] = before
