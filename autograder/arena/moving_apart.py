"""Moving this process to a user and a network namespace of its own, which jails then join."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def moved_apart() -> tuple[bool, str]:
    """Move; whether that worked, and why not. To be called before any thread is started.

    A user may map only itself; root maps "nobody" as well, whom its jails become.
    """
    if not sys.platform.startswith("linux"):
        return False, "only Linux has network namespaces"
    from autograder.jail import namespaces, syscalls

    user, group = os.geteuid(), os.getegid()
    flags = syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNET
    nobody = namespaces.NOBODY
    own = Path("/proc/self")
    try:
        if user == 0:
            with namespaces.mapped_from_outside({0: 0, nobody: nobody}, {0: group, nobody: nobody}):
                syscalls.unshare(flags)
        else:
            syscalls.unshare(flags)
            (own / "setgroups").write_text("deny")
            (own / "uid_map").write_text(f"0 {user} 1\n")
            (own / "gid_map").write_text(f"0 {group} 1\n")
        namespaces.bring_up_loopback()
    except OSError as error:
        return False, str(error)
    return True, ""
