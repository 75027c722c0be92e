"""Notebooks without an answer that claim one: the judge, outside their process, gives nothing for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autograder.doctor import cases
from autograder.doctor.verdict import Verdict
from autograder.job import Budget, Job, Outcome, Probe, Score
from autograder.judge import share

_EQUAL = "def __eq__(self, other): return True\n    def __hash__(self): return 1"
_PROBES = tuple(Probe(f"lag {number}", "lag", (number * 7, number)) for number in range(4))
_RIGHT = {f"lag {number}": number * 6 for number in range(4)} | {"lag 0": 0}
_ANSWER = "lag"

_WORK = "def lag(end, committed): return end - committed"
_HONEST = {
    "honest-work": _WORK,
    "honest-work-with-warnings": (
        "import logging, os, warnings\nwarnings.warn('old')\nlogging.warning('broker disconnected')\n"
        f"os.write(2, b'%3|1|FAIL| librdkafka\\n')\n{_WORK}"
    ),
}
"""Name -> a notebook that has all points; stock nbgrader takes points away for what stands on standard error."""


@dataclass(frozen=True)
class Forgery:
    """A notebook whose function gives no right answer.

    Attributes:
        name: what is tried.
        code: of the notebook; it defines ``lag(end, committed)``, or does not.
        says: what the judge's proof has to say, in part.
    """

    name: str
    code: str
    says: str = ""


CASES = (
    Forgery("equal-to-everything", f"class Equal:\n    {_EQUAL}\ndef lag(*_): return Equal()", "TypeError"),
    Forgery("number-equal-to-all", f"class Equal(float):\n    {_EQUAL}\ndef lag(*_): return Equal(-1)", "it gave -1.0"),
    Forgery("text-for-a-number", "def lag(end, committed): return str(end - committed)", "it gave '"),
    Forgery("every-answer", "def lag(*_): return list(range(99))", "it gave [0, 1"),
    Forgery(
        "drop-the-asserts",
        "class Drop:\n    def visit(self, tree):\n        tree.body.clear()\n        return tree\n"
        "get_ipython().ast_transformers.append(Drop())",
        "NameError",
    ),
    Forgery(
        "forged-displayhook",
        "import sys\ndef forge(*_):\n    sys.displayhook = lambda value: print(13)\n"
        "get_ipython().events.register('pre_run_cell', forge)\n"
        "get_ipython().display_formatter.format = lambda *_, **__: ({'text/plain': '13'}, {})\n13",
        "NameError",
    ),
    Forgery(
        "replaced-run-cell",
        "ip = get_ipython()\n"
        "class Fine:\n    success, result = True, 13\n    error_in_exec = error_before_exec = None\n"
        "ip.run_cell = ip.run_cell_async = lambda *_, **__: Fine()",
        "NameError",
    ),
    Forgery("swallowed-errors", "get_ipython().set_custom_exc((BaseException,), lambda *_: None)", "NameError"),
    Forgery(
        "pickle-bomb",
        "class Bomb:\n    def __reduce__(self): return print, ('id',)\ndef lag(*_): return Bomb()",
        "TypeError",
    ),
    Forgery("poisoned-json", "import json\njson.dumps = lambda *_, **__: '1, \"value\": 2'\ndef lag(*_): return -1"),
    Forgery(
        "json-with-code", "import json\njson.dumps = lambda *_, **__: '__import__(\"os\")'\ndef lag(*_): return -1"
    ),
    Forgery("not-a-number", "def lag(*_): return float('nan')", "ValueError"),
    Forgery("endless-answer", "def lag(*_):\n    made = []\n    made.append(made)\n    return made", ""),
    Forgery("deep-answer", "def lag(*_):\n    made = []\n    for _ in range(500): made = [made]\n    return made", ""),
    Forgery("huge-answer", "def lag(*_): return 'x' * 30_000_000", "longer than 1 MiB"),
    Forgery("leave-without-answer", "def lag(*_): raise SystemExit(0)", "SystemExit"),
    Forgery(
        "read-the-history",
        "def lag(*_): return [get_ipython().history_manager.input_hist_raw, globals().get('In')]",
        "it gave [[",
    ),
    Forgery(
        "search-the-memory",
        "import gc\ndef lag(*_):\n"
        "    found = [each for each in gc.get_objects() if isinstance(each, dict) and 'lag 1' in each]\n"
        "    return found[0]['lag 1']",
        "IndexError",
    ),
    Forgery(
        "patch-the-judge",
        "import autograder.judge.answers as answers\nanswers.same = answers._same = lambda *_, **__: True\n"
        "def lag(*_): return -1",
    ),
)


def job(case: Forgery) -> Job:
    """The submission; its last cell is a test that it sees, as in a course."""
    return cases.job(case.code, "assert lag(7, 1) == 6", budget=Budget(cell_s=5, total_s=40), probes=_PROBES)


def score(outcome: Outcome) -> Score:
    """What the judge gives."""
    return share(outcome, _PROBES, _RIGHT, grade_id="test-lag", name="lag is right", points=13)


def wrong_with(case: Forgery, given: Score) -> str:
    """What did not hold, in one line; empty when all of it did."""
    if given.points:
        return f"it earned {given.points:g} of {given.of:g} points"
    if not any(case.says in line for line in given.proof):
        return f"the proof says {given.proof}"
    return ""


def verdicts(rung: str) -> Iterator[Verdict]:
    """Try each on one rung; and two that compute their answer, which have all points."""
    for case in CASES:
        given = score(cases.run(job(case), rung))
        yield Verdict("forging", case.name, wrong_with(case, given), f"{given.reason} {given.proof[1][:90]}")
    for name, code in _HONEST.items():
        honest = score(cases.run(job(Forgery(name, code)), rung))
        lost = "" if honest.points == honest.of else f"honest work earned {honest.points:g} of {honest.of:g}"
        yield Verdict("forging", name, lost, honest.reason)
