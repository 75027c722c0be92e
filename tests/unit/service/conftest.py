"""A folder of its own for the services of every test, which end with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import service


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The kit's folder; what still runs in it is ended afterwards."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KIT_HOME", str(folder))
    yield folder
    for each in service.running():
        each.close()
    service.clean()
