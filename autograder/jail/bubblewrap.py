"""The jail that the program bubblewrap makes, where it may make one and we may not: its AppArmor profile allows it.

Source: the manual page bwrap(1).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from autograder.jail.cage import Cage
from autograder.jail.root_folder import WORK, system_places


def program() -> str | None:
    """Where bubblewrap is."""
    return shutil.which("bwrap")


def arguments(bwrap: str, cage: Cage, environment: Mapping[str, str]) -> list[str]:
    """The start of a command line; the command to be jailed follows. The caller has joined the network, if any."""
    made = [bwrap, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts"]
    if cage.network is None:
        made += ["--unshare-net"]
    made += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    for path in system_places():
        if path.is_symlink():
            made += ["--symlink", str(path.readlink()), str(path)]
        else:
            made += ["--ro-bind-try", str(path), str(path)]
    size = ["--size", str(cage.budget.disk_bytes)]
    made += ["--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/dev/shm", *size, "--tmpfs", "/tmp"]
    for path in sorted(set(cage.readable)):
        made += ["--ro-bind", str(path), str(path)]
    made += ["--bind", str(cage.scratch), str(WORK), "--chdir", str(WORK)]
    for name, value in environment.items():
        made += ["--setenv", name, value]
    return made
