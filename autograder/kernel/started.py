"""A kernel that bubblewrap started instead of a fork: lays the last walls on itself, then is the kernel.

It runs as ``python -m autograder.kernel.started DESCRIPTOR CAGE``, inside the jail.
"""

from __future__ import annotations

import socket
import sys

from autograder.jail import confine, limits, seccomp, syscalls
from autograder.jail.cage import Cage
from autograder.kernel import inside


def main() -> None:
    """Be the kernel; this process has no time for anything that the student could watch before."""
    cage = Cage.from_json(sys.argv[2])
    end = socket.socket(fileno=int(sys.argv[1]))
    end.set_inheritable(False)
    kernel = inside.warm()
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    limits.apply(cage.budget, cage.budget.processes)
    seccomp.install(shares_system=False)
    inside.run(kernel, end, confine.message_bytes(cage))


if __name__ == "__main__":
    main()
