"""LibreOffice draws slides: in namespaces of its own, without a network, with an empty root, within the limits.

It is a large program that reads a stranger's file, so without these walls it is not used at all. They are those of the
jail ladder's rung "namespaces"; Landlock alone would not do, for LibreOffice wants to write into the one /tmp of all.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from autograder.deck.limits import DeckLimits

NO_WALLS = 3  # exit status: nothing was run
_PROGRAMS = ("soffice", "libreoffice")
_CONFIGURATION = ("/etc/libreoffice", "/etc/fonts", "/var/cache/fontconfig", "/usr/share/fonts")
_MOST_PROCESSES = 128


def program() -> str | None:
    """Where LibreOffice is."""
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def convert(office: str, folder: Path, limits: DeckLimits) -> int:
    """Write the slides of deck.pptx in ``folder`` as PDF to standard output; returns an exit status.

    Called in a process of its own, which it turns into the watcher of the one behind the walls.
    """
    if sys.platform != "linux":
        return NO_WALLS
    from autograder.jail import namespaces

    try:
        user = namespaces.enter(None)
    except OSError:
        return NO_WALLS
    first = os.fork()
    if first:  # the namespaces' pids begin with that child, and with it ends everything in there
        return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) & 0xFF
    status = 1
    try:
        status = _convert_behind_walls(office, folder, limits, user)
    finally:
        os._exit(status)


def _convert_behind_walls(office: str, folder: Path, limits: DeckLimits, user: int) -> int:
    import resource

    from autograder.jail import namespaces, root_folder, seccomp, syscalls

    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        root_folder.build(folder, _places(office), limits.unpacked_bytes, user)
    except OSError:
        return NO_WALLS
    resource.setrlimit(resource.RLIMIT_NPROC, (_MOST_PROCESSES, _MOST_PROCESSES))
    namespaces.become(user)
    seccomp.install(shares_system=False)
    work = root_folder.WORK
    options = ("--headless", "--norestore", "--nolockcheck", "--convert-to", "pdf", "--outdir", str(work))
    done = subprocess.run(
        [office, f"-env:UserInstallation={(work / 'profile').as_uri()}", *options, str(work / "deck.pptx")],
        env={"PATH": "/usr/bin:/bin", "HOME": str(work)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=work,
        check=False,
    )
    made = work / "deck.pdf"
    if done.returncode or not made.is_file() or made.is_symlink():
        return 1
    with made.open("rb") as pdf:
        os.sendfile(sys.stdout.fileno(), pdf.fileno(), 0, limits.written_bytes)
    return 0


def _places(office: str) -> list[Path]:
    """What it needs besides the system's own programs: its settings, fonts, and itself where it is elsewhere."""
    own = Path(office).resolve().parent
    own = own.parent if own.name == "program" else own
    return [path for each in (*_CONFIGURATION, own) if (path := Path(each)).is_dir()]
