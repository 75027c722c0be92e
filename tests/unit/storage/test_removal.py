"""Removing files as on Windows, where an open file can be neither renamed nor unlinked."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.storage.removal import Remover


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of files that are open, so that the operating system refuses."""
    names: set[str] = set()

    def guard(method: str) -> None:
        real = getattr(Path, method)

        def guarded(self: Path, *args: object, **kwargs: object) -> object:
            if self.name in names or any(self.joinpath(name).exists() for name in names if self.is_dir()):
                raise PermissionError(13, "The process cannot access the file")
            return real(self, *args, **kwargs)

        monkeypatch.setattr(Path, method, guarded)

    for method in ("replace", "rename", "unlink"):
        guard(method)
    return names


def test_busy_file_is_removed_when_its_reader_is_done(tmp_path: Path, busy: set[str]) -> None:
    """It keeps its name and is tried again and again."""
    clock = VirtualClock()
    path = tmp_path / "a.log"
    path.write_text("records")
    busy.add("a.log")

    Remover(clock).remove_files([path], 100)
    clock.advance(100)
    assert path.exists()

    busy.clear()
    clock.advance(1000)
    assert not path.exists()
    assert clock.pending() == 0


def test_busy_directory_is_emptied_so_that_its_name_is_free(tmp_path: Path, busy: set[str]) -> None:
    """What cannot be removed has no bytes left: a new topic of the name finds no old records."""
    folder = tmp_path / "t-0"
    folder.mkdir()
    (folder / "a.log").write_text("records")
    (folder / "a.index").write_text("entries")
    busy.add("a.log")

    Remover(VirtualClock()).remove_directory(folder, 100)

    assert [(path.name, path.stat().st_size) for path in folder.iterdir()] == [("a.log", 0)]


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    """A log without records has no files."""
    clock = VirtualClock()
    remover = Remover(clock)

    remover.remove_files([tmp_path / "absent"], 0)
    remover.remove_directory(tmp_path / "absent", 0)

    assert clock.pending() == 0


def test_names_at_the_limit_can_be_parked(tmp_path: Path) -> None:
    """A topic's name may have 249 characters, and a file's name 255 bytes."""
    clock = VirtualClock()
    folder = tmp_path / ("t" * 249 + "-0")
    folder.mkdir()

    Remover(clock).remove_directory(folder, 0)

    assert not folder.exists()
    clock.advance(0)
    assert list(tmp_path.iterdir()) == []
