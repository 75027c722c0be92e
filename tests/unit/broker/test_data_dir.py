"""One cluster per folder, and no lock outlives its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.broker.process.data_dir import LOCK_FILE, DataDir, DataDirError

pytestmark = pytest.mark.portable

HOLDER = """
import sys
from pathlib import Path
from kit.broker.process.data_dir import DataDir
DataDir(Path(sys.argv[1]), is_temporary=False)
print("locked", flush=True)
sys.stdin.read()
"""


def test_locked_folder_is_refused_with_its_owner(tmp_path: Path) -> None:
    """A second process is told which one uses the folder; once that is killed, the folder is free."""
    root = str(Path(__file__).parents[3])
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"locked"
        with pytest.raises(DataDirError, match=rf"in use .*process {holder.pid}\b"):
            DataDir(tmp_path, is_temporary=False)
        holder.kill()
        holder.wait()

        DataDir(tmp_path, is_temporary=False).close()


def test_lock_file_of_a_dead_process_does_not_matter(tmp_path: Path) -> None:
    """The text in the lock file is not the lock."""
    (tmp_path / LOCK_FILE).write_text("1")

    DataDir(tmp_path, is_temporary=False).close()


def test_temporary_folder_goes_and_a_given_one_stays(tmp_path: Path) -> None:
    """Only what the kit made does it remove."""
    for name, is_temporary in [("temporary", True), ("kept", False)]:
        path = tmp_path / name
        path.mkdir()
        (path / "broker-1").mkdir()
        DataDir(path, is_temporary=is_temporary).close()

    assert [entry.name for entry in tmp_path.iterdir()] == ["kept"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no shared locks")
def test_shared_folder_keeps_others_out_and_goes_with_its_last_user(tmp_path: Path) -> None:
    """Brokers that are processes share their cluster's folder; the last one to leave removes it."""
    path = tmp_path / "cluster"
    path.mkdir()
    first, second = (DataDir(path, is_temporary=True, is_shared=True) for _ in range(2))
    with pytest.raises(DataDirError, match="in use"):
        DataDir(path, is_temporary=True)
    first.close()
    assert path.exists()

    second.close()
    assert not path.exists()


def test_folder_of_more_brokers_is_refused(tmp_path: Path) -> None:
    """A broker whose data is there cannot be left out: its partitions would be gone."""
    for node_id in (1, 2, 3):
        (tmp_path / f"broker-{node_id}").mkdir()
    data_dir = DataDir(tmp_path, is_temporary=False)

    data_dir.check_brokers([1, 2, 3])
    data_dir.check_brokers([1, 2, 3, 4])
    with pytest.raises(DataDirError, match="brokers=3"):
        data_dir.check_brokers([1])
    data_dir.close()


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """The text names the folder."""
    with pytest.raises(DataDirError, match="nowhere"):
        DataDir(tmp_path / "nowhere", is_temporary=False)


def left_over(folder: Path, *, age_s: float = 0.0) -> Path:
    """A temporary folder whose cluster was killed ``age_s`` seconds before the time 1,000,000."""
    folder.mkdir()
    data_dir = DataDir(folder, is_temporary=True)
    os.close(data_dir._lock_fd)  # noqa: SLF001 - what kill -9 does
    os.utime(folder / LOCK_FILE, (1_000_000 - age_s, 1_000_000 - age_s))
    return folder


def test_left_overs_of_killed_clusters_are_removed(tmp_path: Path) -> None:
    """A temporary folder goes once nobody holds its lock; fresh ones, running ones and given ones stay."""
    killed = left_over(tmp_path / "kafka-kit-killed", age_s=3600)
    fresh = left_over(tmp_path / "kafka-kit-fresh")
    given = tmp_path / "kafka-kit-given"
    given.mkdir()
    DataDir(given, is_temporary=False).close()
    os.utime(given / LOCK_FILE, (0, 0))
    running = tmp_path / "kafka-kit-running"
    running.mkdir()
    died_early = tmp_path / "kafka-kit-died-early"
    died_early.mkdir()
    os.utime(died_early, (0, 0))
    neighbour = DataDir(running, is_temporary=True)
    os.utime(running / LOCK_FILE, (0, 0))
    (tmp_path / "kafka-kit-me").mkdir()
    me = DataDir(tmp_path / "kafka-kit-me", is_temporary=True)

    me.remove_left_overs(1_000_000)

    assert [killed.exists(), fresh.exists(), given.exists(), running.exists(), me.path.exists()] == [
        False, True, True, True, True,
    ]  # fmt: skip
    assert not died_early.exists()
    neighbour.close()
    me.close()
