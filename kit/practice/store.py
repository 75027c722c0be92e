"""The state in a file that several terminals share: changes wait for one another, and none is half written.

The folder is readable by its owner only, because the state has secrets in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kit.home
from kit.practice.errors import CliError
from kit.practice.state import DamagedStateError, State

_PATIENCE_S = 10.0
_PAUSE_S = 0.01


class Store:
    """The practice CLI's folder.

    Args:
        home: the kit's state folder; this one's is ``practice`` in it. None for `kit.home`.

    Attributes:
        folder: holds ``state.json``, and the logs of clusters in ``clusters``.
    """

    def __init__(self, home: Path | None = None) -> None:
        self.folder = (kit.home.home() if home is None else home) / "practice"
        self._file = self.folder / "state.json"

    def read(self) -> State:
        """The state as it is now.

        Raises:
            CliError: the file cannot be read, or it is damaged; the text says how to start anew.
        """
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return State()
        except OSError as error:
            raise self._damaged(error.strerror or str(error)) from None
        except UnicodeDecodeError:
            raise self._damaged("it is no text") from None
        try:
            return State.from_json(json.loads(text))
        except json.JSONDecodeError as error:
            raise self._damaged(f"line {error.lineno} is no JSON") from None
        except DamagedStateError as error:
            raise self._damaged(str(error)) from None
        except (ValueError, RecursionError):  # a number with thousands of digits, thousands of brackets
            raise self._damaged("it is not what the practice CLI writes") from None

    @contextlib.contextmanager
    def change(self) -> Iterator[State]:
        """The state to change; it is written at the end of the block, unless the block raises.

        Other terminals wait meanwhile, so that no change is lost: keep the block short.
        """
        with self.lock("state"):
            state = self.read()
            before = state.to_json()
            yield state
            if state.to_json() != before:
                self._write(state)

    @contextlib.contextmanager
    def lock(self, name: str, patience_s: float = _PATIENCE_S) -> Iterator[None]:
        """Be the only terminal in this block; the lock goes with the process that holds it.

        Raises:
            CliError: another terminal has it and does not let go.
        """
        self._make_folder(self.folder / "locks")
        path = self.folder / "locks" / name
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _wait_for(lambda: _try_lock(handle), patience_s, name)
            yield
        finally:
            os.close(handle)

    def remove_lock(self, name: str) -> None:
        """Remove the file of a lock whose thing is gone; somebody who waits for it finds the thing gone too."""
        with contextlib.suppress(OSError):  # Windows keeps it while another terminal has it open
            (self.folder / "locks" / name).unlink(missing_ok=True)

    def cluster_folder(self, cluster: str) -> Path:
        """Where a Kafka cluster keeps its logs."""
        return self.folder / "clusters" / cluster

    def cluster_folders(self) -> list[Path]:
        """The folders of all Kafka clusters that have logs, also of those that the state does not know."""
        return sorted((self.folder / "clusters").glob("*/"))

    def make_cluster_folder(self, cluster: str) -> Path:
        """The same, made when it is not there."""
        folder = self.cluster_folder(cluster)
        self._make_folder(folder)
        return folder

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.folder.stat().st_mode & 0o077:  # a jail may refuse changes of modes, needed or not
                self.folder.chmod(0o700)
        except OSError as error:
            raise CliError(
                f'cannot use the folder "{folder}": {error.strerror}',
                "Choose another folder with the environment variable KIT_HOME.",
            ) from None

    def _write(self, state: State) -> None:
        text = json.dumps(state.to_json(), indent=2, ensure_ascii=False) + "\n"
        # mkstemp makes files that only their owner can read.
        handle, name = tempfile.mkstemp(prefix="state-", suffix=".json", dir=self.folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self._file)
        except OSError as error:
            Path(name).unlink(missing_ok=True)
            raise CliError(
                f'cannot write "{self._file}": {error.strerror}',
                "Make room on the disk, or choose another folder with the environment variable KIT_HOME.",
            ) from None

    def _damaged(self, reason: str) -> CliError:
        return CliError(
            f'cannot read the practice state "{self._file}": {reason}',
            "Repair the file if you changed it by hand.",
            "To end all practice clusters and start anew, use `confluent practice reset`.",
        )


def _wait_for(take: Callable[[], bool], patience_s: float, name: str) -> None:
    deadline = time.monotonic() + patience_s
    while not take():
        if time.monotonic() > deadline:
            raise CliError(
                f'another terminal is working on "{name}" and has not finished',
                "Wait until it is done, or end it, and try again.",
            )
        time.sleep(_PAUSE_S)


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
