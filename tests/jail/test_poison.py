"""What a kernel says may be meant to hurt the grader: it is cut, refused, or read as what it is, and nothing more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from autograder.doctor.cases import outputs, texts
from autograder.doctor.spending import FLOODS, SPEAK
from autograder.job import Budget, Outcome, Probe
from tests.support.jailed import Grader, submission

pytestmark = pytest.mark.slow

QUICK = Budget(cell_s=3, total_s=30)


def kinds(outcome: Outcome) -> list[str]:
    """The kinds of the stops."""
    return [stop.kind for stop in outcome.stops]


def resident(grader: Grader) -> int:
    """The memory of the grader's process; the most that it ever had."""
    status = Path(f"/proc/{grader.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


ANSWERS = {
    "class Equal:\n    def __eq__(self, other): return True\ndef f(): return Equal()": (
        "TypeError: the answer has a Equal"
    ),
    "class Equal(float):\n    def __eq__(self, other): return True\ndef f(): return Equal(3)": 3.0,
    "class Bomb:\n    def __reduce__(self): return print, ('id',)\ndef f(): return Bomb()": "TypeError: ",
    "def f(): return float('nan')": "ValueError: ",
    "def f(): return {1, 2}": "TypeError: the answer has a set",
    "def f():\n    made = []\n    for _ in range(500): made = [made]\n    return made": "no answer: ",
    "def f(): return 'x' * 3_000_000": "the answer is longer than 1 MiB",
    "def f(): return 'x' * 30_000_000": "the answer is longer than 1 MiB",
    "def f(): raise ValueError('two\\nlines \\x1b[31m')": "ValueError: two lines [31m",
    "def f(): return '\\ud800'": "?",
    "def f(): raise SystemExit(0)": "SystemExit: 0",
    "def f(): raise type('E' * 10**6, (Exception,), {})('m' * 10**7)": "EEE",
    "import json\njson.dumps = lambda *_, **__: 'import os'\ndef f(): return 1": "",
    "import json\njson.dumps = lambda *_, **__: '1, \"more\": 2'\ndef f(): return 1": "",
    "f = 'no function'": "TypeError: 'str' object is not callable",
    "def f(): return 10 ** 5000": "",
    "def f(): return {'at': [10 ** 4000]}": "no answer: a number has more than 300 digits, or no end",
    "def f(): return get_ipython().history_manager.input_hist_raw[:1]": [""],
}


def test_poisoned_answers_are_plain_json_or_errors(grader: Grader) -> None:
    """Whatever a function returns, the judge gets JSON, or one line that says why not."""
    for source, expected in ANSWERS.items():
        outcome = grader.run(submission(source, probes=[Probe("f", "f")], budget=QUICK))
        (answer,) = outcome.answers
        json.dumps(answer.value).encode("utf-8")
        if answer.error is None:
            assert answer.value == expected, source
        else:
            assert isinstance(expected, str), answer
            assert answer.error.startswith(expected), source
            assert len(answer.error) <= 1000
            assert "\n" not in answer.error


@pytest.mark.parametrize(
    "content",
    [
        r"b'\xff' * 100",
        r"struct.pack('>I', 2**31) + b'x'",
        r"struct.pack('>I', 4) + b'null'",
        r"struct.pack('>I', 9) + b'{\"a\":NaN}'",
        r"struct.pack('>I', 200000) + b'[' * 200000",
        r"struct.pack('>I', 6000) + b'1' * 6000",
    ],
)
def test_what_is_no_message_ends_the_kernel(grader: Grader, content: str) -> None:
    """A notebook that speaks to the grader itself, and wrongly, is stopped; what was finished stays."""
    outcome = grader.run(
        submission("print(1)", f"{SPEAK}speak({content})\nimport time; time.sleep(9)", "print(3)", budget=QUICK)
    )
    assert texts(outcome)[::2] == ["1\n", ""]
    assert kinds(outcome) == ["output"]
    assert "no kernel sends" in outcome.stops[0].sentence or "message" in outcome.stops[0].sentence


def test_forged_messages_make_valid_outputs_or_none(grader: Grader) -> None:
    """Messages of the right form and the wrong content add nothing that a notebook could not hold."""
    forged = [
        {"type": "stream", "content": {"name": "../../etc", "text": "x"}},
        {"type": "stream", "content": {"name": "stdout", "text": {"a": 1}}},
        {"type": "display_data", "content": {"data": {"text/html": {"deep": 1}}, "metadata": 5}},
        {"type": "display_data", "content": {"data": [1, 2], "metadata": {}}},
        {"type": "execute_result", "content": {"data": {"text/plain": "13"}, "execution_count": -1}},
        {"type": "execute_result", "content": {"data": {"text/plain": "13"}, "execution_count": 1e308}},
        {"type": "error", "content": {"ename": 1, "evalue": 2, "traceback": "no list"}},
        {"type": "execute_reply", "content": {"execution_count": "many"}},
        {"type": "update_display_data", "content": {"transient": {"display_id": "nobody"}, "data": {}}},
        {"type": "clear_output", "content": []},
        {"type": ["unhashable"], "content": {}},
        {"type": "stream", "content": None},
        {"type": "ended", "content": {"status": 0}},
    ]
    say = (
        f"import json\nfor each in json.loads({json.dumps(json.dumps(forged))}):\n"
        "    packed = json.dumps(each | {'request': 1}).encode()\n"
        "    speak(struct.pack('>I', len(packed)) + packed)"
    )
    outcome = grader.run(submission(SPEAK + say, "print('on')", budget=QUICK))
    first, second = outputs(outcome)
    assert [output["output_type"] for output in first] == ["execute_result", "execute_result"]
    assert all(output.get("execution_count") is None for output in first)
    assert texts(outcome)[1] == "on\n"
    assert second


def test_hundred_megabytes_in_one_line_are_cut(grader: Grader) -> None:
    """The notebook stays small, the grader's memory too, the rest of the cells run."""
    outcome = grader.run(submission("print('x' * 10**8)", "print('on')", budget=Budget(cell_s=20, total_s=60)))
    assert kinds(outcome) == ["output"]
    assert "on\n" in texts(outcome)[1]
    assert len(outcome.notebooks["work.ipynb"]) < 3_000_000
    assert resident(grader) < 150_000_000


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_are_bounded(grader_on: Callable[[str], Grader], flood: str) -> None:
    """However much a kernel says, the notebook stays small, the grader too, and the next cell has its turn."""
    grader = grader_on("landlock")  # `autograder doctor` has them on the strongest rung
    outcome = grader.run(submission(FLOODS[flood], "print('on')", budget=Budget(cell_s=1.5, total_s=30)))
    assert set(kinds(outcome)) <= {"output", "cell_time"}
    assert outcome.stops
    assert len(outcome.notebooks["work.ipynb"]) < 3_000_000
    assert len(outputs(outcome)[0]) <= 1002
    assert resident(grader) < 150_000_000


def test_input_is_not_waited_for(grader: Grader) -> None:
    """There is nobody to answer `input()`; the cell says so at once."""
    outcome = grader.run(submission("input('name? ')", "print('on')"))
    assert texts(outcome)[0].startswith("StdinNotImplementedError")
    assert texts(outcome)[1] == "on\n"


def test_kernel_that_refuses_to_die_does(grader: Grader) -> None:
    """A notebook that ignores signals, lets go of its parent and closes its socket is gone afterwards all the same."""
    marker = "31536003"
    code = (
        "import os, signal, ctypes\n"
        "ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\n"
        "for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        os.closerange(0, 256)\n        os.execvp('sleep', ['sleep', '{marker}'])\n"
        "    os._exit(0)\n"
        "os.closerange(3, 256)\n"
        "while True: pass"
    )
    outcome = grader.run(submission("print(1)", code, budget=QUICK))
    assert texts(outcome)[0] == "1\n"
    assert kinds(outcome) in (["died"], ["cell_time"])
    assert not [each for each in psutil.process_iter(["cmdline"]) if marker in (each.info["cmdline"] or ())]
