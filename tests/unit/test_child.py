"""A child process as its parent asks it: real pipes, with a child that the test writes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kit.backends.child import Child
from kit.errors import ClusterClosedError, FaultError, KitError, StartError
from tests.support.wait import wait_until

pytestmark = pytest.mark.portable

PLAY = """
import json, sys
def send(**message):
    sys.stdout.write(json.dumps(message) + "\\n"); sys.stdout.flush()
settings = json.loads(sys.stdin.readline())
send(ready=settings["greeting"])
held = []
for line in sys.stdin:
    message = json.loads(line)
    number, command, args = message.get("id"), message.get("command"), message.get("args")
    if command == "close":
        break
    elif command == "die":
        sys.exit("no more strength")
    elif command == "refuse":
        send(id=number, error="There is no broker 9.", kind="FaultError")
    elif command == "fail":
        send(id=number, error="ZeroDivisionError: ours", kind="ZeroDivisionError")
    elif command == "babble":
        sys.stdout.write("no JSON\\n")
        send(id=number, result="x" * args["length"])
    elif command == "hold":
        held.append(number)
        if len(held) == args["until"]:
            for each in reversed(held):
                send(id=each, result=each)
    elif command == "add_hook":
        send(id=number, result=None)
        send(hook=args["hook"], call=1, request={"api": args["api"]})
    elif "verdict" in message:
        send(id=None, result=None)
        verdicts = [message["verdict"]]
    elif command == "verdicts":
        send(id=number, result=verdicts)
    elif command != "ignore":
        send(id=number, result=args)
"""

Start = Callable[..., Child]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """Start children that run `PLAY`, or other code; they end with the test."""
    with contextlib.ExitStack() as stack:

        def make(code: str = PLAY) -> Child:
            monkeypatch.setattr("kit.backends.child._BOOT", code)
            child = Child({"greeting": "hello"}, name="The played cluster", log_path=tmp_path / "server.log")
            stack.callback(child.close)
            return child

        yield make


@pytest.fixture
def child(start: Start) -> Child:
    """A child that has started."""
    made = start()
    assert made.started() == {"ready": "hello"}
    return made


def test_answer_comes_back(child: Child) -> None:
    """Also a long one, and after a line that is none."""
    assert child.ask("echo", {"node_id": 2, "clients": {"me": 0}}) == {"node_id": 2, "clients": {"me": 0}}
    assert len(child.ask("babble", {"length": 300_000})) == 300_000
    long = {"text": "y" * 300_000}
    is_same = child.ask("echo", long) == long
    assert is_same


def test_refusal_is_a_fault_error_and_failure_is_not(child: Child) -> None:
    """The first is the student's, the second is ours and names the command."""
    with pytest.raises(FaultError, match=r"^There is no broker 9\.$"):
        child.ask("refuse", {})
    with pytest.raises(KitError, match=r"failed in fail\(\): ZeroDivisionError: ours") as failure:
        child.ask("fail", {})
    assert not isinstance(failure.value, FaultError)


def test_argument_that_json_does_not_know_is_refused(child: Child) -> None:
    """Nothing is sent, and the next question is answered."""
    with pytest.raises(FaultError, match="neither a number nor text"):
        child.ask("echo", {"node_id": object()})
    assert child.ask("echo", {}) == {}


def test_answers_find_the_thread_that_asked(child: Child) -> None:
    """Whatever order they come in."""
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(child.ask("hold", {"until": 8}))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(found)) == 8


def test_child_that_does_not_answer_is_given_up(child: Child) -> None:
    """With the command's name; what is asked next is answered."""
    with pytest.raises(KitError, match=r"did not answer to ignore\(\) within 0 seconds"):
        child.ask("ignore", {}, timeout_s=0.05)
    assert child.ask("echo", {}) == {}


def test_child_that_dies_takes_no_question_with_it(child: Child, tmp_path: Path) -> None:
    """Whoever waits is told at once, with its last words; and so is who asks later."""
    (tmp_path / "server.log").write_text("the log's end\n")
    waiting: list[BaseException] = []

    def ask() -> None:
        try:
            child.ask("hold", {"until": 2})
        except ClusterClosedError as error:
            waiting.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(
        ClusterClosedError, match=r"(?s)not there any more; its last words.*log's end.*no more strength"
    ):
        child.ask("die", {})
    thread.join()

    assert len(waiting) == 1
    assert wait_until(lambda: child.status, "the child to be gone") == 1
    with pytest.raises(ClusterClosedError, match="not there any more"):
        child.ask("echo", {})


def test_closed_child_is_asked_in_vain(start: Start) -> None:
    """And closing it again does no harm."""
    child = start()
    child.started()
    for _ in range(2):
        child.close()

    assert child.status == 0
    with pytest.raises(ClusterClosedError, match="not there any more"):
        child.ask("echo", {})


def test_child_that_refuses_to_start_says_why(start: Start) -> None:
    """The first line is an answer or a reason."""
    with pytest.raises(StartError, match=r"^Port 9 is in use$"):
        start('print(\'{"error": "Port 9 is in use"}\', flush=True)').started()


def test_hook_may_ask_the_child_itself(child: Child) -> None:
    """As a function that kills a broker when its first request comes; its verdict goes to the child."""
    seen: list[Any] = []

    def decide(request: Mapping[str, Any]) -> str:
        seen.append((request, child.ask("echo", {"asked": "inside"})))
        return "drop"

    number = child.add_hook({"api": "Produce"}, decide)
    wait_until(lambda: seen, "the hook to be asked")
    assert seen == [({"api": "Produce"}, {"asked": "inside"})]
    assert wait_until(lambda: child.ask("verdicts", {}), "the verdict") == ["drop"]

    child.remove_hook(number)
    child.remove_hook(number)


def test_hook_that_the_child_refuses_is_forgotten(child: Child) -> None:
    """As if it had never been."""
    with pytest.raises(ClusterClosedError):
        child.ask("die", {})
    with pytest.raises(ClusterClosedError):
        child.add_hook({"api": "Produce"}, str)
