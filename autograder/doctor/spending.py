"""What takes more than is given, floods the grader, or will not end: bounded, and what came before it is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from autograder.doctor import cases
from autograder.doctor.cases import Case
from autograder.doctor.verdict import Verdict
from autograder.job import Budget, Outcome

_MIB = 2**20
_ROOMY = Budget(cell_s=20, total_s=60)
_SMALL_DISK = Budget(cell_s=20, total_s=40, file_bytes=10**7, disk_bytes=3 * 10**7)
_SMALL_MEMORY = Budget(cell_s=30, total_s=60, memory_bytes=300 * _MIB)
_SHORT = Budget(cell_s=1.5, total_s=30)
_INTERRUPTED = r"Ran longer than .* and was interrupted; what came after it was run\."
_ENDED = r"Ran longer than .* ignored the interruption; its kernel was ended"
# On a computer that is busy with other things, a flood may leave no time to heed an interruption.
_CUT = rf"The outputs together went beyond 1 MiB|was interrupted|{_ENDED}"
_MARKER = "31536004"  # seconds that nothing honest sleeps
_DEAF = (
    "import signal\n"
    "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)\n"
)
SPEAK = """
import os, socket, struct, stat
def speak(content):
    for fd in range(3, 64):  # whichever of its sockets leads to the grader
        try:
            end = socket.socket(fileno=os.dup(fd))
            end.sendall(content)
        except OSError:
            pass
"""

FLOODS = {
    "lines-without-end": "while True: print('x' * 1000)",
    "million-outputs": "from IPython.display import display\nfor n in range(10**6): display(n)",
    "million-flushes": "import sys\nfor n in range(10**6): sys.stderr.write('.'); sys.stderr.flush()",
    "write-past-python": "import os\nwhile True: os.write(1, b'x' * 4096)",
    "million-widgets": "import ipywidgets\nfor n in range(10**6): ipywidgets.IntSlider(n)",
    "million-updates": "h = display(0, display_id=True)\nfor n in range(10**6): h.update('x' * 1000)",
    "huge-display": "from IPython.display import HTML, display\ndisplay(HTML('x' * 10**8))\nwhile True: pass",
    "speak-to-the-grader": (
        f'{SPEAK}while True: speak(struct.pack(\'>I\', 30) + b\'{{"type":"stream","request":1}} \')'
    ),
}
"""Cells that say far too much."""

CASES = (
    Case("infinite-loop", "while True: pass", _INTERRUPTED, shows="KeyboardInterrupt"),
    Case("ignore-interrupts", f"{_DEAF}print('begun', flush=True)\nwhile True: pass", _ENDED, goes_on=False),
    Case(
        "tampered-clock",
        "import time\ntime.time = time.monotonic = time.perf_counter = lambda: 0\nwhile True: pass",
        _INTERRUPTED,
    ),
    Case(
        "many-slow-cells",
        "import time\ntime.sleep(9)",
        r"in all; its kernel was ended",
        goes_on=False,
        budget=Budget(cell_s=8, total_s=2),
    ),
    Case("os-exit", "import os; os._exit(3)", r"ended itself with status 3", goes_on=False),
    Case("kill-itself", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"ended by SIGKILL", goes_on=False),
    Case("crash", "import ctypes; ctypes.string_at(0)", r"ended by SIGSEGV", goes_on=False),
    Case("two-gigabytes", "hoard = bytearray(2 * 10**9)", shows="MemoryError", budget=_ROOMY),
    Case(
        "memory-of-many",
        "import os, time\nfor n in range(12):\n    if os.fork() == 0:\n"
        "        kept = bytearray(os.urandom(1 << 20)) * 150\n        time.sleep(60)\ntime.sleep(60)",
        r"All processes together held more than 600 MiB",
        goes_on=False,
        budget=_SMALL_MEMORY,
    ),
    Case(
        "large-file",
        "with open('large', 'wb') as f:\n    for _ in range(40): f.write(bytes(10**6))",
        shows=r"OSError: \[Errno 27\]",
        budget=_SMALL_DISK,
    ),
    Case(
        "many-files",
        "import time\nfor n in range(100): open(str(n), 'wb').write(bytes(10**6))\ntime.sleep(5)",
        r"$|The files together went beyond",
        goes_on=None,
        budget=_SMALL_DISK,
    ),
    Case(
        "million-files",
        "import itertools\nfor n in itertools.count(): open(f'f{n}', 'w').close()",
        r"$|The files together|was interrupted",
        goes_on=None,
        budget=_SHORT,
    ),
    Case(
        "fork-bomb",
        "import os\nprint('begun', flush=True)\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        r"Ran longer than|ended",
        goes_on=None,
    ),
    Case(
        "orphans",
        f"import subprocess\nfor _ in range(50): subprocess.Popen(['sleep', '{_MARKER}'], start_new_session=True)",
    ),
    Case(
        "refuse-to-die",
        f"{_DEAF}import os, ctypes\nctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\nif os.fork() == 0:\n    os.setsid()\n"
        f"    if os.fork() == 0:\n        os.closerange(0, 256)\n        os.execvp('sleep', ['sleep', '{_MARKER}'])\n"
        "    os._exit(0)\nos.closerange(3, 256)\nwhile True: pass",
        r"Ran longer than|ended",
        goes_on=False,
    ),
    Case("wait-for-input", "input('name? ')", shows="StdinNotImplementedError"),
    Case("hundred-megabytes-in-a-line", "print('x' * 10**8)", r"The outputs together went beyond 1 MiB", budget=_ROOMY),
    Case(
        "bad-message",
        f"{SPEAK}speak(b'\\xff' * 100)\nimport time; time.sleep(9)",
        r"no kernel sends|message",
        goes_on=False,
    ),
    *(Case(name, deed, _CUT, goes_on=None, budget=_SHORT) for name, deed in FLOODS.items()),
)


def wrong_with(case: Case, outcome: Outcome) -> str:
    """What did not hold, in one line; empty when all of it did."""
    before, shown, _ = cases.texts(outcome)
    lines = [stop.sentence for stop in outcome.stops]
    notebook = outcome.notebooks[cases.FILE]
    if before != "before\n":
        return "what came before it was lost"
    if not (any(re.search(case.line, line) for line in lines or [""]) if case.line else not lines):
        return f"the instructor reads {lines}"
    if any("\n" in line or not line.isprintable() for line in lines):
        return "what the instructor reads is not one plain line"
    if case.goes_on not in (None, cases.ran(outcome, 3)):
        return f"the cell after it was {'not ' if case.goes_on else ''}run"
    if not re.search(case.shows, shown):
        return f"its cell shows {shown!r:.80}"
    if len(notebook) > 3_000_000:
        return f"its notebook has {len(notebook) / 1e6:.0f} MB"
    if survivors():
        return "processes of it are still there"
    return ""


def survivors() -> list[int]:
    """Processes that a case has left behind."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if line == f"sleep\0{_MARKER}\0".encode():
            found.append(int(folder.name))
    return found


def verdicts(rung: str) -> Iterator[Verdict]:
    """Try each on one rung, and see that the next submission runs as ever."""
    for case in CASES:
        outcome = cases.run(case.job(), rung)
        line = (
            outcome.stops[0].sentence
            if outcome.stops
            else cases.texts(outcome)[1].strip()[-100:] or "nothing is left running"
        )
        yield Verdict("spending", case.name, wrong_with(case, outcome), line)
    said = cases.texts(cases.run(cases.job("print('next')"), rung))
    yield Verdict("spending", "the-next-submission", "" if said == ["next\n"] else f"it said {said}", "it runs")
