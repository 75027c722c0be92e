"""Every way out that a notebook could try, as a cell each: on the open rung most of them succeed, in a jail none."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import textwrap
from collections.abc import Iterator
from pathlib import Path

from autograder.doctor import cases
from autograder.doctor.verdict import Verdict
from autograder.doctor.world import World, build
from autograder.job import Budget, Job, Outcome

OPEN = {
    "read-solution": "assert 'solution' in open('{course}/source/solution.ipynb').read()",
    "copy-classmate": "assert 'solution' in open('{course}/submitted/classmate/work.ipynb').read()",
    "read-gradebook": "import sqlite3\nassert sqlite3.connect('{course}/gradebook.db').execute('select * from score')",
    "write-gradebook": (
        "import sqlite3\ndb = sqlite3.connect('{course}/gradebook.db')\n"
        "db.execute('update score set points = 100')\ndb.commit()"
    ),
    "write-source": "open('{course}/source/EVIL.txt', 'w').write('copied to every later student')",
    "rename-source": (
        "import os\nos.rename('{course}/source', '{course}/gone')\nos.rename('{course}/gone', '{course}/source')"
    ),
    "symbolic-link": "import os\nos.symlink('{course}/source/solution.ipynb', 'link')\nassert open('link').read()",
    "hard-link": (
        "import os\nos.link('{course}/source/solution.ipynb', '{course}/hard')\nassert open('{course}/hard').read()"
    ),
    "descriptor-path": (
        "import os\nfd = os.open('{course}/source', os.O_PATH)\n"
        "assert open(f'/proc/self/fd/{{fd}}/solution.ipynb').read()"
    ),
    "other-root": "assert open('/proc/{bystander}/root{course}/source/solution.ipynb').read()",
    "other-folder": "import os\nassert os.listdir('/proc/{bystander}/cwd/')",
    "network": "import socket\nassert b'solution' in socket.create_connection(('127.0.0.1', {port}), 3).recv(99)",
    "network-by-program": (
        "import subprocess\nassert subprocess.run(['bash', '-c', ': </dev/tcp/127.0.0.1/{port}']).returncode == 0"
    ),
    "abstract-socket": "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0{spoken}')",
    "named-socket": "import socket\nsocket.socket(socket.AF_UNIX).connect('{named}')",
    "signal-bystander": "import os\nos.kill({bystander}, 0)",
    "signal-grader": "import os\nos.kill({grader}, 0)",
    "trace-bystander": (
        "import ctypes\nlibc = ctypes.CDLL(None)\nassert libc.ptrace(16, {bystander}, 0, 0) == 0\n"
        "libc.waitpid({bystander}, None, 0)\nlibc.ptrace(17, {bystander}, 0, 0)"
    ),
    "limit-bystander": (
        "import resource as r\nassert r.prlimit({bystander}, r.RLIMIT_NOFILE, r.prlimit({bystander}, r.RLIMIT_NOFILE))"
    ),
    "slow-down-others": (
        "import os\nos.sched_setaffinity({bystander}, os.sched_getaffinity({bystander}))\n"
        "os.setpriority(os.PRIO_USER, os.getuid(), os.getpriority(os.PRIO_USER, os.getuid()))"
    ),
    "change-modes": (
        "import os\npath = '{course}/gradebook.db'\ntry: os.chmod(path, 0o600)\nexcept PermissionError: os.utime(path)"
    ),
    "read-memory": "open('/proc/{bystander}/mem', 'rb').close()",
    "read-environment": "assert b'solution' in open('/proc/{bystander}/environ', 'rb').read()",
    "scan-processes": (
        "import pathlib\n"
        "def told(folder):\n"
        "    try: return b'3600.25' in (folder / 'cmdline').read_bytes()\n"
        "    except OSError: return False\n"
        "assert any(map(told, pathlib.Path('/proc').glob('[0-9]*')))"
    ),
    "memory-file": "import os\nos.memfd_create('outside the limits')",
    "shared-memory": "import ctypes\nassert ctypes.CDLL(None).shmget(0, 10**6, 0o1600) >= 0",
    "new-user-namespace": "import subprocess\nassert subprocess.run(['unshare', '--user', 'true']).returncode == 0",
    "keys-of-the-user": "import ctypes\nassert ctypes.CDLL(None).syscall(250, 0, -3, 1, 0, 0) > 0",
    "gain-rights": "assert 'NoNewPrivs:\\t0' in open('/proc/self/status').read()",
}
"""name: a cell that reaches what it is after unless something stops it. Names in braces are of the world."""

NEVER = {
    # First, for the others have the secret in their own text.
    "zygote-memory": (
        "import re\nfound = []\n"
        "for line in open('/proc/self/maps'):\n"
        "    first, last = (int(each, 16) for each in line.split()[0].split('-'))\n"
        "    if ' rw' in line and last < 2**47:\n"
        "        memory = open('/proc/self/mem', 'rb', 0)\n"
        "        memory.seek(first)\n"
        "        found += re.findall(rb'[{secret_start}]{secret_rest}', memory.read(last - first))\n"
        "        memory.close()\n"
        "assert found"
    ),
    "hidden-tests": "import pathlib\nassert list(pathlib.Path().rglob('*.ipynb'))",
    "environment": "import os\nassert '{secret}' in str(os.environ)",
    "first-environment": "assert '{secret}' in open('/proc/self/environ').read()",
    "arguments": "assert '{secret}' in open('/proc/self/cmdline').read()",
    "descriptors": (
        "import os, stat\n"
        "kinds = {{}}\n"
        "for fd in range(3, 256):\n"
        "    try: kinds[fd] = stat.S_IFMT(os.fstat(fd).st_mode)\n"
        "    except OSError: pass\n"
        "listening = [fd for fd, kind in kinds.items() if kind in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFBLK)]\n"
        "sockets = [fd for fd, kind in kinds.items() if kind == stat.S_IFSOCK]\n"
        "assert listening or len(sockets) > 3, kinds"  # its frames, and the event loop's own pair
    ),
    "write-system": "import sys\nopen(sys.prefix + '/left', 'w')",
    "mount": "import ctypes\nassert ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0",
    "set-clock": "import time\ntime.clock_settime(time.CLOCK_REALTIME, 0)",
    "become-root": "import os\nos.setuid(0)",
    "raw-network": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "device": "open('/dev/vda', 'rb')",
    "answers-of-others": "import os, pathlib\nassert list(pathlib.Path.home().glob('.ipython/**/history*'))",
}
"""What must hold on every rung, the lowest included."""

_REACHED = "REACHED"
_SHARED = ("/tmp", "/dev/shm", "/var/tmp")  # where programs of one computer meet


def leave_and_find() -> tuple[str, str, str]:
    """What one student leaves, how the next looks for it, which prints nothing but "False", and the file's name.

    The name is a new one each time: what an open rung has let somebody leave must not be blamed on a closed one.
    """
    name = f"left-by-a-student-{secrets.token_hex(8)}"
    places = f"import os\nfor folder in {('.', *_SHARED)!r}:\n"
    leave = f"    try: open(folder + '/{name}', 'w').write('answers')\n    except OSError as error: print(error)"
    return places + leave, f"{places}    print(os.path.exists(folder + '/{name}'), 'leave' in globals())", name


def job(world: World, grader: int, secret: str) -> Job:
    """A submission that tries everything, a cell each.

    Args:
        grader: the pid of the process that runs it.
        secret: a word in that process's environment.
    """
    places = {
        "course": world.course,
        "port": world.port,
        "spoken": world.spoken,
        "named": world.named,
        "bystander": world.bystander,
        "grader": grader,
        "secret": secret,
        "secret_start": secret[0],
        "secret_rest": secret[1:],
    }
    made = []
    for code in (NEVER | OPEN).values():
        body = textwrap.indent(code.format(**places), "    ")
        made.append(
            f"try:\n{body}\n    print('{_REACHED}')\nexcept BaseException as error:\n    print('refused', repr(error))"
        )
    return cases.job(*made, budget=Budget(cell_s=20, total_s=120))


def said(outcome: Outcome) -> dict[str, str]:
    """What each attempt came to."""
    return dict(zip(NEVER | OPEN, cases.texts(outcome), strict=True))


def reached(attempts: dict[str, str]) -> set[str]:
    """Those that were not refused, or of which nothing is known."""
    return {name for name, text in attempts.items() if "refused " not in text or _REACHED in text}


def _told(text: str) -> str:
    """What an attempt came to, in words: an assertion found nothing of what it was after."""
    error = text.partition("refused ")[2].partition("\n")[0]
    if error.startswith("AssertionError"):
        return "there was nothing to be found"
    named = re.fullmatch(r"(\w+)\((?:\d+, )?'([^']*)'\)", error)
    return f"{named[1]}: {named[2]}" if named else error


def verdicts(rung: str) -> Iterator[Verdict]:
    """Try all of it on one rung."""
    secret = os.environ["AUTOGRADER_DOCTOR"] = f"k{secrets.token_hex(12)}"
    with build() as world:
        before = sorted(path.name for path in world.course.rglob("*"))
        attempts = said(cases.run(job(world, os.getpid(), secret), rung))
        open_now = reached(attempts)
        for name, text in attempts.items():
            wrong = "it was not refused" if name in open_now else ""
            yield Verdict("reaching", name, wrong, _told(text))
        changed = before != sorted(path.name for path in world.course.rglob("*"))
        yield Verdict(
            "reaching", "change-course", "the course's files were changed" if changed else "", "every file is there"
        )
    yield _left(rung)


def _left(rung: str) -> Verdict:
    leave, find, name = leave_and_find()
    cases.run(cases.job(leave), rung)
    found = set(cases.texts(cases.run(cases.job(find), rung))[0].split())
    for folder in _SHARED:  # of a rung that is open
        with contextlib.suppress(OSError):
            Path(folder, name).unlink()
    return Verdict(
        "reaching", "leave-for-the-next", "" if found == {"False"} else "the next submission finds it", "it is gone"
    )
