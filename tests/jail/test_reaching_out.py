"""Every way out that a notebook could try, tried: on the open rung it succeeds, in a jail it does not."""

from __future__ import annotations

import select
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder.job import Budget
from tests.jail import world as worlds
from tests.jail.world import World
from tests.support.jailed import SECRET, Grader, submission, texts

pytestmark = pytest.mark.slow

# name: a cell that prints REACHED unless something stops it. Names in braces are of the world.
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
# What must hold on every rung.
NEVER = {
    # First, for the others have the secret in their own text.
    "zygote-memory": (
        "import re\nfound = []\n"
        "for line in open('/proc/self/maps'):\n"
        "    first, last = (int(each, 16) for each in line.split()[0].split('-'))\n"
        "    if ' rw' in line and last < 2**47:\n"
        "        memory = open('/proc/self/mem', 'rb', 0)\n"
        "        memory.seek(first)\n"
        f"        found += re.findall(rb'[{SECRET[0]}]{SECRET[1:]}', memory.read(last - first))\n"
        "        memory.close()\n"
        "assert found"
    ),
    "hidden-tests": "import pathlib\nassert list(pathlib.Path().rglob('*.ipynb'))",
    "environment": f"import os\nassert '{SECRET}' in str(os.environ)",
    "first-environment": f"assert '{SECRET}' in open('/proc/self/environ').read()",
    "arguments": f"assert '{SECRET}' in open('/proc/self/cmdline').read()",
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


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """What there is to reach for."""
    with worlds.build() as world:
        yield world


def attempt(grader: Grader, world: World) -> dict[str, str]:
    """Try everything, in one notebook; what each cell said."""
    places = {
        "course": world.course,
        "port": world.port,
        "spoken": world.spoken,
        "named": world.named,
        "bystander": world.bystander,
        "grader": grader.process.pid,
    }
    cells = []
    for code in (NEVER | OPEN).values():
        body = textwrap.indent(code.format(**places), "    ")
        cells.append(
            f"try:\n{body}\n    print('REACHED')\nexcept BaseException as error:\n    print('refused', repr(error))"
        )
    outcome = grader.run(submission(*cells, budget=Budget(cell_s=20, total_s=120)))
    assert outcome.stops == ()
    return dict(zip(NEVER | OPEN, texts(outcome), strict=True))


def reached(said: dict[str, str]) -> set[str]:
    """The attempts that succeeded."""
    return {name for name, text in said.items() if "REACHED" in text}


def test_attempts_succeed_where_nothing_holds(grader_on: Callable[[str], Grader], world: World) -> None:
    """The attempts are real: without a jail, each reaches what it is after."""
    said = attempt(grader_on("none"), world)
    assert {name: said[name] for name in set(OPEN) - reached(said)} == {"gain-rights": said["gain-rights"]}
    assert {name: said[name] for name in set(NEVER) & reached(said)} == {}


@pytest.mark.parametrize("rung", ["landlock", "bubblewrap", "namespaces"])
def test_attempts_are_refused_in_a_jail(grader_on: Callable[[str], Grader], world: World, rung: str) -> None:
    """On each strong rung, not one of them reaches anything."""
    before = sorted(path.name for path in world.course.rglob("*"))
    said = attempt(grader_on(rung), world)
    assert {name: said[name] for name in reached(said)} == {}
    assert len(said) == len(OPEN) + len(NEVER)
    assert sorted(path.name for path in world.course.rglob("*")) == before


def test_datagrams_do_not_arrive(grader: Grader, world: World) -> None:
    """Nothing leaves by UDP either, where a refusal could not be seen."""
    port = world.datagrams.getsockname()[1]
    code = f"import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'out', ('127.0.0.1', {port}))"
    grader.run(submission(code))
    assert not select.select([world.datagrams], [], [], 0)[0]


def test_links_out_of_the_folder_harm_nothing_when_it_is_removed(grader: Grader, world: World) -> None:
    """What a student left behind is removed without being followed."""
    code = (
        "import os\n"
        f"os.symlink('{world.course}', 'out')\n"
        "os.makedirs('shut/in')\n"
        "os.mkfifo('pipe')\n"
        "os.chmod('shut', 0)\n"
        "print(os.getcwd())"
    )
    outcome = grader.run(submission(code))
    folder = texts(outcome)[0].strip()
    assert (world.course / "source" / "solution.ipynb").exists()
    assert not Path(folder).exists()


def test_nothing_is_left_for_the_next_submission(grader: Grader) -> None:
    """Files, shared memory and history of one student are not there for another."""
    leave = (
        "import os\n"
        "for folder in ('.', '/tmp', '/dev/shm', '/var/tmp'):\n"
        "    try: open(folder + '/left-by-a-student', 'w').write('answers')\n"
        "    except OSError as error: print(error)"
    )
    find = (
        "import os\n"
        "for folder in ('.', '/tmp', '/dev/shm', '/var/tmp'):\n"
        "    print(os.path.exists(folder + '/left-by-a-student'), 'leave' in globals())"
    )
    grader.run(submission(leave))
    assert set(texts(grader.run(submission(find)))[0].split()) == {"False"}
