"""The failure matrix without a cluster: predictions, runs that are made up, and runs that go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.errors import ScenarioError
from kit.lessons.failure_matrix import KEPT, LOST, REFUSED, ROWS, Seen, rows_of
from kit.widgets import FailureMatrix
from tests.support.wait import wait_until


@dataclass(eq=False)
class FakeBroker:
    """A broker that is alive."""

    is_alive: bool = True


@dataclass(eq=False)
class FakeCluster:
    """What the matrix asks of a cluster."""

    bootstrap_servers: str = "127.0.0.1:1"
    brokers: list[FakeBroker] = field(default_factory=lambda: [FakeBroker()])


def seen_of(failure: str) -> list[Seen]:
    """Give every row of a failure as kept."""
    return [Seen(row.number, f"t-{row.number}", "v", "", 1, (1, 2), 1, None, in_log=True) for row in rows_of(failure)]


@dataclass
class Runs:
    """Stands in for `run_failure`: notes what is run, and does what it is told.

    Attributes:
        gate: runs wait for it.
        error: what they raise.
    """

    names: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None

    def run(self, _cluster: object, failure: str, tell: Callable[[str], None]) -> list[Seen]:
        """See `run_failure`."""
        self.names.append(failure)
        tell(f"Running {failure}.")
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return seen_of(failure)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Give what is run instead of real failures; its gate is open."""
    runs = Runs()
    runs.gate.set()
    monkeypatch.setattr("kit.widgets.failure_matrix.run_failure", runs.run)
    return runs


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster."""
    return FakeCluster()


@pytest.fixture
def matrix(cluster: FakeCluster, runs: Runs) -> Iterator[FailureMatrix]:
    """Give a matrix whose runs are made up."""
    made = FailureMatrix(cluster)  # type: ignore[arg-type]
    yield made
    runs.gate.set()
    made.close()


def press(matrix: FailureMatrix, failure: object) -> None:
    """What the browser sends when a Run button is pressed."""
    matrix.receive(matrix, {"type": "run", "failure": failure}, [])


def test_predictions_of_the_browser_arrive(matrix: FailureMatrix) -> None:
    """What is chosen in the browser is there in Python; what makes no sense is taken back."""
    matrix.chosen = {"1": KEPT, "2": "whatever", "99": LOST, "x": KEPT}

    assert matrix.predictions == {1: KEPT}
    assert matrix.chosen == {"1": KEPT}
    assert '1: "taken and kept"' in matrix.feed["python"]


def test_predict_refuses_what_is_no_prediction(matrix: FailureMatrix) -> None:
    """A row or a word that does not exist is refused with the words that do."""
    matrix.predict(3, REFUSED)
    for row, word in ((0, KEPT), (13, KEPT), (1, "kept"), (1, "")):
        with pytest.raises(ValueError, match="taken and kept"):
            matrix.predict(row, word)

    assert matrix.predictions == {3: REFUSED}


def test_run_shows_right_and_wrong(matrix: FailureMatrix) -> None:
    """After a run each row has its outcome and reason, and says whether that was predicted."""
    matrix.predict(1, KEPT)
    matrix.predict(2, LOST)

    matrix.run("A")

    assert matrix.outcomes == {1: KEPT, 2: KEPT, 3: KEPT}
    assert [matrix.feed["rows"][number]["right"] for number in ("1", "2", "3")] == [True, False, False]
    assert matrix.feed["score"] == "at first 1 of 2 right"
    assert "you said may be lost; taken and kept" in str(matrix)


def test_first_score_stays_when_minds_change(matrix: FailureMatrix) -> None:
    """A prediction that is changed after the run makes the row right, and the first score stays as it was."""
    matrix.predict(1, LOST)
    matrix.run("A")

    matrix.predict(1, KEPT)

    assert matrix.feed["rows"]["1"]["right"]
    assert matrix.feed["score"] == "at first 0 of 1 right"


def test_run_does_not_repeat_what_was_run(matrix: FailureMatrix, runs: Runs) -> None:
    """Without a name only what is left is run; a cell run twice costs nothing."""
    matrix.run("B")
    matrix.run()
    matrix.run()

    assert runs.names == ["B", "A", "C", "D"]
    with pytest.raises(ValueError, match="A, B, C, D"):
        matrix.run("E")


def test_cell_run_twice_keeps_everything(matrix: FailureMatrix, cluster: FakeCluster) -> None:
    """A new matrix on the same cluster knows the predictions and outcomes of the one before."""
    matrix.predict(1, KEPT)
    matrix.run()

    again = FailureMatrix(cluster)  # type: ignore[arg-type]
    try:
        assert again.predictions == {1: KEPT}
        assert len(again.outcomes) == len(ROWS)
        assert again.feed["failures"]["A"]["state"] == "done"
        assert again.feed["status"].startswith("All rows were run.")
    finally:
        again.close()


def test_button_runs_in_the_background_and_once(matrix: FailureMatrix, runs: Runs) -> None:
    """Pressing again while something runs starts nothing; the kernel is free meanwhile."""
    runs.gate.clear()
    press(matrix, "A")
    wait_until(lambda: runs.names == ["A"], "the run")
    press(matrix, "B")
    press(matrix, "A")

    assert matrix.feed["failures"]["A"]["state"] == "running"
    assert matrix.feed["status"] == "Failure A: Running A."
    runs.gate.set()
    wait_until(lambda: not matrix.alive, "the end of the run")
    assert runs.names == ["A"]


def test_run_all_runs_what_is_predicted(matrix: FailureMatrix, runs: Runs) -> None:
    """The button of all leaves out failures whose rows are not all predicted."""
    matrix.chosen = {str(row.number): KEPT for row in ROWS if row.failure != "C"}

    press(matrix, "all")

    wait_until(lambda: not matrix.alive, "the end of the run")
    assert runs.names == ["A", "B", "D"]


@pytest.mark.parametrize(
    "message",
    [None, "run", {}, {"type": "kill"}, ["run"], {"type": "run", "failure": {"a": 1}}, {"type": "run", "failure": "E"}],
)
def test_messages_that_make_no_sense_do_nothing(matrix: FailureMatrix, runs: Runs, message: Any) -> None:
    """Whatever a page sends, nothing breaks and nothing is run."""
    matrix.chosen = {str(row.number): KEPT for row in ROWS}

    matrix.receive(matrix, message, [])

    assert runs.names == []


def test_run_that_fails_says_why(matrix: FailureMatrix, runs: Runs) -> None:
    """The reason stands in the matrix, later failures are not tried, and all can be run again."""
    runs.error = ScenarioError("It needs three brokers.\nMore of it.")

    matrix.run()

    assert matrix.feed["status"] == "The run has stopped. It needs three brokers."
    assert {each["state"] for each in matrix.feed["failures"].values()} == {"open"}
    runs.error = None
    matrix.run()
    assert len(matrix.outcomes) == len(ROWS)

    runs.error = ScenarioError("This cluster is closed.")
    matrix.run("A")
    assert len(matrix.outcomes) == len(ROWS)
    assert matrix.feed["failures"]["A"]["state"] == "done"


def test_closed_matrix_runs_nothing(matrix: FailureMatrix, runs: Runs) -> None:
    """After close, which may be called twice, buttons and calls do nothing."""
    matrix.close()
    matrix.close()
    press(matrix, "A")
    matrix.run()

    assert runs.names == []


def test_state_is_small(matrix: FailureMatrix) -> None:
    """With everything run, what the notebook could save of it is a few kilobytes."""
    matrix.run()

    saved = {name: content for name, content in matrix.get_state().items() if name not in {"_esm", "_css"}}

    assert len(repr(saved)) < 20_000
