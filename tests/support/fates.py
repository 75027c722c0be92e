"""Submissions of the rehearsal, named by their fate: how each is made, and all that must come of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import grading
from tests.support.grading import Notebook

Make = Callable[[Path, str], object]
ALL = grading.AUTO_POINTS
_NOTHING = "there was nothing that could be graded"
_DEAF = (
    "import signal\n"
    "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)\n"
    "while True: pass"
)
_EQUAL = """\
class Equal:
    def __eq__(self, other): return True
    def __hash__(self): return 1
    def __getattr__(self, name): return self"""
_HTML = """\
from IPython.display import HTML, Javascript, display
display(HTML('<script>document.title="owned"</script><img src=x onerror=alert(1)>'), Javascript('alert(2)'))
print('<script>alert(3)</script>')"""
_RUN_CELL = """\
ip = get_ipython()
class Fine:
    success, result, error_in_exec, error_before_exec = True, 13, None, None
ip.run_cell = ip.run_cell_async = lambda *_, **__: Fine()"""


@dataclass(frozen=True)
class Fate:
    """A submission of `grading`'s course.

    Attributes:
        make: hands it in, given the course and the student's name.
        points: given automatically, of 13.
        flag: a regular expression for one of the intake's lines; empty where there must be none.
        stop: the same for what was cut short.
        tells: a text on the student's page; empty where there is no page.
        fails: no marks, and this line.
        student: the name, where it is not the fate's own.
    """

    make: Make
    points: float
    flag: str = ""
    stop: str = ""
    tells: str = "All 10 calls gave the right answer."
    fails: str = ""
    student: str = ""


def _code(first: str = "", **bodies: str) -> Make:
    """Right work with other code before it, or with other bodies of functions."""
    return lambda course, name: grading.hand_in(
        course, name, grading.work(course, grading.answers(**bodies), first=first)
    )


def _all(body: str, first: str = "") -> Make:
    """Work with one body for all functions."""
    bodies = dict.fromkeys(grading.FUNCTIONS, body)
    return lambda course, name: grading.hand_in(course, name, grading.work(course, bodies, first=first))


def _edited(change: Callable[[Notebook], object]) -> Make:
    """Right work whose notebook was changed."""

    def make(course: Path, name: str) -> None:
        notebook = grading.work(course)
        change(notebook)
        grading.hand_in(course, name, notebook)

    return make


def _bytes(content: bytes) -> Make:
    return lambda course, name: grading.hand_in(course, name, content)


def _beside(add: Callable[[Path], object]) -> Make:
    """Right work and something beside it."""
    return lambda course, name: add(grading.hand_in(course, name, grading.work(course)))


def _instead(put: Callable[[Path, Path], object]) -> Make:
    """Something else where the notebook belongs."""

    def make(course: Path, name: str) -> None:
        place = grading.hand_in(course, name, b"") / grading.FILE
        place.unlink()
        put(place, course)

    return make


def _linked_folder(course: Path, name: str) -> None:
    (course / "submitted" / name).symlink_to(course / "submitted" / "passes-all")


def _large(course: Path, name: str) -> None:
    notebook = grading.work(course)
    output = {"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}
    grading.cell_of(notebook, "imports")["outputs"] = [output]
    grading.hand_in(course, name, notebook)


def _old_format(notebook: Notebook) -> None:
    cells = [
        {"cell_type": "code", "language": "python", "input": cell["source"], "outputs": [], "metadata": {}}
        if cell["cell_type"] == "code"
        else {"cell_type": "markdown", "source": cell["source"], "metadata": {}}
        for cell in notebook["cells"]
    ]
    notebook.clear()
    notebook.update({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]})


def _test(notebook: Notebook, name: str = "lag") -> dict[str, Any]:
    return grading.cell_of(notebook, f"test-{name}")


def _add_copy(notebook: Notebook, **changes: Any) -> None:
    notebook["cells"].append(json.loads(json.dumps(grading.cell_of(notebook, "answer-lag"))) | {"id": "copy"} | changes)


def _renamed(course: Path, name: str) -> None:
    folder = grading.hand_in(course, name, grading.work(course))
    (folder / grading.FILE).rename(folder / "streams (1).ipynb")


_NONE = "0 of 10 calls gave the right answer."
FATES: Mapping[str, Fate] = {
    # honest work
    "passes-all": Fate(_code(), ALL),
    "empty": Fate(lambda course, name: grading.hand_in(course, name, grading.released(course)), 0, tells=_NONE),
    "loses-lag": Fate(_code(lag="return end"), ALL - 3, tells="lag is right"),
    "some-cases-only": Fate(_code(batches="return [records[:size], records[size:]]"), 10.4, tells="of 10 calls gave"),
    "raises": Fate(_code(windows="return 1 / 0"), ALL - 3, tells="ZeroDivisionError"),
    "missing-package": Fate(_code("import nothing_of_this_name"), ALL),
    "stderr-noise": Fate(_code("import sys, warnings, logging\nwarnings.warn('old')\nlogging.warning('broker')\n"
                               "print('fd', file=sys.stderr)"), ALL),
    "late": Fate(_beside(lambda folder: (folder / "timestamp.txt").write_text("2026-11-03 13:00:00 UTC")), ALL),
    "renamed-notebook": Fate(_renamed, ALL, flag="it was taken as streams.ipynb, by its cells"),
    "old-format": Fate(_edited(_old_format), ALL, flag="notebook format 3"),
    # time, memory, processes, outputs
    "infinite-loop": Fate(_code(windows="while True: pass"), ALL - 3, stop="and was interrupted",
                          tells="no answer"),
    "ignores-sigint": Fate(_code(_DEAF), 0, stop="ignored the interruption", tells=_NONE),
    "spends-all-its-time": Fate(_all("import time; time.sleep(2.8)"), 0, stop="ran longer than 12 s in all",
                                tells="kernel had ended before"),
    "os-exit": Fate(_code("import os; os._exit(0)"), 0, stop="ended itself with status 0", tells=_NONE),
    "exits-in-a-probe": Fate(_code(distinct="import os; os._exit(7)"), 8, stop="status 7"),
    "killed": Fate(_code("import os; os.kill(os.getpid(), 9)"), 0, stop="SIGKILL", tells=_NONE),
    "memory-2gb": Fate(_code("hoard = bytearray(2 * 10**9)"), ALL),
    "fork-bomb": Fate(_code("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"), 0,
                      stop="Ran longer|ended", tells=_NONE),
    "orphans": Fate(_code("import subprocess\nfor _ in range(50): subprocess.Popen(['sleep', '31536005'])"), ALL),
    "100mb-line": Fate(_code("print('x' * 10**8)"), ALL, stop="The outputs together went beyond 1 MiB"),
    "million-outputs": Fate(_code("from IPython.display import display\nfor n in range(10**6): display(n)"), ALL,
                            stop="outputs together|was interrupted"),
    "fills-the-disk": Fate(_code("for n in range(999): open(str(n), 'wb').write(bytes(10**6))"), ALL),
    # what was handed in
    "tampered": Fate(_edited(lambda made: _test(made).update(source="assert True")), ALL, flag="this test was edited"),
    "thousand-points": Fate(_edited(lambda made: _test(made)["metadata"]["nbgrader"].update(points=1000)), ALL,
                            flag="points were changed from 2 to 1000"),
    "deleted-tests": Fate(_edited(lambda made: made["cells"].remove(_test(made))), ALL, flag="this test is missing"),
    "duplicated-cell": Fate(_edited(_add_copy), ALL, flag="is a copy of"),
    "two-answers": Fate(_edited(lambda made: _add_copy(made, source="def lag(end, committed):\n    return 0")), 10.0,
                        flag="is a second answer beside", tells="lag is right"),
    "metadata-stripped": Fate(_edited(lambda made: [cell.update(metadata={}) for cell in made["cells"]]), ALL,
                              flag="had lost their nbgrader id"),
    "skips-tests-by-tag": Fate(_edited(lambda made: _test(made)["metadata"].update(tags=["skip-execution"])), ALL,
                               flag="the tag was removed"),
    "broken-json": Fate(_bytes(b'{"cells": ['), 0, flag="it breaks off before its end; it cannot be graded", tells=""),
    "empty-file": Fate(_bytes(b""), 0, flag="it is empty; it cannot be graded", tells=""),
    "deep-json": Fate(_bytes(b"[" * 10**6), 0, flag="brackets within brackets", tells=""),
    "50mb-notebook": Fate(_large, 0, flag="it has 50.0 MB", tells=""),
    "link": Fate(_beside(lambda folder: (folder / "data.txt").symlink_to("/etc/passwd")), ALL, flag="it is a link"),
    "linked-notebook": Fate(
        _instead(lambda place, course: place.symlink_to(course / "submitted/passes-all/streams" / grading.FILE)), 0,
        flag="it is a link", tells="",
    ),
    "linked-folder": Fate(_linked_folder, 0, fails="its folder is a link, and links are not followed", tells=""),
    "hard-link": Fate(_beside(lambda folder: os.link(folder / grading.FILE, folder / "twin")), 0,
                      flag="it is a hard link", tells=""),
    "fifo": Fate(_instead(lambda place, _: os.mkfifo(place)), 0, flag="it is a named pipe", tells=""),
    "bad-timestamp": Fate(_beside(lambda folder: (folder / "timestamp.txt").write_text("yesterday")), ALL,
                          flag="it is no time of submission"),
    "name-that-leads-out": Fate(_beside(lambda folder: (folder / "..\\..\\source\\evil.txt").write_text("")), ALL,
                                flag="could lead out"),
    # forged marks
    "always-equal": Fate(_all("return Equal()", _EQUAL), 0, tells="which JSON cannot say"),
    "ast-transformer": Fate(
        _all("return None", "get_ipython().ast_transformers.append("
             "type('Drop', (), {'visit': lambda self, tree: (tree.body.clear(), tree)[1]})())"), 0, tells=_NONE,
    ),
    "forged-displayhook": Fate(
        _all("return None", "ip = get_ipython()\nip.events.register('pre_run_cell', lambda *_: setattr("
             "ip.display_formatter, 'format', lambda *a, **k: ({'text/plain': '2'}, {})))"), 0, tells=_NONE,
    ),
    "run_cell-replaced": Fate(_all("return None", _RUN_CELL), 0, tells=_NONE),
    "errors-swallowed": Fate(_all("return 1 / 0", "get_ipython().set_custom_exc((BaseException,), lambda *_: None)"), 0,
                             tells=_NONE),
    "reads-history": Fate(_all("return [get_ipython().history_manager.input_hist_raw, globals().get('In')]"), 0,
                          tells=_NONE),
    "searches-memory": Fate(
        _all("import gc\nreturn [each for each in gc.get_objects() if isinstance(each, dict) and 'lag 1' in each][0]"),
        0, tells="IndexError",
    ),
    "poisoned-json": Fate(_all("return -1", "import json\njson.dumps = lambda *_, **__: '1, \"value\": 2'"), 0,
                          stop="a message that is no JSON", tells=_NONE),
    "pickle-bomb": Fate(_all("return Bomb()", "class Bomb:\n    def __reduce__(self): return print, ('id',)"), 0,
                        tells="which JSON cannot say"),
    "patched-judge": Fate(_all("return -1", "import autograder.judge.answers as a\na.same = lambda *_, **__: True"), 0,
                          tells=_NONE),
    "tampered-clock": Fate(_code("import time\ntime.time = time.monotonic = lambda: 0.0"), ALL),
    # what is shown
    "html-injection": Fate(_code(_HTML), ALL),
    "ansi": Fate(_code("print('\\x1b[2J\\x1b[31mowned \\x1b]0;title\\x07')"), ALL),
    "html-in-an-answer": Fate(
        lambda course, name: grading.hand_in(
            course, name, grading.work(course, text="<script>alert(4)</script> [x](javascript:alert(5))")
        ), ALL,
    ),
    # names and neighbours
    "copied-from-classmate": Fate(_code(first="# my own work"), ALL),
    "shell-characters-in-id": Fate(_code(), ALL, student="$(touch owned); `touch owned` & 'x"),
    "formula-in-id": Fate(_code(), ALL, student="=HYPERLINK(1)"),
}  # fmt: skip
"""By the name of the fate, which is the student's where nothing else is said."""
