"""Where the desks of the practice CLI are: each has a folder of its own, which nobody would find after a crash.

``desks/NAME.desk`` in the kit's folder holds the path of one. The notebook's kernel has it locked as long as it lives,
so a note that can be locked is that of a desk whose kernel was killed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from kit.errors import KitError
from kit.file_lock import lock
from kit.home import home

_RESET = (sys.executable, "-m", "kit", "confluent", "practice", "reset", "--force")


class DeskNote:
    """The note about a desk, while its kernel lives; a desk without one works too, so a full disk is no error.

    Args:
        desk: the desk's folder.
    """

    def __init__(self, desk: Path) -> None:
        self._path = _notes() / f"{hashlib.sha256(str(desk).encode()).hexdigest()[:16]}.desk"
        self._fd: int | None = None
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            os.write(self._fd, str(desk).encode())
            lock(self._fd)

    def remove(self) -> None:
        """The desk is gone, and leaves nothing; harmless when called again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            _forget(self._path)


def left() -> list[Path]:
    """The folders of desks whose kernels ended without tidying up."""
    return [desk for note in sorted(_notes().glob("*.desk")) if (desk := _left(note)) is not None]


def clean() -> None:
    """End what runs at those desks, and remove their folders.

    Raises:
        KitError: something does not end.
    """
    for note in sorted(_notes().glob("*.desk")):
        desk = _left(note)
        if desk is None:
            continue
        environment = {**os.environ, "KIT_HOME": str(desk)}
        said = subprocess.run(_RESET, env=environment, capture_output=True, encoding="utf-8", check=False)
        if said.returncode:
            raise KitError(
                f"The practice desk in {desk} cannot be removed: {said.stderr.strip() or said.stdout.strip()}"
            )
        shutil.rmtree(desk, ignore_errors=True)
        _forget(note)


def _left(note: Path) -> Path | None:
    try:
        fd = os.open(note, os.O_RDWR)
    except OSError:
        return None
    try:
        lock(fd)
        desk = Path(os.read(fd, 4_096).decode("utf-8", "replace"))
    except OSError:  # its kernel lives
        return None
    finally:
        os.close(fd)
    return desk if desk.is_dir() and (desk / "practice").is_dir() else None


def _notes() -> Path:
    return home() / "desks"


def _forget(note: Path) -> None:
    with contextlib.suppress(OSError):
        note.unlink()
        note.parent.rmdir()  # only when it is empty, and then it is ours
        note.parent.parent.rmdir()
