"""What a submission costs and gives when it is stopped: in real kernels, in real jails."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest

from autograder.doctor.cases import outputs, texts
from autograder.job import Budget, Probe
from tests.support.jailed import Grader, submission
from tests.support.wait import wait_until

pytestmark = pytest.mark.slow

QUICK = Budget(cell_s=2, total_s=30)


def kinds(outcome: object) -> list[str]:
    """The kinds of the stops."""
    return [stop.kind for stop in outcome.stops]  # type: ignore[attr-defined]


def running(marker: str) -> list[int]:
    """Processes with this word on their command line."""
    return [each.pid for each in psutil.process_iter(["cmdline"]) if marker in (each.info["cmdline"] or ())]


@pytest.mark.parametrize("rung", ["rlimits", "landlock", "bubblewrap", "namespaces"])
def test_plain_work_runs_on_every_rung(grader_on: Callable[[str], Grader], rung: str) -> None:
    """Cells run, their outputs come back, probes are answered, files lie beside the notebook."""
    job = submission(
        "from pathlib import Path\ndef double(n):\n    return 2 * n",
        "print(Path('data.txt').read_text())",
        "double(21)",
        "import subprocess; subprocess.run(['echo', 'from a program'])",
        "raise ValueError('wrong')",
        "await __import__('asyncio').sleep(0); 'after'",
        probes=[Probe("doubles", "double", (4,)), Probe("missing", "triple", (4,)), Probe("raises", "double", ([],))],
        files={"data.txt": b"given", "deep/er.txt": b"too"},
    )
    outcome = grader_on(rung).run(job)
    said = texts(outcome)
    assert outcome.rung == rung
    assert outcome.stops == ()
    assert said[1:3] == ["given\n", "42\n"]
    assert "from a program" in said[3]
    assert said[4:] == ["ValueError: wrong\n", "'after'\n"]
    assert [answer.value for answer in outcome.answers] == [8, None, []]
    assert outcome.answers[1].error == "NameError: the notebook defines no triple"
    assert outcome.usage.cpu_s
    assert outcome.usage.memory_bytes


@pytest.mark.parametrize("rung", ["landlock", "namespaces"])
def test_files_are_copied_on_every_rung(grader_on: Callable[[str], Grader], rung: str) -> None:
    """Also where modes and times cannot be changed: marks are not to depend on the rung."""
    code = (
        "import pathlib, shutil, tarfile, tempfile\n"
        "pathlib.Path('a').mkdir(); pathlib.Path('a/b').write_text('text'); pathlib.Path('a/b').touch()\n"
        "shutil.copy('a/b', 'c'); shutil.copy2('a/b', 'd'); shutil.copytree('a', 'e')\n"
        "with tarfile.open('f.tar', 'w') as tar: tar.add('a')\n"
        "with tarfile.open('f.tar') as tar:\n"
        "    tar.extractall('g', **({'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}))\n"
        "with tempfile.TemporaryDirectory() as folder: shutil.move('c', folder + '/h')\n"
        "print(*(pathlib.Path(name).read_text() for name in ('d', 'e/b', 'g/a/b')))"
    )
    assert texts(grader_on(rung).run(submission(code))) == ["text text text\n"]


def test_shared_memory_of_others_is_refused_by_number(grader_on: Callable[[str], Grader]) -> None:
    """Where a jail shares the system's, a segment's number could be guessed."""
    code = (
        "import ctypes, errno\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "for call in (libc.shmctl, libc.semctl, libc.msgctl):\n"
        "    assert call(-1, 0, 0, 0) == -1\n"
        "    print(errno.errorcode[ctypes.get_errno()])"
    )
    assert texts(grader_on("landlock").run(submission(code))) == ["EPERM\nEPERM\nEPERM\n"]


def test_started_kernel_looks_for_nothing_in_the_students_folder(grader_on: Callable[[str], Grader]) -> None:
    """Bubblewrap's home is that folder: packages of a user in it would run before the last walls stand."""
    outcome = grader_on("bubblewrap").run(submission("import site, sys\nsys.flags.no_user_site, site.ENABLE_USER_SITE"))
    assert texts(outcome) == ["(1, False)\n"]


def test_plot_is_shown_as_in_a_notebook(grader_on: Callable[[str], Grader]) -> None:
    """A plotly figure is an output that a notebook draws, not its text."""
    outcome = grader_on("namespaces").run(submission("import plotly.graph_objects as go\ngo.Figure(go.Bar(y=[1]))"))
    assert "application/vnd.plotly.v1+json" in outputs(outcome)[0][0]["data"]


def test_endless_cell_is_interrupted_and_the_rest_runs(grader: Grader) -> None:
    """Other cells are graded; the instructor reads which one it was."""
    outcome = grader.run(submission("print(1)", "while True: pass", "print(3)", budget=QUICK))
    assert texts(outcome) == ["1\n", "KeyboardInterrupt: \n", "3\n"]
    assert [(stop.kind, stop.where) for stop in outcome.stops] == [("cell_time", "work.ipynb, code cell 2 (cell-2)")]


def test_changed_clock_changes_no_limit(grader: Grader) -> None:
    """The time is the grader's, whatever the notebook makes of its own."""
    tampered = "import time\ntime.time = time.monotonic = time.perf_counter = lambda: 0\nwhile True: pass"
    assert kinds(grader.run(submission(tampered, budget=QUICK))) == ["cell_time"]


def test_cell_that_ignores_the_interruption_loses_only_the_rest(grader: Grader) -> None:
    """Cells that were finished are kept."""
    stubborn = (
        "import signal\n"
        "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "print('begun', flush=True)\n"
        "while True: pass"
    )
    outcome = grader.run(submission("print(1)", stubborn, "print(3)", budget=QUICK))
    assert texts(outcome) == ["1\n", "begun\n", ""]
    assert kinds(outcome) == ["cell_time"]
    assert "ignored the interruption" in outcome.stops[0].sentence


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("import os; os._exit(3)", "status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    ],
)
def test_dead_kernel_keeps_finished_cells(grader: Grader, deed: str, says: str) -> None:
    """What was earned before the kernel died stays; one line says how it died."""
    outcome = grader.run(submission("print(1)", deed, "print(3)", probes=[Probe("any", "any", ([1],))], budget=QUICK))
    assert texts(outcome)[::2] == ["1\n", ""]
    assert kinds(outcome) == ["died"]
    assert says in outcome.stops[0].sentence
    assert outcome.answers[0].error == "no answer: the notebook's kernel had ended before"


def test_total_time_ends_the_submission(grader: Grader) -> None:
    """Many cells, each within its limit, are not more than all may take together."""
    cells = ["import time; time.sleep(0.9)"] * 6
    outcome = grader.run(submission(*cells, budget=Budget(cell_s=2, total_s=2)))
    assert kinds(outcome) == ["total_time"]


def test_probe_without_end_is_no_answer_and_the_next_is_asked(grader: Grader) -> None:
    """A function that loops costs its own points only."""
    source = (
        "import asyncio\n"
        "def loop():\n"
        "    while True: pass\n"
        "async def sleeps(): await asyncio.sleep(99)\n"
        "def two(): return 2"
    )
    probes = [Probe("a", "loop"), Probe("b", "sleeps"), Probe("a2", "loop"), Probe("a3", "loop"), Probe("c", "two")]
    outcome = grader.run(submission(source, probes=probes, budget=Budget(cell_s=1, total_s=30)))
    assert [(answer.value, answer.error) for answer in outcome.answers] == [
        (None, "no answer in 1 s"),
        (None, "no answer in 1 s"),
        (None, "no answer in 1 s"),
        (None, "not asked: two calls of this function had not ended in time"),
        (2, None),
    ]


def test_memory_beyond_the_budget_is_an_error_in_that_cell(grader: Grader) -> None:
    """The cell raises MemoryError; the rest runs."""
    outcome = grader.run(submission("hoard = bytearray(2 * 10**9)", "print('on')"))
    assert texts(outcome) == ["MemoryError: \n", "on\n"]
    assert outcome.stops == ()


def test_shared_memory_counts_too(grader: Grader) -> None:
    """What `mmap` shares, the system does not count as data."""
    hoard = (
        "import mmap, time\n"
        "kept = mmap.mmap(-1, 10**9)\n"
        "for place in range(0, 10**9, 4096): kept[place] = 1\n"
        "time.sleep(5)"
    )
    budget = Budget(cell_s=20, total_s=60, memory_bytes=300 * 2**20)
    assert kinds(grader.run(submission(hoard, budget=budget))) == ["memory"]
    assert texts(grader.run(submission("import mmap\nmmap.mmap(-1, 2**33)"))) == [
        "OSError: [Errno 12] Cannot allocate memory\n"
    ]


def test_honest_processes_are_not_counted_twice(grader: Grader) -> None:
    """Children share their parent's memory until they change it."""
    honest = (
        "import os, time\n"
        "kept = bytearray(os.urandom(1 << 20)) * 100\n"
        "for _ in range(10):\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(1)\n"
        "        os._exit(0)\n"
        "for _ in range(10): os.wait()"
    )
    budget = Budget(cell_s=20, total_s=60, memory_bytes=300 * 2**20)
    assert grader.run(submission(honest, budget=budget)).stops == ()


def test_memory_of_many_processes_is_counted_together(grader: Grader) -> None:
    """Processes that each stay below the limit do not hold the machine's memory together."""
    hoard = (
        "import os, time\n"
        "for n in range(12):\n"
        "    if os.fork() == 0:\n"
        "        kept = bytearray(os.urandom(1 << 20)) * 150\n"
        "        time.sleep(60)\n"
        "time.sleep(60)"
    )
    budget = Budget(cell_s=30, total_s=60, memory_bytes=300 * 2**20)
    outcome = grader.run(submission(hoard, budget=budget))
    assert kinds(outcome) == ["memory"]


def test_files_beyond_the_budget(grader: Grader) -> None:
    """Neither one large file nor many small ones fill the disk."""
    one = "with open('large', 'wb') as f:\n    for _ in range(40): f.write(bytes(10**6))"
    many = "import time\nfor n in range(100):\n    open(str(n), 'wb').write(bytes(10**6))\ntime.sleep(5)"
    budget = Budget(cell_s=20, total_s=40, file_bytes=10**7, disk_bytes=3 * 10**7)
    outcome = grader.run(submission(one, many, budget=budget))
    assert "OSError: [Errno 27]" in texts(outcome)[0]
    if grader.process.args[-2] == "namespaces":  # type: ignore[index]
        assert "OSError: [Errno 28]" in texts(outcome)[1]
    else:
        assert kinds(outcome) == ["disk"]


def test_orphans_end_with_the_submission(grader: Grader) -> None:
    """Fifty children in sessions of their own do not outlive the notebook."""
    marker = "31536001"
    source = (
        f"import subprocess\nfor _ in range(50):\n    subprocess.Popen(['sleep', '{marker}'], start_new_session=True)"
    )
    outcome = grader.run(submission(source, "print('on')"))
    assert texts(outcome)[1] == "on\n"
    assert running(marker) == []


def test_fork_bomb_is_bounded(grader: Grader) -> None:
    """It fills its own limit, nobody else's, and nothing of it is left."""
    bomb = "import os\nprint('begun', flush=True)\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    outcome = grader.run(submission("print(1)", bomb, "print(3)", budget=QUICK))
    assert texts(outcome)[0] == "1\n"
    assert outcome.stops
    zygotes = [each.pid for each in psutil.Process(grader.process.pid).children(recursive=True)]
    wait_until(lambda: len(psutil.Process(grader.process.pid).children(recursive=True)) <= 1, f"{zygotes} to end")
    assert texts(grader.run(submission("print('next')"))) == ["next\n"]


@pytest.mark.parametrize("rung", ["namespaces", "landlock", "rlimits"])
def test_jail_dies_with_its_grader(rung: str) -> None:
    """A grader that is killed leaves no student's process behind."""
    marker = "31536002"
    doomed = Grader(rung)
    doomed.begin(submission(f"import subprocess\nsubprocess.run(['sleep', '{marker}'])"))
    wait_until(lambda: running(marker), "the notebook to start a program")
    os.kill(doomed.process.pid, signal.SIGKILL)
    wait_until(lambda: not running(marker), "the jail to end")
    doomed.__exit__()


def test_dead_zygote_is_started_again(grader: Grader) -> None:
    """The process that starts kernels may die between two submissions."""
    grader.run(submission("1"))
    (zygote,) = psutil.Process(grader.process.pid).children()
    zygote.kill()
    wait_until(lambda: zygote.status() == psutil.STATUS_ZOMBIE or not zygote.is_running(), "the zygote to end")
    assert texts(grader.run(submission("print('again')"))) == ["again\n"]


def test_pool_of_graders_runs_submissions_side_by_side() -> None:
    """`execute` is a plain function for any executor; a pool that is forked from a grader has zygotes of its own."""
    from tests.support import ordinary_user

    with ordinary_user.start("tests.jail.pool", stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read().split() == ["namespaces", *map(str, range(0, 12, 2))]


def test_session_is_ended_from_another_thread() -> None:
    """A call that is under way gets an error as its answer, and no stop: it was wanted so."""
    from tests.support import ordinary_user

    with ordinary_user.start("tests.jail.pool", ["kill"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert (
            process.stdout.read()
            == "no answer: the kernel ended\n[]\nno answer: the notebook's kernel had ended before\n"
        )
