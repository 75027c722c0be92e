"""The kit's folder: who may read it, and whose a name is."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import threading
from pathlib import Path

import pytest

from kit.errors import StartError
from kit.service import folder
from kit.service.folder import NameLock, Notes, Record

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")


def record(name: str = "lab", **changes: object) -> Record:
    """What might be known about a service."""
    values = {
        "kind": "practice",
        "pid": os.getpid(),
        "backend": "embedded",
        "bootstrap_servers": "127.0.0.1:9092",
        "address": "/nowhere/s",
        "key": "00",
        "data_dir": None,
        "is_temporary": False,
        "started_ms": 0,
    }
    return Record(name=name, **{**values, **changes})  # type: ignore[arg-type]


def test_home_is_named_by_the_environment_or_in_the_users_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """KIT_HOME decides; without it the folder is hidden in the user's own."""
    assert folder.home() == home
    monkeypatch.setenv("KIT_HOME", "")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)

    assert folder.home() == tmp_path / ".kafka-kit"


@posix_only
def test_folder_and_record_are_readable_by_their_owner_only(home: Path) -> None:
    """A folder that was open to others is closed to them, and the record in it too."""
    home.mkdir(mode=0o755)
    (home / "clusters").mkdir(mode=0o755)

    folder.made_clusters()
    record().write()

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "clusters", home / "clusters" / "lab.json")]
    assert modes == [0o700, 0o700, 0o600]


def test_folder_that_cannot_be_made_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sentence names the folder and the variable that changes it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "file"))

    with pytest.raises(StartError, match=r"cannot keep its notes in .*file.clusters .*KIT_HOME"):
        folder.made_clusters()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "with space", "x" * 65, None, 3])
def test_name_that_is_no_files_name_is_refused(name: object) -> None:
    """No name leads out of the folder."""
    with pytest.raises(StartError, match="cannot be the name of a cluster"):
        folder.check_name(name)


def test_record_is_read_as_it_was_written_and_shows_no_key() -> None:
    """What is written comes back; the key is in no representation."""
    folder.made_clusters()
    written = record(key="c0ffee")
    written.write()

    assert folder.read_record("lab") == written
    assert "c0ffee" not in repr(written)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "lab"}', "\0"])
def test_damaged_record_is_none(text: str) -> None:
    """Rubbish in the file is no service and no error."""
    folder.made_clusters()
    folder.path_of("lab", "json").write_text(text)

    assert folder.read_record("lab") is None


@pytest.mark.parametrize("suffix", ["json", "lock"])
@pytest.mark.parametrize("text", [None, "", "{", "\0\xff"])
def test_notes_are_found_and_put_back_when_one_of_them_is_lost(suffix: str, text: str | None) -> None:
    """There are two copies of a record: one is enough to find the service, which mends the other."""
    folder.made_clusters()
    mine = NameLock("lab")
    notes = Notes(mine, record())
    path = folder.path_of("lab", suffix)
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="latin-1")

    assert folder.read_record("lab") == record()
    notes.keep()
    assert folder.is_held("lab")
    for each in ("json", "lock"):
        assert Record(**json.loads(folder.path_of("lab", each).read_text())) == record()
    notes.lock.release()
    assert [path for path in folder.clusters().iterdir() if sys.platform != "win32"] == []


def test_notes_are_put_back_when_the_whole_folder_is_gone(home: Path) -> None:
    """Who removes everything does not hide a process that runs."""
    folder.made_clusters()
    notes = Notes(NameLock("lab"), record())
    shutil.rmtree(home)

    assert folder.names() == []
    notes.keep()

    assert folder.is_held("lab")
    assert folder.read_record("lab") == record()
    notes.lock.release()


def test_lost_name_that_another_one_took_stays_its_own() -> None:
    """The files of the new owner are not written over, and not removed at the end of the old one."""
    folder.made_clusters()
    old = Notes(NameLock("lab"), record())
    folder.path_of("lab", "lock").unlink()
    new = Notes(NameLock("lab"), record(pid=1))

    with pytest.raises(BlockingIOError):
        old.keep()
    old.lock.release()

    assert folder.is_held("lab")
    assert folder.read_record("lab") == record(pid=1)
    new.lock.release()


def test_name_is_one_owners_at_a_time() -> None:
    """The second waits in vain while the first lives, and gets the name afterwards."""
    folder.made_clusters()
    first = NameLock("lab")
    assert folder.is_held("lab")
    with pytest.raises(BlockingIOError):
        NameLock("lab", patience_s=0)

    first.release()

    assert not folder.is_held("lab")
    NameLock("lab", patience_s=0).release()


def test_name_has_one_owner_when_many_want_it_at_once() -> None:
    """However the removal of a lock's file falls in between, there are never two owners."""
    folder.made_clusters()
    owners, most = 0, 0
    changes = threading.Lock()

    def take_and_give() -> None:
        nonlocal owners, most
        for _ in range(20):
            try:
                mine = NameLock("lab", patience_s=5)
            except BlockingIOError:
                continue
            with changes:
                owners += 1
                most = max(most, owners)
            with changes:
                owners -= 1
            mine.release()

    threads = [threading.Thread(target=take_and_give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert most == 1
    assert not folder.is_held("lab")


def test_release_removes_everything_of_the_name() -> None:
    """No file of a service is left when it has ended in order."""
    made = folder.made_clusters()
    ours = NameLock("lab")
    record().write()
    folder.path_of("lab", "log").write_text("it ran")

    ours.release()

    assert [path for path in made.iterdir() if sys.platform != "win32"] == []
