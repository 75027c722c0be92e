"""The ladder: which rungs there are, and which hold on this machine. Each is tried for real, never guessed."""

from __future__ import annotations

import functools
import os
import select
import socket
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.jail import bubblewrap, landlock, root_folder, seccomp
from autograder.jail.cage import Cage
from autograder.jail.errors import JailError
from autograder.job import Budget

RUNGS = ("none", "rlimits", "docker", "landlock", "bubblewrap", "namespaces")  # the last is preferred
_TRIAL_S = 20.0
_MEMORY_BYTES = 1024 * 1024 * 1024

# What a student could try; each line prints the name of what was not prevented.
_TRIAL = """
import os, socket, ctypes
def attempt(name, deed):
    try:
        deed()
    except (OSError, MemoryError):
        return
    print("open:" + name)
attempt("memory", lambda: bytearray({memory}))
attempt("files", lambda: open({secret!r}).read())
attempt("network", lambda: socket.create_connection(("127.0.0.1", {port}), 2))
attempt("", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", {datagrams})))
attempt("processes", lambda: os.kill({pid}, 0))
attempt("sockets", lambda: socket.socket(socket.AF_UNIX).connect("\\0" + {name!r}))
print("tried all")
"""
_PREVENTS = {
    "none": (),
    "rlimits": ("memory",),
    "docker": ("memory", "files", "network", "datagrams", "processes", "sockets"),
    "landlock": ("memory", "files", "network", "datagrams", "processes", "sockets"),
    "bubblewrap": ("memory", "files", "network", "datagrams", "processes", "sockets"),
    "namespaces": ("memory", "files", "network", "datagrams", "processes", "sockets"),
}


@dataclass(frozen=True, slots=True)
class RungReport:
    """Whether one rung holds on this machine.

    Attributes:
        name: of the rung.
        holds: everything that it promises was tried and prevented.
        why: one plain line: what it holds with, or why it does not.
    """

    name: str
    holds: bool
    why: str


def probe() -> list[RungReport]:
    """Try every rung, weakest first; takes about a second for each that exists."""
    return [try_rung(name) for name in RUNGS]


def strongest(weakest: str = "landlock") -> str:
    """The strongest rung that holds here.

    Args:
        weakest: the lowest that is good enough.

    Raises:
        JailError: nothing as strong as that holds here.
    """
    if weakest not in RUNGS:
        raise JailError(f"there is no jail called {weakest!r}; there are {', '.join(RUNGS)}")
    reports = []
    for name in (each for each in reversed(RUNGS) if is_as_strong(each, weakest)):
        report = try_rung(name)
        if report.holds:
            return name
        reports.append(f"{name}: {report.why}")
    raise JailError(f"no jail as strong as {weakest!r} works on this machine ({'; '.join(reports)})")


def is_as_strong(rung: str, asked: str) -> bool:
    """Whether a rung is good enough where another is asked for.

    Containers hold no less than Landlock and bubblewrap, but start slowly: they are lower because they come last.
    """
    is_contained = rung == "docker" and asked in {"landlock", "bubblewrap"}
    return is_contained or RUNGS.index(rung) >= RUNGS.index(asked)


def described(rung: str) -> str:
    """A rung's name as reports have it: those that do not hold a submission say so."""
    open_ones = {"none": "nothing is held", "rlimits": "files, network and other processes are open"}
    return f"{rung} ({open_ones[rung]})" if rung in open_ones else rung


@functools.cache
def try_rung(name: str) -> RungReport:
    """Try one rung for real; remembered for the life of this process."""
    if name == "none":
        return RungReport(name, holds=True, why="nothing is prevented; only time and output are limited")
    if (missing := _missing(name)) is not None:
        return RungReport(name, holds=False, why=missing)
    try:
        left_open = _attempt(name)
    except (JailError, TimeoutError, OSError) as error:
        return RungReport(name, holds=False, why=str(error) or type(error).__name__)
    broken = [each for each in _PREVENTS[name] if each in left_open]
    if broken:
        return RungReport(name, holds=False, why=f"it does not prevent: {', '.join(broken)}")
    return RungReport(name, holds=True, why=_with(name))


def _missing(name: str) -> str | None:
    if name == "docker":
        from autograder.jail import docker

        return docker.missing()
    if name == "bubblewrap" and bubblewrap.program() is None:
        return "the program bwrap is not installed"
    if name == "landlock":
        if landlock.version() < landlock.TCP_SINCE:
            return f"this kernel has version {landlock.version()} of Landlock; its network rules came with 4"
        if not seccomp.is_known():
            return "there is no filter of system calls for this processor, so datagrams would get out"
    return None


def _with(name: str) -> str:
    known = landlock.version()
    filtered = "a filter of system calls" if seccomp.is_known() else "no filter of system calls"
    return {
        "rlimits": "limits of memory, processes and files; files, network and other processes are open",
        "docker": "a Docker container without network; no warm kernels, so seconds more for each submission",
        "landlock": (
            f"Landlock version {known}, {filtered}; other processes can neither be read nor signalled, but "
            "while a cluster runs, its ports can be reached on every computer"
        ),
        "bubblewrap": f"bubblewrap's namespaces, {filtered}",
        "namespaces": f"namespaces and an empty root, Landlock version {known or 'none'}, {filtered}",
    }[name]


def _attempt(name: str) -> set[str]:
    """What a notebook in such a jail can still do."""
    from autograder import kernel

    with ExitStack() as opened:
        outside = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory())) / "work"
        scratch.mkdir()
        (outside / "secret").write_text("secret")
        (outside / "secret").chmod(0o644)
        outside.chmod(0o755)
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        datagrams = opened.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        datagrams.bind(("127.0.0.1", 0))
        abstract = opened.enter_context(socket.socket(socket.AF_UNIX))
        spoken = f"autograder-trial-{os.getpid()}"
        if os.uname().sysname == "Linux":
            abstract.bind("\0" + spoken)
            abstract.listen()
        budget = replace(Budget(), memory_bytes=_MEMORY_BYTES)
        jailed = kernel.start(Cage(name, budget, scratch, tuple(root_folder.python_places())))
        opened.callback(jailed.kill)
        code = _TRIAL.format(
            memory=2 * _MEMORY_BYTES,
            secret=str(outside / "secret"),
            port=listening.getsockname()[1],
            datagrams=datagrams.getsockname()[1],
            pid=os.getpid(),
            name=spoken,
        )
        jailed.send({"do": "execute", "request": 1, "code": code})
        text = ""
        while (message := jailed.receive(_TRIAL_S)) is not None and message["type"] != "idle_reply":
            if message["type"] == "stream":
                text += message["content"]["text"]
        arrived = select.select([datagrams], [], [], 0)[0]
    if "tried all" not in text:
        raise JailError("the trial in it did not come to its end")
    left_open = {line.removeprefix("open:") for line in text.splitlines() if line.startswith("open:")}
    return left_open | {"datagrams"} if arrived else left_open
