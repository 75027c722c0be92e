"""The operating system's own lock on an open file: it ends with the process that has it, however that ends."""

from __future__ import annotations

import os
import sys

_LOCKED_BYTE = 1 << 30  # Windows lets nobody read a locked byte, so lock one behind the text

if sys.platform == "win32":
    import msvcrt

    def lock(fd: int, *, is_shared: bool = False) -> None:
        """Lock an open file, or raise OSError at once when another has it. Windows shares none, so takes none then."""
        if is_shared:
            return
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def lock(fd: int, *, is_shared: bool = False) -> None:
        """Lock an open file, or raise OSError at once when another has it."""
        fcntl.flock(fd, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
