"""Puts a process into a cage: what the keeper does before the fork, and what its child does after."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from autograder.jail import bubblewrap, landlock, limits, namespaces, root_folder, seccomp, syscalls
from autograder.jail.cage import Cage

Serve = Callable[[socket.socket, int], None]
ENVIRONMENT = {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", "JUPYTER_PLATFORM_DIRS": "1"}


def message_bytes(cage: Cage) -> int:
    """The largest message from this jail's kernel; JSON may write a byte as six."""
    return 6 * cage.budget.output_bytes + 65536


def prepare(cage: Cage) -> Jail:
    """What the keeper does, in a process of its own, before it forks the one to be jailed.

    Raises:
        OSError: the system refuses.
    """
    if sys.platform == "linux":
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # until its ids are mapped; see `keeper.hide`
        syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)  # orphans come to the keeper
    jail = _KINDS[cage.rung](cage)
    jail.prepare()
    return jail


def interrupt(cage: Cage, pid: int) -> None:
    """Stop what the notebook does now. In a pid namespace the first process passes it on."""
    with contextlib.suppress(OSError, IndexError):
        if cage.rung == "namespaces":
            os.kill(pid, signal.SIGUSR1)
        elif cage.rung == "bubblewrap":
            os.kill(_only_child(_only_child(pid)), signal.SIGINT)  # of bubblewrap's own first process
        else:
            os.kill(pid, signal.SIGINT)


@dataclass
class Jail:
    """A jail of limits alone; the others add walls."""

    cage: Cage
    user: int = -1

    def prepare(self) -> None:
        """Before the fork."""
        if os.geteuid() == 0 and self.cage.rung != "none":
            raise OSError("limits do not bind root; run the autograder as an ordinary user")

    def enter(self, report: int, frames: socket.socket, serve: Serve) -> NoReturn:
        """After the fork: lay the walls, then be the kernel."""
        _die_with_parent()
        os.setsid()  # also a share of the processors of its own, beside the keeper's
        _reset_descriptors(report, frames.fileno())
        self.lay_walls()
        os.close(report)
        settle(self.cage.scratch)
        serve(frames, message_bytes(self.cage))
        os._exit(0)

    def lay_walls(self) -> None:
        """Limit this process."""
        if sys.platform == "linux":
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        if self.cage.rung != "none":
            limits.apply(self.cage.budget, limits.beside_the_users_own(self.cage.budget))


class LandlockJail(Jail):
    """No namespaces: files, TCP, signals and other system calls are refused to this process alone."""

    def lay_walls(self) -> None:
        """Limits, then files and ports, then system calls."""
        super().lay_walls()
        syscalls.drop_capabilities()
        network = self.cage.network
        own = Path(f"/proc/{os.getpid()}")
        readable = (*root_folder.system_places(), *self.cage.readable, own)
        landlock.restrict(landlock.Rules(readable, (self.cage.scratch,), ports=network.ports if network else ()))
        seccomp.install(shares_system=True)
        _copy_without_modes()


class NamespaceJail(Jail):
    """A world of its own: user, network, pids, messages, files."""

    def prepare(self) -> None:
        """Leave the shared namespaces; the next child is the first process of its world."""
        self.user = namespaces.enter(self.cage.network)

    def enter(self, report: int, frames: socket.socket, serve: Serve) -> NoReturn:
        """Build the root folder, then be the first process; the kernel is its child."""
        _die_with_parent()
        os.setsid()
        _reset_descriptors(report, frames.fileno())
        root_folder.build(self.cage.scratch, self.cage.readable, self.cage.budget.disk_bytes, self.user)
        namespaces.forbid_more()
        limits.apply(self.cage.budget, self.cage.budget.processes)
        namespaces.become(self.user)
        kernel = os.fork()
        if kernel:
            frames.close()
            syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)
            _be_first(kernel, report)
        os.close(report)
        os.setpgid(0, 0)
        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
        writable = (root_folder.WORK, Path("/tmp"), Path("/dev/shm"), Path("/var/tmp"))
        if landlock.version():
            landlock.restrict(landlock.Rules((Path("/"),), writable, ports=None))
        seccomp.install(shares_system=False)
        settle(root_folder.WORK)
        serve(frames, message_bytes(self.cage))
        os._exit(0)


class BubblewrapJail(Jail):
    """The jail that bubblewrap makes; the kernel is started in it, not forked."""

    def prepare(self) -> None:
        """Join the network to be used."""
        if self.cage.network is not None:
            namespaces.join(self.cage.network)

    def enter(self, report: int, frames: socket.socket, _serve: Serve) -> NoReturn:
        """Become bubblewrap, and then the kernel."""
        program = bubblewrap.program()
        if program is None:
            raise OSError("there is no program bwrap")
        _die_with_parent()
        os.setsid()
        _reset_descriptors(report, frames.fileno())
        os.set_inheritable(frames.fileno(), True)
        made = bubblewrap.arguments(program, self.cage, ENVIRONMENT | {"HOME": str(root_folder.WORK)})
        made += [
            "--setenv",
            "PYTHONPATH",
            str(Path(__file__).parents[2]),
            sys.executable,
            "-P",
            "-s",  # its home is the student's folder: nothing there may run before the last walls
            "-m",
            "autograder.kernel.started",
            str(frames.fileno()),
            self.cage.to_json(),
        ]
        os.execve(program, made, {})


_KINDS: dict[str, type[Jail]] = {
    "none": Jail,
    "rlimits": Jail,
    "landlock": LandlockJail,
    "bubblewrap": BubblewrapJail,
    "namespaces": NamespaceJail,
}


def _only_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _die_with_parent() -> None:
    if sys.platform == "linux":
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)


def _reset_descriptors(*kept: int) -> None:
    """Nothing is inherited but what the kernel speaks through; 0, 1 and 2 lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    first = 3
    for fd in sorted(kept):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def settle(folder: Path) -> None:
    """Be in the student's folder, with an environment that says nothing of the grader."""
    os.chdir(folder)
    os.umask(0o022)
    tempfile.tempdir = None  # looked for again: the zygote's may be shut here
    os.environ.clear()
    os.environ.update(
        ENVIRONMENT, HOME=str(folder), PATH="/usr/local/bin:/usr/bin:/bin", IPYTHONDIR=f"{folder}/.ipython"
    )


def _copy_without_modes() -> None:
    """Let ``shutil.copy`` and its like copy what is in a file where its mode and times cannot be changed."""

    def tolerant(copy: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(copy)
        def copied(*arguments: Any, **options: Any) -> None:
            with contextlib.suppress(PermissionError):
                copy(*arguments, **options)

        return copied

    for name in ("copymode", "copystat"):
        setattr(shutil, name, tolerant(getattr(shutil, name)))


def _be_first(kernel: int, report: int) -> NoReturn:
    """The first process of a pid namespace: buries the dead, passes interrupts on, and ends with the kernel."""
    signal.signal(signal.SIGUSR1, lambda *_: _interrupt(kernel))
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == kernel:
            os.write(report, json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())
            os._exit(0)


def _interrupt(kernel: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(kernel, signal.SIGINT)
