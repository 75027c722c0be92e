"""The gradebook's file, where it is SQLite's: another program may have it for a while, such as a backup."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from pathlib import Path
from typing import Any

WAIT_S = 60.0
"""How long to wait for whoever has it; SQLite's own 5 s are short for a backup."""
_SCHEME = "sqlite:///"


def wait(db_url: str) -> None:
    """Return when the file can be read, or after a minute; what is wrong with it is said by whoever opens it."""
    path = db_url.removeprefix(_SCHEME)
    if path == db_url or not Path(path).is_file():
        return
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=WAIT_S)) as file:
        file.execute("PRAGMA schema_version").fetchone()


def patience(db_url: str) -> dict[str, Any]:
    """What SQLAlchemy's ``create_engine`` is told so that each step waits as long."""
    return {"connect_args": {"timeout": WAIT_S}} if db_url.startswith(_SCHEME) else {}


def trouble(error: BaseException | None) -> str:
    """Why nothing more can be recorded, be it whose submission it may; empty when the error is of another kind."""
    while error is not None:
        is_full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
        if is_full or (isinstance(error, sqlite3.OperationalError) and "disk is full" in str(error)):
            return "There is no room left on the disk, so nothing more can be done. What is graded is kept: make room"
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return (
                f"Another program has had the gradebook for more than {WAIT_S:g} s ({error}), so nothing more can be "
                "recorded. What is graded is kept: let that program end"
            )
        error = error.__cause__ or error.__context__
    return ""
