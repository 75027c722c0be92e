"""Makes pages in place of nbgrader; in a module of its own, as each process that makes pages has to import it."""

from __future__ import annotations

import os
import signal
from pathlib import Path


class StandIn:
    """Makes pages of one line each; what it does with a student is told by the name."""

    def __init__(self, root: str, assignment: str) -> None:
        self._root = Path(root)
        self._assignment = assignment

    def notebooks(self, student: str) -> list[str]:
        """The names of those that a student has."""
        if student == "broken":
            raise ValueError("no notebook can be read")
        return ["a.ipynb", "b.ipynb"]

    def write(self, student: str, notebook: str, is_plain: bool) -> None:
        """Write one page, or never end."""
        while student.startswith("endless") and notebook == "a.ipynb" and not is_plain:
            pass
        if student == "huge" and notebook == "a.ipynb" and not is_plain:
            bytearray(4 << 30)
        once = self._root / "killed"
        if student == "killed" and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (self._root / f"{student}-{notebook}").write_text(f"{self._assignment} {is_plain}")

    def pid(self) -> int:
        """The process that it is in."""
        return os.getpid()
